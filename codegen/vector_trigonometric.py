"""sin, cos and tan without branches, but for huge arguments.

x = k pi/2 + r with |r| <= pi/4 by Cody and Waite's reduction with fma: k times the first part of pi/2 is
subtracted exactly, so three parts reach far. Beyond, `huge_angle` reduces with as many bits of 2/pi as it
takes, in a branch of its own. sin and cos of one x share all but their last selection.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from tapejit.codegen.float_parts import nearest_multiple
from tapejit.codegen.huge_angle import reduce_huge
from tapejit.codegen.lane import Lane
from tapejit.codegen.rare_path import rarely
from tapejit.codegen.shared_function import SharedFunction
from tapejit.codegen.two_part import TwoPart, fast_sum, product, quotient

_TWO_OVER_PI = 2 / math.pi
# Of each, the second part is positive: for x = -0.0 the sign of the first remainder then survives.
_HALF_PI_DOUBLE = (1.5707963267948966, 6.123233995736766e-17, -1.4973849048591698e-33)
_HALF_PI_SINGLE = (1.570796251296997, 7.549790126404332e-08, -1.7151245100058819e-15)
# Above, k may be off by too much for r to stay in the polynomials' range.
_LARGEST_DOUBLE, _LARGEST_SINGLE = 2.0**36, 1e5

# (sin(r) - r) / r**3 and (cos(r) - 1 + r**2 / 2) / r**4, in r**2
_SIN_DOUBLE = (
    -0.1666666666666663,
    0.008333333333322063,
    -0.00019841269829542612,
    2.7557313604528153e-06,
    -2.505074503806014e-08,
    1.5896067522420397e-10,
)
_SIN_SINGLE = (-0.1666666716337204, 0.008333329111337662, -0.00019839162996504456, 2.716712060646387e-06)
_COS_DOUBLE = (
    0.041666666666666595,
    -0.0013888888888872975,
    2.4801587288800072e-05,
    -2.755731416398698e-07,
    2.0875698709594936e-09,
    -1.1358423557348704e-11,
)
_COS_SINGLE = (0.04166664183139801, -0.0013887194218114018, 2.4419196051894687e-05)


@dataclass(frozen=True)
class Angle:
    """k pi/2 + high + low; k as an int, of which only the low two bits count."""

    quadrant: Lane
    high: Lane
    low: Lane


def sin(x: Lane) -> Lane:
    return _reduced_and_rarely(x, "huge_sin", sin_of)


def cos(x: Lane) -> Lane:
    return _reduced_and_rarely(x, "huge_cos", cos_of)


def tan(x: Lane) -> Lane:
    return _reduced_and_rarely(x, "huge_tan", tan_of)


def angle_of_pi(x: Lane) -> Angle:
    """The angle pi x, for x of any size: the distance from the nearest integer is exact."""
    whole = (x + 0.5).intrinsic("floor")
    is_odd = whole - (whole * 0.5).intrinsic("floor") * 2.0
    halves = (x - whole) * 2.0
    k, _ = nearest_multiple(halves, 1.0)
    _, n = nearest_multiple(is_odd.fma(2.0, k), 1.0)
    first, second, _ = x.pick(_HALF_PI_DOUBLE, _HALF_PI_SINGLE)
    high, low = product(halves - k, first)
    return Angle(n, high, (halves - k).fma(second, low))


def cotangent_of(angle: Angle) -> Lane:
    """-tan of the angle and a quarter turn."""
    return -tan_of(Angle(angle.quadrant + 1, angle.high, angle.low))


def _reduced_and_rarely(x: Lane, name: str, function: Callable[[Angle], Lane]) -> Lane:
    def huge(y: Lane) -> Lane:
        return SharedFunction(name, "f64", 1, widens=False).called(y.to_double())[0].to_type_of(y)

    is_huge = abs(x) > x.pick(_LARGEST_DOUBLE, _LARGEST_SINGLE)
    return rarely(is_huge, function(_reduced(x)), f"tapejit_{name}" + x.pick("", "f"), huge, x)


def _reduced(x: Lane) -> Angle:
    first, second, third = x.pick(_HALF_PI_DOUBLE, _HALF_PI_SINGLE)
    k, n = nearest_multiple(x, _TWO_OVER_PI)
    r = (-k).fma(first, x)
    step, step_low = product(k, second)
    high = r - step
    low = (-k).fma(third, ((r - high) - step) - step_low)
    return Angle(n, high, low)


def sin_of(angle: Angle) -> Lane:
    odd, even = _sine(angle)[0], _cosine(angle)[0]
    return _negated_if(angle.quadrant & 2, (angle.quadrant & 1).equals(0).where(odd, even))


def cos_of(angle: Angle) -> Lane:
    odd, even = _sine(angle)[0], _cosine(angle)[0]
    return _negated_if((angle.quadrant + 1) & 2, (angle.quadrant & 1).equals(0).where(even, odd))


def tan_of(angle: Angle) -> Lane:
    (odd, odd_low), (even, even_low) = _sine(angle), _cosine(angle)
    plain = (angle.quadrant & 1).equals(0)
    numerator = plain.where(odd, even), plain.where(odd_low, even_low)
    return quotient(numerator, (plain.where(even, -odd), plain.where(even_low, -odd_low)))


def _sine(angle: Angle) -> TwoPart:
    """sin(high + low) = sin(high) + low cos(high)."""
    r, square = angle.high, angle.high * angle.high
    polynomial = square.polynomial(r.pick(_SIN_DOUBLE, _SIN_SINGLE))
    result, rest = fast_sum(r, (r * square).fma(polynomial, angle.low * square.fma(-0.5, 1.0)))
    return result.with_sign_of(r), rest  # for -0.0, whose sign the sum loses


def _cosine(angle: Angle) -> TwoPart:
    """cos(high + low) = cos(high) - low sin(high), where 1 - r**2 / 2 keeps what its rounding lost."""
    r, square = angle.high, angle.high * angle.high
    polynomial = square.polynomial(r.pick(_COS_DOUBLE, _COS_SINGLE))
    lead = square.fma(-0.5, 1.0)
    lost = square.fma(-0.5, 1.0 - lead)
    return fast_sum(lead, (square * square).fma(polynomial, (-r).fma(angle.low, lost)))


def _negated_if(bit_two: Lane, x: Lane) -> Lane:
    """-x where the int `bit_two` is 2, x where it is 0."""
    return (x.bits() ^ (bit_two << x.pick(62, 30))).as_float()


def _huge(function: Callable[[Angle], Lane]) -> Callable[[Lane], Lane]:
    """The same of one huge double."""
    return lambda x: function(Angle(*reduce_huge(x)))


HUGE = {"huge_sin": _huge(sin_of), "huge_cos": _huge(cos_of), "huge_tan": _huge(tan_of)}
