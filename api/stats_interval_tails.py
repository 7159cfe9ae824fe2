"""The distribution functions of the truncated normal and the von Mises distribution, on standardised values.

Of a truncated normal distribution what lies in one tail is found by logarithms, which do not underflow, what
lies across the middle by error functions. The von Mises distribution has no closed form: the smaller tail is
integrated by Gauss's rule (D. Best, N. Fisher, Applied Statistics 28, 1979, define it and its periods).
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np

from tapejit import special
from tapejit.tails import Tails

_ndtr, _ndtri, _log_ndtr = special.NAMES["ndtr"], special.NAMES["ndtri"], special.NAMES["log_ndtr"]
_erf, _i0e = special.NAMES["erf"], special.NAMES["i0e"]
_HALF_ROOT = math.sqrt(0.5)
_NODES = 48  # of Gauss's rule: exp(-80 u) and exp(-45 u**2) from 0 to 1 to the last digit
_NORMAL_REACH, _EXPONENTIAL_REACH = 9.5, 80.0  # beyond, nothing is left of either


# -- The truncated normal distribution ---------------------------------------------------------------


def _upper_part(z: Any, a: Any, b: Any) -> Any:
    """The share below z of what lies between positive a and b."""
    whole = _log_ndtr(-a)
    return np.expm1(_log_ndtr(-z) - whole) / np.expm1(_log_ndtr(-b) - whole)


def _lower_part(z: Any, a: Any, b: Any) -> Any:
    """The same of negative a and b."""
    least, here, whole = _log_ndtr(a), _log_ndtr(z), _log_ndtr(b)
    return np.exp(here - whole) * np.expm1(least - here) / np.expm1(least - whole)


def _between(a: Any, b: Any) -> Any:
    """The probability between a <= 0 and b >= -1 under the normal distribution, by error functions."""
    return 0.5 * (_erf(b * _HALF_ROOT) - _erf(a * _HALF_ROOT))


def _middle_part(z: Any, a: Any, b: Any) -> Any:
    """The same of a <= 0 and b >= 0."""
    far = z < -1.0
    near = np.where(far, 0.0, z)
    return np.where(far, _ndtr(z) - _ndtr(a), _between(a, near)) / _between(a, b)


def _truncated_below(z: Any, a: Any, b: Any) -> Any:
    upper, lower = np.greater(a, 0.0), np.less(b, 0.0)
    early, late = np.less_equal(z, a), np.greater_equal(z, b)
    inside = np.where(early, a, np.where(late, b, z))

    def in_case(case: Any, part: Any, *substitutes: float) -> Any:
        return part(*(np.where(case, v, s) for v, s in zip((inside, a, b), substitutes, strict=True)))

    found = np.where(
        upper,
        in_case(upper, _upper_part, 2.0, 1.0, 3.0),
        np.where(
            lower,
            in_case(lower, _lower_part, -2.0, -3.0, -1.0),
            in_case(np.logical_not(np.logical_or(upper, lower)), _middle_part, 0.5, -1.0, 1.0),
        ),
    )
    return np.where(early, 0.0, np.where(late, 1.0, found))


def _truncated_quantile(q: Any, a: Any, b: Any) -> Any:
    """By the smaller of both tails of the whole distribution; those beyond 37 deviations underflow."""
    flipped = np.greater(a, 0.0)
    low, high = np.where(flipped, -b, a), np.where(flipped, -a, b)
    whole = _ndtr(high) - _ndtr(low)
    share = np.where(flipped, 1.0 - q, q)
    below, above = _ndtr(low) + share * whole, _ndtr(-high) + (1.0 - share) * whole
    early = below < 0.5
    found = np.where(early, _ndtri(np.where(early, below, 0.5)), -_ndtri(np.where(early, 0.5, above)))
    return np.minimum(np.maximum(np.where(flipped, -found, found), a), b)


# -- The von Mises distribution ----------------------------------------------------------------------


@cache
def _rule() -> tuple[np.ndarray, np.ndarray]:
    """Gauss's nodes and weights for the interval from 0 to 1."""
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    return 0.5 * (nodes + 1.0), 0.5 * weights


def _angle_beyond(z: Any, kappa: Any) -> Any:
    """The probability of angles from z >= 0 to pi."""
    nodes, weights = _rule()
    steep = kappa * np.sin(z)
    far = np.where(steep > 1.0, _EXPONENTIAL_REACH / np.where(steep > 1.0, steep, 1.0), math.pi)
    reach = np.minimum(np.minimum(math.pi - z, _NORMAL_REACH / np.sqrt(kappa)), far)
    angles = np.expand_dims(z, -1) + np.expand_dims(reach, -1) * nodes
    heights = np.exp(np.expand_dims(kappa, -1) * (np.cos(angles) - 1.0))
    return reach * np.sum(weights * heights, axis=-1) / (2.0 * math.pi * _i0e(kappa))


def _angle_below(z: Any, kappa: Any) -> Any:
    """One more for each turn, as in SciPy."""
    finite = np.abs(z) < np.inf
    angle = np.where(finite, z, 0.0)
    turns = np.round(angle / (2.0 * math.pi))
    angle = angle - turns * (2.0 * math.pi)
    negative = angle < 0.0
    size = np.where(negative, -angle, angle)
    tail = _angle_beyond(*np.broadcast_arrays(size, np.where(np.greater(kappa, 0.0), kappa, 1.0)))
    found = np.where(negative, tail, 1.0 - tail) + turns
    return np.where(finite, found, np.where(z > 0.0, 1.0, np.where(z < 0.0, 0.0, z)))


INTERVAL_TAILS: dict[str, Tails] = {
    "truncnorm": Tails(
        _truncated_below,
        lambda z, a, b: _truncated_below(-z, -b, -a),
        _truncated_quantile,
        lambda q, a, b: -_truncated_quantile(q, -b, -a),
        everywhere=True,
    ),
    "vonmises": Tails(_angle_below, lambda z, kappa: _angle_below(-z, kappa)),
}
