"""Quantiles of log-concave densities by Newton's and Halley's method.

The logarithm of either tail probability is a concave function of the variable, so Newton's steps on the
smaller one of them converge from any start; Halley's factor makes each step triple the digits. Start at
`by_newton`.
"""

from __future__ import annotations

from collections.abc import Callable

from tapejit.codegen.lane import Lane
from tapejit.codegen.lane_control import Lanes, repeat
from tapejit.codegen.vector_exponential import exp
from tapejit.codegen.vector_logarithm import log

_STEPS = 40
_CLOSE = 1e-5  # in standard deviations: the next step's error is its third power
_FARTHEST = 3.0

# (x = exp(y), y) -> whether the lower tail is given, that tail over the density f of y, log f, (log f)'
Evaluate = Callable[[Lane, Lane], tuple[Lane, Lane, Lane, Lane]]


def by_newton(evaluate: Evaluate, start: Lane, p: Lane, q: Lane, precision: Lane) -> Lane:
    """The y below which the probability is p = 1 - q; `precision` is 1 over the deviation of y, about."""
    by_lower = p <= q
    goal = log(by_lower.where(p, q))

    def step(count: Lane, x: Lane, y: Lane) -> tuple[Lane, Lanes]:
        is_low, ratio, log_density, slope = evaluate(x, y)
        density = exp(log_density)
        tail = (is_low ^ by_lower).where(1.0 / density - ratio, ratio)
        move = _halley(goal - log(tail) - log_density, tail, slope, by_lower)
        grown = x * exp(move)
        return abs(move) * precision > _CLOSE, (grown, log(grown))

    return repeat(step, (exp(start), start), _STEPS)[1]


def _halley(missing: Lane, tail: Lane, slope: Lane, by_lower: Lane) -> Lane:
    """The step for g = log tail - goal = -missing, with g' = 1 / tail but for the sign."""
    sign = by_lower.where(1.0, tail.like(-1.0))
    factor = 1.0 + 0.5 * missing * (sign * slope * tail - 1.0)
    bounded = (factor > 0.5).where((factor < 2.0).where(factor, 2.0), factor.like(0.5))
    move = sign * missing * tail / bounded
    return (move > _FARTHEST).where(_FARTHEST, (move < -_FARTHEST).where(-_FARTHEST, move))
