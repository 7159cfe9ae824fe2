"""What the row of `ir.wald` means: quantiles of the inverse Gaussian distribution, by Newton's method.

On the logarithm y of x, whose density is log-concave. Its distribution function (N. Johnson, S. Kotz,
N. Balakrishnan, "Continuous Univariate Distributions" 1, 1994, 15.4) over the density is a sum or a
difference of two ratios of Mills, which neither overflow nor cancel. Start at `wald_quantile`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tapejit.ir import special_reference as reference
from tapejit.ir.tail_integral import in_blocks

_STEPS, _CLOSE, _FARTHEST = 60, 1e-9, 3.0
_LATE = 1.0  # deviations above the middle, from where the upper tail is stated

ScaledErfc = Callable[[np.ndarray], np.ndarray]


def wald_quantile(mean: np.ndarray, p: np.ndarray, erfcx: ScaledErfc | None = None) -> Any:
    """The x below which a number of that mean and shape parameter 1 is with probability p."""
    scaled = erfcx or reference.each(reference.scaled_erfc)
    return in_blocks(lambda mean, p: _quantile(mean, p, scaled), mean, p)


def _quantile(mean: np.ndarray, p: np.ndarray, erfcx: ScaledErfc) -> np.ndarray:
    inside = (mean > 0) & (p > 0) & (p < 1)
    mean_, p_ = np.where(inside, mean, 1.0), np.where(inside, p, 0.5)
    y = -np.log1p(1 / mean_)
    moving = np.flatnonzero(inside)
    for _ in range(_STEPS):
        step = _newton_step(mean_[moving], p_[moving], y[moving], erfcx)
        y[moving] += step
        moving = moving[np.abs(step) * (1 + 1 / np.sqrt(mean_[moving])) > _CLOSE]
        if not moving.size:
            break
    edge = np.where(p == 0, 0.0, np.where(p == 1, np.inf, np.nan))
    return np.where(inside, np.exp(y), np.where(mean > 0, edge, np.nan))


def _newton_step(mean: np.ndarray, p: np.ndarray, y: np.ndarray, erfcx: ScaledErfc) -> np.ndarray:
    """log(goal / found) * found / density, on the side of the smaller goal."""
    root = np.exp(0.5 * y)
    over = root * root / mean
    v, w = (over - 1) / root, (over + 1) / root
    late = v > _LATE
    near, far = (math.sqrt(math.pi / 2) * erfcx(t * math.sqrt(0.5)) for t in (np.where(late, v, -v), w))
    ratio = root * np.where(late, near - far, near + far)
    log_density = -0.5 * (v * v + y + math.log(2 * math.pi))
    by_lower = p <= 0.5
    found = np.where(by_lower != late, ratio, np.maximum(np.exp(-log_density) - ratio, 0.0))
    step = (np.log(np.where(by_lower, p, 1 - p)) - np.log(found) - log_density) * found
    return np.clip(np.where(by_lower, step, -step), -_FARTHEST, _FARTHEST)
