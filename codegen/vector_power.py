"""pow: exp(y log|x|), with the logarithm to more digits than the result has.

An error in y log x becomes a relative error of the power, and y log x may be 700: the logarithm is carried as
an unevaluated sum. x = 2**n m with m from 9/13 to 18/13, and c of a few bits brings m c next to 1:
f = m c - 1 is exact and at most 0.135, so that of the series in t = f / (1 + f/2) only the first term needs
two parts. The multiple of ln 2 is found from an estimate, while the last digits are still being computed.
Start with `power`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from tapejit.codegen.float_parts import format_of, power_of_two, scaled, small_int_to_float
from tapejit.codegen.lane import Lane
from tapejit.codegen.two_part import TwoPart, fast_sum
from tapejit.codegen.uniform import where_all
from tapejit.codegen.vector_exponential import LN2_DOUBLE, LN2_SINGLE, expm1_near_zero

_LOG2_E = 1 / math.log(2)
_BELOW, _ABOVE = 0.8869, 1.1  # of m, where c is 5/4 or 13/16 instead of 1
_FACTORS = (1.25, 1.0, 0.8125)


@dataclass(frozen=True)
class Tables:
    """The constants of one format. Of logarithms the multiples and sums of the first parts are exact."""

    least_bits: int  # the pattern of 9/13, not rounded up: f is exact below 1/8
    ln2: tuple[float, float]
    shifts: tuple[tuple[float, ...], tuple[float, ...]]  # -log c in two parts, each for the three c
    series: tuple[float, ...]  # (log m c - t) / t**3 in t**2
    largest: float  # exponents beyond it might as well be it
    binades: tuple[float, float]  # the binary logarithms of results between 0 and inf
    ordinary: float  # below it in size they are those of normal numbers


DOUBLE = Tables(
    least_bits=0x3FE6276276276276,
    ln2=(0.6931471805598903, 5.497923018708371e-14),
    shifts=(
        (-0.22314355131425145, 0.0, 0.20763936477828793),
        (4.169796584527195e-14, 0.0, -4.3425422595242564e-14),
    ),
    series=(
        0.08333333333333333,
        0.012500000000002802,
        0.0022321428562845046,
        0.0004340278985962835,
        8.876981774742607e-05,
        1.9080056530906536e-05,
    ),
    largest=1e300,
    binades=(-1080.0, 1026.0),
    ordinary=1000.0,
)
SINGLE = Tables(
    least_bits=0x3F313B13,
    ln2=(0.693145751953125, 1.428606765330187e-06),
    shifts=((-0.22314453125, 0.0, 0.2076416015625), (9.799357485462679e-07, 0.0, -2.236784212072962e-06)),
    series=(0.0833333358168602, 0.012499782256782055, 0.0022498625330626965),
    largest=1e30,
    binades=(-160.0, 130.0),
    ordinary=120.0,
)


def power(x: Lane, y: Lane) -> Lane:
    """x**y; in short where all x are positive and normal, and all results too."""
    tables, form = _tables(x), format_of(x)
    log = _log_of_significand(*_significand(x, tables.least_bits), tables)
    binades = y * _LOG2_E * log.estimate
    is_ordinary = (x >= form.least_normal) & (x < math.inf) & (abs(binades) < tables.ordinary)

    def ordinary() -> Lane:
        return _exp_of_product(y, log, binades, _times_power)

    return where_all(is_ordinary, ordinary, lambda: _power_of_any(x, y))


def _power_of_any(x: Lane, y: Lane) -> Lane:
    """With the limits of C and NumPy: 1 for y = 0 and for x = 1, NaN for x < 0 unless y is integral."""
    past_even = abs((y * 0.5).intrinsic("trunc").fma(-2.0, y))  # NaN where y is infinite, which is even
    is_odd = past_even.equals(1.0)
    undefined = (x < 0.0) & (past_even > 0.0) & past_even.differs(1.0)
    sign = is_odd.where(x.bits() & x.pick(-(2**63), -(2**31)), x.bits().like(0))
    signed = (_power_of_size(abs(x), y, undefined).bits() | sign).as_float()
    return (y.equals(0.0) | x.equals(1.0)).where(1.0, signed)


def log_in_more_bits(x: Lane) -> TwoPart:
    """The logarithm of a positive finite x, to about 2**-62 (f32: 2**-31) of itself."""
    log = _log_in_parts(x)
    return fast_sum(log.high, log.low)


@dataclass(frozen=True)
class _Log:
    """A logarithm as a sum of two, of which the second may be 1/500 of the first, and to three digits."""

    high: Lane
    low: Lane
    estimate: Lane


def _power_of_size(x: Lane, y: Lane, undefined: Lane) -> Lane:
    """Of x >= 0; NaN where `undefined`."""
    tables = _tables(x)
    log = _log_in_parts(x)
    first = undefined.where(math.nan, x.equals(0.0).where(-math.inf, log.estimate))
    bounded = y.at_most(tables.largest).at_least(-tables.largest)  # 0 times infinity must not be NaN here
    binades = bounded * _LOG2_E * (x < math.inf).where(first, x)
    result = _exp_of_product(bounded, log, binades, scaled)
    least, most = tables.binades
    return (binades <= most).where((binades < least).where(0.0, result), binades * math.inf)


def _exp_of_product(y: Lane, log: _Log, binades: Lane, scale: Callable[[Lane, Lane], Lane]) -> Lane:
    """exp(y log) = 2**k exp r, with k next to `binades`, nearly the binary logarithm of it."""
    form = format_of(y)
    shifted = binades + form.magic
    k, n = shifted - form.magic, shifted.bits() - form.magic_bits
    ln2, ln2_low = y.pick(LN2_DOUBLE, LN2_SINGLE)
    product = y * log.high
    rest = y.fma(log.low, y.fma(log.high, -product))
    r = (-k).fma(ln2, product) + (-k).fma(ln2_low, rest)
    return scale(expm1_near_zero(r) + 1.0, n)


def _times_power(x: Lane, n: Lane) -> Lane:
    """x * 2**n where that and 2**n are normal numbers."""
    return x * power_of_two(n, x)


def _log_in_parts(x: Lane) -> _Log:
    """Of a positive finite x."""
    tables, form = _tables(x), format_of(x)
    lift = form.fraction_bits + 2
    is_subnormal = x < form.least_normal
    m, k = _significand(is_subnormal.where(x * 2.0**lift, x), tables.least_bits)
    return _log_of_significand(m, is_subnormal.where(k - float(lift), k), tables)


def _log_of_significand(m: Lane, k: Lane, tables: Tables) -> _Log:
    """Of m * 2**k."""
    below, above = m < _BELOW, m > _ABOVE

    def chosen(values: tuple[float, ...]) -> Lane:
        return below.where(values[0], above.where(values[2], m.like(values[1])))

    t, t_low = _argument(m.fma(chosen(_FACTORS), -1.0))
    square = t * t
    cube = t * square
    start = k.fma(tables.ln2[0], chosen(tables.shifts[0]))
    high, lost = fast_sum(start, t)
    lost = t_low + (lost + k.fma(tables.ln2[1], chosen(tables.shifts[1])))
    third, *others = tables.series
    low = cube.fma(third, (cube * square).fma(square.polynomial(others), lost))
    return _Log(high, low, cube.fma(third, high))


def _argument(f: Lane) -> TwoPart:
    """t = f / (1 + f/2), and what its rounding lost."""
    divisor = f.fma(0.5, 1.0)
    less = 1.0 - divisor
    divisor_low = f.fma(0.5, less)
    t = f / divisor
    rest = (-t).fma(divisor, f) - t * divisor_low
    return t, rest * less.fma(less, less + 1.0)  # that is 1 / divisor to three digits


def _significand(x: Lane, least_bits: int) -> tuple[Lane, Lane]:
    """Positive normal x = m * 2**k with m from the number of that pattern to twice that; k as a float."""
    form = format_of(x)
    bits = x.bits()
    distance = bits - (least_bits - (form.bias << form.fraction_bits))
    n = distance.unsigned_shift(form.fraction_bits) - form.bias
    return (bits - (n << form.fraction_bits)).as_float(), small_int_to_float(n, x)


def _tables(x: Lane) -> Tables:
    return x.pick(DOUBLE, SINGLE)
