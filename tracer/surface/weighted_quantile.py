"""Quantiles of weighted elements: the first one at which the sum of weights reaches q times their total.

NumPy has weights for the method "inverted_cdf" alone. They choose an element, so no derivative flows to them.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tapejit.tracer.errors import ShapeError
from tapejit.tracer.surface.shape import Axes, normal_axes
from tapejit.tracer.surface.statistics import fitting


def weighted_quantile(
    a: Any, levels: np.ndarray, weights: Any, *, axis: Axes, method: str, keepdims: bool, of_numbers: bool
) -> Any:
    """`of_numbers`: elements that are NaN have no weight."""
    if method != "inverted_cdf":
        raise ShapeError(f"only the method 'inverted_cdf' supports weights, not {method!r}")
    given = fitting(weights, a, axis)
    if np.any(given < 0):
        raise ShapeError("weights must not be negative")
    axes = normal_axes(axis, len(a.shape))
    rows, heavy = _joined(a, axes), _joined(given.astype(np.float64), axes)
    order = np.argsort(rows, axis=-1)
    rows, heavy = (np.take_along_axis(x, order, -1) for x in (rows, heavy))
    if of_numbers:
        heavy = np.where(np.isnan(rows), 0.0, heavy)
    share = _shares(heavy, np.isnan(rows[..., 0]) if of_numbers else False)
    found = np.stack([_reached(rows, share, q, of_numbers) for q in levels.ravel()])
    kept = tuple(1 if k in axes else n for k, n in enumerate(a.shape)) if keepdims else rows.shape[:-1]
    return found.reshape(levels.shape + kept)


def _joined(x: Any, axes: tuple[int, ...]) -> Any:
    """x with its `axes` joined, as the last one."""
    rest = [k for k in range(len(x.shape)) if k not in axes]
    shape = (*(x.shape[k] for k in rest), math.prod(x.shape[k] for k in axes))
    return np.transpose(x, (*rest, *axes)).reshape(shape)


def _shares(heavy: Any, is_empty: Any) -> Any:
    """The part of the total weight up to each element; an error where there is no total."""
    share = np.cumsum(heavy, axis=-1)
    share = share / share[..., -1:]
    if np.any(np.isnan(share[..., -1]) & np.logical_not(is_empty)):
        raise ShapeError("weights include NaN or inf, or are all zero")
    return share


def _reached(rows: Any, share: Any, q: Any, of_numbers: bool) -> Any:
    """One quantile of sorted rows. Of leading elements without weight none is reached, not even by q = 0."""
    share = share.astype(q.dtype) if q.dtype.kind == "f" else share
    before = np.sum((share < q) | (share == 0), axis=-1, keepdims=True)
    place = np.minimum(before, rows.shape[-1] - 1)
    found = np.take_along_axis(rows, place, -1)[..., 0]
    if of_numbers or rows.dtype.kind != "f":
        return found
    return np.where(np.isnan(rows[..., -1]), np.nan, found).astype(rows.dtype)
