"""Quantiles of the inverse Gaussian (Wald) distribution of shape parameter 1, by Halley's method.

`ir.wald_reference` says which formulas these are.
"""

from __future__ import annotations

import math

from tapejit.codegen.lane import Lane
from tapejit.codegen.lane_control import branch, called
from tapejit.codegen.quantile import by_newton
from tapejit.codegen.vector_error_function import erfcx
from tapejit.codegen.vector_exponential import exp
from tapejit.codegen.vector_inverse_error import erfcinv
from tapejit.codegen.vector_logarithm import log

_LATE = 1.0  # deviations above the middle, from where the upper tail is stated
_HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)


def wald_quantile(mean: Lane, p: Lane) -> Lane:
    """The x below which a number of that mean is with probability p."""
    found = called("tapejit_wald_quantile", _quantile, mean.to_double(), p.to_double())
    return found.to_type_of(mean)


def _quantile(mean: Lane, p: Lane) -> Lane:
    edge = p.equals(0.0).where(0.0, p.equals(1.0).where(math.inf, p.like(math.nan)))
    return branch(
        (mean > 0.0) & (p > 0.0) & (p < 1.0),
        lambda: (exp(_logarithm(mean, p)),),
        lambda: ((mean > 0.0).where(edge, math.nan),),
    )[0]


def _logarithm(mean: Lane, p: Lane) -> Lane:
    """That of the quantile; the start is right for small p and for small and large means."""
    z = erfcinv(p)
    start = -log(1.0 / mean + 2.0 * z * z)
    precision = 1.0 + (1.0 / mean).intrinsic("sqrt")
    return by_newton(lambda x, y: _evaluated(mean, x, y), start, p, 1.0 - p, precision)


def _evaluated(mean: Lane, x: Lane, y: Lane) -> tuple[Lane, Lane, Lane, Lane]:
    root, over = x.intrinsic("sqrt"), x / mean
    v, w = (over - 1.0) / root, (over + 1.0) / root
    is_low = v <= _LATE
    near, far = _mills(is_low.where(-v, v)), _mills(w)
    ratio = root * is_low.where(near + far, near - far)
    log_density = (v * v + y) * -0.5 - _HALF_LOG_2PI
    return is_low, ratio, log_density, (1.0 / x - over / mean - 1.0) * 0.5


def _mills(x: Lane) -> Lane:
    """The probability above x under the normal distribution, over the density."""
    return erfcx(x * math.sqrt(0.5)) * math.sqrt(math.pi / 2)
