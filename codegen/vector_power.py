"""pow without branches: exp(y log|x|), with the logarithm to more digits than the result has.

An error in y log x becomes a relative error of the power, and y log x may be 700: f64 carries the logarithm
as an unevaluated sum of two doubles, f32 computes in f64. Start with `power`.
"""

from __future__ import annotations

import math

from tapejit.codegen.float_parts import normalised, normalised_any, power_of_two, scaled, small_int_to_float
from tapejit.codegen.lane import Lane
from tapejit.codegen.two_part import TwoPart, fast_sum, product
from tapejit.codegen.vector_exponential import expm1_near_zero, reduced

# ln 2; a multiple of the first part by any exponent is exact.
_LN2_HIGH, _LN2_LOW = (0.6931471805592082, 7.371002565167799e-13)
_TWO_THIRDS = (0.6666666666666666, 3.700743415417188e-17)
# (log(1 + f) / s - 2 - 2/3 s**2) / s**4 in s**2, where s = f / (2 + f)
_LOG_TAIL = (
    0.4,
    0.28571428571428376,
    0.2222222222229107,
    0.18181818169175953,
    0.15384616760209008,
    0.13333240054857173,
    0.11768686074618147,
    0.1042268827451654,
    0.11014906541376653,
)
# The same as in `vector_logarithm` and `vector_exponential`, good for 35 bits: enough for f32.
_SHORT_LOG = (0.6666666564129681, 0.4000033621856663, 0.28537238365284817, 0.2358356813961867)
_SHORT_EXP = (
    0.5000000044268752,
    0.16666666369762437,
    0.04166636042729786,
    0.008333389457632597,
    0.001394066853961776,
    0.00019845881635771514,
)


def power(x: Lane, y: Lane) -> Lane:
    """x**y with the limits of C and NumPy: 1 for y = 0 and for x = 1, NaN for x < 0 unless y is integral."""
    size = _power_double(abs(x), y) if x.is_double else _power_single(abs(x), y)
    half = y * 0.5
    is_integral = y.intrinsic("floor").equals(y)
    is_odd = is_integral & half.intrinsic("floor").differs(half)
    signed = ((x.bits() < 0) & is_odd).where(-size, size)
    undefined = (x < 0.0) & (x > -math.inf) & y.intrinsic("floor").differs(y)
    return (y.equals(0.0) | x.equals(1.0)).where(1.0, undefined.where(math.nan, signed))


def _power_double(size: Lane, y: Lane) -> Lane:
    log, log_low = log_in_more_bits(size)
    exponent = y.at_most(1e300).at_least(-1e300)  # 0 times the logarithm of 1 must not be NaN
    high, low = product(exponent, log)
    in_range = abs(high) < 800.0
    n, r = reduced(high.at_most(800.0).at_least(-800.0))
    return scaled(expm1_near_zero(r + in_range.where(low + exponent * log_low, 0.0)) + 1.0, n)


def _power_single(size: Lane, y: Lane) -> Lane:
    wide = size.to_double()
    exponent = y.to_double().at_most(1e300).at_least(-1e300)
    m, n = normalised(wide)
    f = m - 1.0
    s = f / (f + 2.0)
    square = s * s
    log_m = s * square.fma(square.polynomial(_SHORT_LOG), 2.0)
    log = _with_infinite_ends(wide, small_int_to_float(n, wide).fma(math.log(2), log_m))
    k, r = reduced((exponent * log).at_most(200.0).at_least(-200.0))
    result = ((r * r).fma(r.polynomial(_SHORT_EXP), r) + 1.0) * power_of_two(k, wide)
    return result.to_type_of(size)


def log_in_more_bits(x: Lane) -> TwoPart:
    """log x = n ln 2 + 2 s + 2/3 s**3 + s**5 tail, to about 2**-66 of itself."""
    m, n = normalised_any(x)
    k = small_int_to_float(n, x)
    s, s_low = _quotient_in_two_parts(m - 1.0, fast_sum(x.like(1.0), m))
    square = s * s
    cube, cube_low = _cube(s, s_low)
    third, third_low = product(cube, _TWO_THIRDS[0])
    third_low = third_low + cube_low * _TWO_THIRDS[0] + cube * _TWO_THIRDS[1]
    tail = cube * square * square.polynomial(_LOG_TAIL) + third_low
    high, carried = fast_sum(k * _LN2_HIGH, s * 2.0)
    high, carried_too = fast_sum(high, third)
    low = ((s_low * 2.0 + tail) + k * _LN2_LOW) + (carried + carried_too)
    total, rest = fast_sum(high, low)
    return _with_infinite_ends(x, total), rest


def _quotient_in_two_parts(numerator: Lane, divisor: TwoPart) -> TwoPart:
    inverse = 1.0 / divisor[0]
    quotient = numerator * inverse
    rest = (-quotient).fma(divisor[0], numerator) - quotient * divisor[1]
    return quotient, rest * inverse


def _cube(s: Lane, s_low: Lane) -> TwoPart:
    square, square_low = product(s, s)
    square_low = square_low + s * s_low * 2.0
    cube, cube_low = product(square, s)
    return cube, cube_low + square * s_low + square_low * s


def _with_infinite_ends(x: Lane, log: Lane) -> Lane:
    """The logarithm of x >= 0, right at 0, inf and NaN too."""
    return x.equals(0.0).where(-math.inf, (x < math.inf).where(log, x))
