"""Taking a float apart and putting it together: exponent, significand, powers of two, rounding.

All of it is arithmetic on bit patterns, since conversions between floats and 64-bit integers are no
vector instructions on most processors. `FloatFormat` holds what differs between f64 and f32.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from tapejit.codegen.lane import Lane

_ROOT_HALF = math.sqrt(0.5)


@dataclass(frozen=True)
class FloatFormat:
    """An IEEE format. Adding `magic` rounds to an integer, which is then found in the low bits."""

    fraction_bits: int
    bias: int
    magic: float
    magic_bits: int
    root_half_bits: int  # the pattern of sqrt(1/2)
    least_normal: float
    half_ulp_of_one: float  # below it x and x + x**2 are the same number


DOUBLE = FloatFormat(52, 1023, 1.5 * 2.0**52, 0x4338000000000000, 0x3FE6A09E667F3BCD, 2.0**-1022, 2.0**-53)
SINGLE = FloatFormat(23, 127, 1.5 * 2.0**23, 0x4B400000, 0x3F3504F3, 2.0**-126, 2.0**-24)


def format_of(x: Lane) -> FloatFormat:
    return x.pick(DOUBLE, SINGLE)


def nearest_multiple(x: Lane, per_unit: float) -> tuple[Lane, Lane]:
    """`x * per_unit` rounded to an integer, as a float and as an int; below `magic / 3` in size."""
    form = format_of(x)
    shifted = x.fma(per_unit, form.magic)
    return shifted - form.magic, shifted.bits() - form.magic_bits


def power_of_two(n: Lane, like: Lane) -> Lane:
    """2**n in the format of `like`, for the exponents of normal numbers."""
    form = format_of(like)
    return ((n + form.bias) << form.fraction_bits).as_float()


def scaled(x: Lane, n: Lane) -> Lane:
    """x * 2**n, rounded once, also where 2**n itself is out of range (n down to twice the least exponent)."""
    form = format_of(x)
    total = n + 2 * form.bias
    half = total.unsigned_shift(1)
    first, second = half << form.fraction_bits, (total - half) << form.fraction_bits
    return x * first.as_float() * second.as_float()


def normalised(x: Lane) -> tuple[Lane, Lane]:
    """Positive normal x = m * 2**n with m from sqrt(1/2) to sqrt(2): m, and n as an int."""
    form = format_of(x)
    bits = x.bits()
    distance = bits - (form.root_half_bits - (form.bias << form.fraction_bits))
    n = distance.unsigned_shift(form.fraction_bits) - form.bias
    return (bits - (n << form.fraction_bits)).as_float(), n


def normalised_any(x: Lane) -> tuple[Lane, Lane]:
    """`normalised` for every positive finite x, subnormal numbers too."""
    form = format_of(x)
    lift = form.fraction_bits + 2
    subnormal = x < form.least_normal
    m, n = normalised(subnormal.where(x * 2.0**lift, x))
    return m, subnormal.where(n - lift, n)


def small_int_to_float(n: Lane, like: Lane) -> Lane:
    """An int as a float of the format of `like`; below `magic / 3` in size."""
    form = format_of(like)
    return (n + form.magic_bits).as_float() - form.magic
