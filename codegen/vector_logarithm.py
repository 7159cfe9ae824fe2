"""log, log1p, log2 and log10 without branches.

x = 2**n m with m from sqrt(1/2) to sqrt(2), and log m from f = m - 1. In f64 by s = f / (2 + f), whose odd
series converges fast (the method of FDLIBM); in f32 by a plain polynomial in f, cheaper than a division.
"""

from __future__ import annotations

import math

from tapejit.codegen.float_parts import (
    format_of,
    normalised,
    normalised_any,
    power_of_two,
    small_int_to_float,
)
from tapejit.codegen.lane import Lane
from tapejit.codegen.two_part import TwoPart, fast_sum, product

# ln 2 in two parts; a multiple of the first by any exponent is exact.
_LN2_DOUBLE = (6.93147180369123816490e-01, 1.90821492927058770002e-10)
_LN2_SINGLE = (0.693359375, -2.1219444005469057e-4)

# 1 / ln 2, 1 / ln 10 and the decimal logarithm of 2, in two parts each.
_LOG2_E_DOUBLE = (1.4426950408889634, 2.0355273740931033e-17)
_LOG2_E_SINGLE = (1.4426950216293335, 1.925963033500011e-08)
_LOG10_E_DOUBLE = (0.4342944819032518, 1.098319650216765e-17)
_LOG10_E_SINGLE = (0.4342944920063019, -1.0103049952192578e-08)
_LOG10_2_DOUBLE = (0.3010299956639812, -2.8037281277851704e-18)
_LOG10_2_SINGLE = (0.3010300099849701, -1.432098883924482e-08)

# (log(1 + f) / s - 2) / s**2 in s**2
_LOG_DOUBLE = (
    0.6666666666666735,
    0.3999999999941109,
    0.2857142874326311,
    0.22222198475955784,
    0.18183569740750702,
    0.15313903236519277,
    0.14797507692233355,
)
# (log(1 + f) - f + f**2 / 2) / f**3 in f
_LOG_SINGLE = (
    0.3333331346511841,
    -0.25000008940696716,
    0.20002134144306183,
    -0.16668006777763367,
    0.14219224452972412,
    -0.12405134737491608,
    0.11890320479869843,
    -0.1167965680360794,
    0.06746609508991241,
)


def log(x: Lane) -> Lane:
    m, n = normalised_any(x)
    return _with_limits(x, _log_of_parts(m - 1.0, small_int_to_float(n, x)))


def log1p(x: Lane) -> Lane:
    """log(u) for u = 1 + x rounded, where f also gets what the rounding lost."""
    u = x + 1.0
    lost = (x - (u - (u - x))) + (1.0 - (u - x))
    m, n = normalised(u)
    shrink = (u < 2.0**60).where(power_of_two(-n, x), 0.0)
    result = _log_of_parts((m - 1.0) + lost * shrink, small_int_to_float(n, x))
    return (abs(x) < format_of(x).half_ulp_of_one).where(x, _with_limits(u, result))


def log2(x: Lane) -> Lane:
    """Of a power of two the exact exponent."""
    log_m, k = _log_in_parts(x)
    high, low = _times(log_m, x.pick(_LOG2_E_DOUBLE, _LOG2_E_SINGLE))
    total, lost = fast_sum(k, high)
    return _with_limits(x, total + (lost + low))


def log10(x: Lane) -> Lane:
    """Of a power of ten the exact exponent: the error before the last rounding is far below an ulp."""
    log_m, k = _log_in_parts(x)
    high, low = _times(log_m, x.pick(_LOG10_E_DOUBLE, _LOG10_E_SINGLE))
    octaves, octaves_low = _times((k, k.like(0.0)), x.pick(_LOG10_2_DOUBLE, _LOG10_2_SINGLE))
    total, lost = fast_sum(octaves, high)
    return _with_limits(x, total + (lost + (low + octaves_low)))


def log_in_two_parts(x: Lane) -> TwoPart:
    """The logarithm of a positive finite x to about four bits more than one float holds."""
    (log_m, rest), k = _log_in_parts(x)
    high, low = x.pick(_LN2_DOUBLE, _LN2_SINGLE)
    total, lost = fast_sum(k * high, log_m)
    return fast_sum(total, lost + k.fma(low, rest))


def _log_in_parts(x: Lane) -> tuple[TwoPart, Lane]:
    """Of x = 2**k m: log m = f - f**2 / 2 + ..., its first two terms kept exactly, and k."""
    m, n = normalised_any(x)
    f = m - 1.0
    half_f = f * 0.5
    half = f * half_f
    high, lost = fast_sum(f, -half)
    tail = _tail_by_quotient(f, half) if x.is_double else f * f * f * f.polynomial(_LOG_SINGLE)
    return (high, lost + (tail - half_f.fma(f, -half))), small_int_to_float(n, x)


def _tail_by_quotient(f: Lane, half: Lane) -> Lane:
    """log(1 + f) - f + f**2 / 2."""
    s = f / (f + 2.0)
    square = s * s
    return s * square.fma(square.polynomial(_LOG_DOUBLE), half)


def _times(x: TwoPart, factor: tuple[float, float]) -> TwoPart:
    high, low = product(x[0], factor[0])
    return high, low + (x[0] * factor[1] + x[1] * factor[0])


def _log_of_parts(f: Lane, k: Lane) -> Lane:
    """k ln 2 + log(1 + f)."""
    high, low = f.pick(_LN2_DOUBLE, _LN2_SINGLE)
    rest = _rest_by_quotient(f, k * low) if f.is_double else _rest_by_polynomial(f, k * low)
    return k.fma(high, f - rest)


def _rest_by_quotient(f: Lane, low: Lane) -> Lane:
    """f - log(1 + f) - low."""
    s = f / (f + 2.0)
    square, half = s * s, f * f * 0.5
    return half - s.fma(square.fma(square.polynomial(_LOG_DOUBLE), half), low)


def _rest_by_polynomial(f: Lane, low: Lane) -> Lane:
    """f - log(1 + f) - low."""
    square = f * f
    return square * 0.5 - (square * f).fma(f.polynomial(_LOG_SINGLE), low)


def _with_limits(x: Lane, result: Lane) -> Lane:
    """-inf at 0, NaN below, x itself at inf and NaN."""
    outside = x.equals(0.0).where(-math.inf, x.like(math.nan))
    return (x <= 0.0).where(outside, (x < math.inf).where(result, x))
