"""Draws as quantiles of uniform numbers, where the inverse distribution function is elementary.

L. Devroye, "Non-Uniform Random Variate Generation", 1986, chapter II.2. Derivatives flow to the parameters.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tapejit.random_draw import Shape, as_float, default_shape, open_unit, weibull
from tapejit.random_key import Key

__all__ = ["geometric", "pareto", "rayleigh", "triangular", "weibull_min"]

weibull_min = weibull


def pareto(key: Key, b: Any, shape: Shape | None = None, dtype: Any = float) -> Any:
    """Pareto's numbers from 1 up, with density b / x**(b + 1): u**(-1 / b)."""
    return np.exp(-np.log(open_unit(key, default_shape(shape, b), dtype)) / as_float(b, dtype))


def rayleigh(key: Key, scale: Any = 1.0, shape: Shape | None = None, dtype: Any = float) -> Any:
    """The length of a vector of two normal numbers of deviation `scale`: scale * sqrt(-2 log u)."""
    unit = open_unit(key, default_shape(shape, scale), dtype)
    return as_float(scale, dtype) * np.sqrt(-2.0 * np.log(unit))


def triangular(
    key: Key, left: Any, mode: Any, right: Any, shape: Shape | None = None, dtype: Any = float
) -> Any:
    """Numbers from `left` to `right` whose density is a triangle with its top at `mode`."""
    unit = open_unit(key, default_shape(shape, left, mode, right), dtype)
    low, top, high = (as_float(x, dtype) for x in (left, mode, right))
    rising, falling = unit * (high - low) * (top - low), (1.0 - unit) * (high - low) * (high - top)
    is_rising = unit * (high - low) < top - low
    one = np.ones_like(unit)
    up, down = np.sqrt(np.where(is_rising, rising, one)), np.sqrt(np.where(is_rising, one, falling))
    return np.where(is_rising, low + up, high - down)


def geometric(key: Key, p: Any, shape: Shape | None = None, dtype: Any = np.int64) -> Any:
    """The number of trials up to the first success, each of probability `p`; integers, without a derivative.

    From 1 up, at most the largest integer of `dtype`; NaN has no integer, so `p` outside (0, 1] gives -1.
    """
    unit = open_unit(key, default_shape(shape, p), float)
    chance = as_float(p, float)
    sensible = np.logical_and(chance > 0.0, chance <= 1.0)
    usual = np.logical_and(sensible, chance < 1.0)
    trials = np.ceil(np.log(unit) / np.log1p(-np.where(usual, chance, 0.5)))
    most = 2.0**62 if np.dtype(dtype).itemsize == 8 else 2.0**31 - 1
    return np.where(sensible, np.where(usual, np.clip(trials, 1.0, most), 1.0), -1.0).astype(dtype)
