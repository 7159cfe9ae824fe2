"""Draws of vectors, and of lengths of vectors: inside balls, on spheres, rotations."""

from __future__ import annotations

from typing import Any

import numpy as np

from tapejit.random_draw import Shape, exponential, float_name, normal, rademacher
from tapejit.random_gamma import gamma
from tapejit.random_key import Key, shape_of, split

__all__ = ["ball", "double_sided_maxwell", "generalized_normal", "maxwell", "orthogonal"]


def generalized_normal(key: Key, p: Any, shape: Shape = (), dtype: Any = float) -> Any:
    """Numbers with a density in proportion to exp(-|x|**p): a sign times a power of a gamma draw."""
    size, side = split(key)
    magnitude = gamma(size, 1.0 / p, shape, dtype) ** (1.0 / p)
    return magnitude * rademacher(side, shape, dtype)


def maxwell(key: Key, shape: Shape = (), dtype: Any = float) -> Any:
    """The length of a vector of three standard normal numbers."""
    vectors = normal(key, (*shape_of(shape), 3), dtype)
    return np.sqrt(np.sum(vectors * vectors, axis=-1))


def double_sided_maxwell(key: Key, loc: Any, scale: Any, shape: Shape = (), dtype: Any = float) -> Any:
    """`maxwell` with either sign, times `scale`, plus `loc`."""
    size, side = split(key)
    return maxwell(size, shape, dtype) * rademacher(side, shape, dtype) * scale + loc


def ball(key: Key, d: int, p: float = 2.0, shape: Shape = (), dtype: Any = float) -> Any:
    """Points spread evenly inside the unit ball of the p-norm in `d` dimensions; shape (*shape, d).

    F. Barthe, O. Guedon, S. Mendelson, A. Naor, "A probabilistic approach to the geometry of the l_p^n-ball",
    Ann. Probab. 33 (2005).
    """
    inner, outer = split(key)
    points = generalized_normal(inner, p, (*shape_of(shape), d), dtype)
    rest = exponential(outer, shape_of(shape), dtype)
    size = (np.sum(np.abs(points) ** p, axis=-1) + rest) ** (1.0 / p)
    return points / size[..., None]


def orthogonal(key: Key, n: int, shape: Shape = (), dtype: Any = float) -> Any:
    """Orthogonal matrices, spread evenly (by Haar's measure); shape (*shape, n, n).

    F. Mezzadri, "How to generate random matrices from the classical compact groups", Notices AMS 54 (2007).
    """
    q, r = np.linalg.qr(normal(key, (*shape_of(shape), n, n), float))
    signs = np.sign(np.diagonal(r, axis1=-2, axis2=-1))
    return (q * signs[..., None, :]).astype(float_name(dtype))
