"""Draws of counts, with keys: quantiles of one uniform number each.

Whole numbers have no derivative. With a float `dtype` asking for one in a parameter is a `DerivativeError`,
which names the score function as the remedy; as integers they are constants to a derivative, like all
integers.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tapejit.ir.types import NUMPY_NAME, dtype_name
from tapejit.random_draw import Shape, as_float, default_shape, last_axis, open_unit
from tapejit.random_key import Key, split
from tapejit.tracer.handle import Handle
from tapejit.tracer.surface import count

__all__ = ["binomial", "multinomial", "poisson"]


def poisson(key: Key, lam: Any, shape: Shape | None = None, dtype: Any = np.int64) -> Any:
    """Numbers of events where `lam` are expected, in an integer or a float dtype.

    Where `lam` is negative or not finite: -1, or NaN in a float dtype.

    >>> from tapejit import random
    >>> random.poisson(random.key(0), 3.0, 5).dtype
    dtype('int64')
    """
    unit = open_unit(key, default_shape(shape, lam), float)
    return _as(counts_of(count.poisson_quantile, as_float(lam, float), unit), dtype)


def binomial(key: Key, n: Any, p: Any, shape: Shape | None = None, dtype: Any = np.int64) -> Any:
    """Numbers of successes in `n` trials of probability `p`, in an integer or a float dtype.

    Where `n` is no count or `p` no probability: -1, or NaN in a float dtype.
    """
    unit = open_unit(key, default_shape(shape, n, p), float)
    return _as(counts_of(count.binomial_quantile, as_float(n, float), as_float(p, float), unit), dtype)


def multinomial(key: Key, n: Any, p: Any, shape: Shape | None = None, dtype: Any = np.int64) -> Any:
    """How many of `n` fall into each of the categories of probabilities `p` (..., k); shape (*shape, k).

    One binomial draw per category, of what the ones before it left (L. Devroye, 1986, chapter XI.1.4).
    """
    batch, categories = last_axis("multinomial", p)
    wanted = default_shape(shape, np.empty(batch), n)
    chances = as_float(p, float)
    left, share, found = as_float(n, float), 1.0, []
    for k, part in enumerate(split(key, max(categories, 1))):
        if k == categories - 1:
            found.append(left + np.zeros(wanted))
            break
        chance = chances[..., k] / share
        drawn = binomial(part, left, np.minimum(np.maximum(chance, 0.0), 1.0), wanted, float)
        found.append(drawn)
        left, share = left - drawn, np.maximum(share - chances[..., k], 1e-300)
    return _as(np.stack(found, axis=-1), dtype)


def counts_of(function: Any, *operands: Any) -> Any:
    """`function` of the surface, on arrays of ours or of NumPy."""
    ours = any(isinstance(x, Handle) for x in operands)
    return (function if ours else function.op.numpy)(*operands)


def _as(counts: Any, dtype: Any) -> Any:
    """In the dtype asked for; integers have -1 for NaN."""
    name = NUMPY_NAME[dtype_name(dtype)]
    if name.startswith("float"):
        return counts.astype(name)
    return np.where(np.isnan(counts), -1.0, counts).astype(name)
