"""arctan, arctan2, arcsin and arccos without branches.

arctan folds its argument to |t| <= 1/2 by one division; arcsin folds |x| > 1/2 to a square root by
arcsin x = pi/2 - 2 arcsin sqrt((1 - x) / 2). Start with `_arctan_of_ratio`.
"""

from __future__ import annotations

import math

from tapejit.codegen.lane import Lane
from tapejit.codegen.two_part import fast_sum

# Multiples of pi/4 in two parts: the second is what the first lacks.
_QUARTER_PI_DOUBLE = (0.7853981633974483, 3.061616997868383e-17)
_QUARTER_PI_SINGLE = (0.7853981852531433, -2.1855694143368964e-08)

# (arctan(t) - t) / t**3 in t**2
_ARCTAN_DOUBLE = (
    -0.3333333333333333,
    0.1999999999999953,
    -0.14285714285653728,
    0.11111111107173298,
    -0.0909090893875926,
    0.07692303876320765,
    -0.06666601121323741,
    0.058815558545133165,
    -0.0525616044842831,
    0.0471716799370688,
    -0.0413963133923652,
    0.03301241498600553,
    -0.020407702669082352,
    0.006913300532303284,
)
_ARCTAN_SINGLE = (
    -0.33333325386047363,
    0.19999484717845917,
    -0.14271986484527588,
    0.10940159857273102,
    -0.07980761677026749,
    0.03867437690496445,
)
# (arcsin(t) - t) / t**3 in t**2
_ARCSIN_DOUBLE = (
    0.16666666666666763,
    0.07499999999970386,
    0.0446428571750292,
    0.030381942686768495,
    0.02237221560589386,
    0.017351600466511612,
    0.013980963986122513,
    0.011397699445871937,
    0.010787261454195817,
    0.0036791637622944837,
    0.021775561219942563,
    -0.02109797293813641,
    0.03269201944145107,
)
_ARCSIN_SINGLE = (
    0.16666659712791443,
    0.07500506937503815,
    0.04451633617281914,
    0.031813208013772964,
    0.014416679739952087,
    0.03754878044128418,
)


def arctan(x: Lane) -> Lane:
    return _arctan_of_ratio(abs(x), x.like(1.0)).with_sign_of(x)


def arctan2(y: Lane, x: Lane) -> Lane:
    """The angle of the point (x, y), from -pi to pi; zeros have signs, and two infinities the ratio 1."""
    rise, run = abs(y), abs(x)
    both_infinite = rise.equals(math.inf) & run.equals(math.inf)
    both_zero = rise.equals(0.0) & run.equals(0.0)
    rise = both_infinite.where(1.0, rise)
    run = both_infinite.where(1.0, both_zero.where(1.0, run))
    angle = _arctan_of_ratio(*_within_range(rise, run))
    high, low = _multiple_of_pi(x, 4)
    behind = (x.bits() < 0).where((low - angle) + high, angle)
    return behind.with_sign_of(y)


def arcsin(x: Lane) -> Lane:
    """For |x| > 1/2, pi/2 - 2 (t + rest) with t the square root."""
    t, rest, is_large = _arcsin_parts(x)
    high, low = _multiple_of_pi(x, 2)
    lead, lost = fast_sum(t.like(high), t * -2.0)
    folded = lead + (lost - (rest * 2.0 - low))
    return is_large.where(folded, t + rest).with_sign_of(x)


def arccos(x: Lane) -> Lane:
    t, rest, is_large = _arcsin_parts(x)
    straight, straight_low = _multiple_of_pi(x, 4)
    right, right_low = _multiple_of_pi(x, 2)
    small = right - ((t.with_sign_of(x) - right_low) + rest.with_sign_of(x))
    double = (t + rest) * 2.0
    large = (x < 0.0).where(straight - (double - straight_low), double)
    return is_large.where(large, small)


def _arctan_of_ratio(rise: Lane, run: Lane) -> Lane:
    """arctan(rise / run) for nonnegative operands, not both zero, nor both infinite.

    The ratio is folded before it is taken: rise / run, (rise - run) / (rise + run) or -run / rise. Between
    1/2 and 2 the difference is exact.
    """
    is_steep, is_flat = rise >= run * 2.0, rise <= run * 0.5
    numerator = is_flat.where(rise, is_steep.where(-run, rise - run))
    t = numerator / is_flat.where(run, is_steep.where(rise, rise + run))
    square = t * t
    quarter, quarter_low = t.pick(_QUARTER_PI_DOUBLE, _QUARTER_PI_SINGLE)
    base = is_flat.where(0.0, is_steep.where(2 * quarter, t.like(quarter)))
    base_low = is_flat.where(0.0, is_steep.where(2 * quarter_low, t.like(quarter_low)))
    polynomial = square.polynomial(t.pick(_ARCTAN_DOUBLE, _ARCTAN_SINGLE))
    return base + ((t * square).fma(polynomial, base_low) + t)


def _within_range(rise: Lane, run: Lane) -> tuple[Lane, Lane]:
    """The same ratio, with a sum that does not overflow."""
    is_huge = (rise + run) > rise.pick(2.0**1022, 2.0**126)
    return is_huge.where(rise * 0.25, rise), is_huge.where(run * 0.25, run)


def _arcsin_parts(x: Lane) -> tuple[Lane, Lane, Lane]:
    """t and arcsin(t) - t, where t is |x| or, for |x| > 1/2 (the third result), sqrt((1 - |x|) / 2)."""
    size = abs(x)
    is_large = size > 0.5
    folded = (1.0 - size) * 0.5
    square = is_large.where(folded, size * size)
    t = is_large.where(folded.intrinsic("sqrt"), size)
    return t, t * square * square.polynomial(x.pick(_ARCSIN_DOUBLE, _ARCSIN_SINGLE)), is_large


def _multiple_of_pi(x: Lane, quarters: int) -> tuple[float, float]:
    """`quarters` * pi/4 (a power of two of them, so that both parts stay exact)."""
    high, low = x.pick(_QUARTER_PI_DOUBLE, _QUARTER_PI_SINGLE)
    return quarters * high, quarters * low
