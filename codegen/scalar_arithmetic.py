"""The plain scalar functions: choice, order, rounding, division, integer powers, for floats and ints.

NumPy is the meaning: NaN wins in `maximum`, `mod` has the sign of its divisor, dividing an integer by
zero gives zero (and never a processor trap). Start with `integer_pow` for the style.
"""

from __future__ import annotations

import math

from tapejit.codegen.lane import Lane
from tapejit.codegen.rare_path import rarely


def select(condition: Lane, x: Lane, y: Lane) -> Lane:
    return condition.where(x, y)


def plus(x: Lane, y: Lane) -> Lane:
    """A sum whose order LLVM may change: what vectorises a reduction."""
    if not x.is_float:
        return x + y
    return Lane(x.builder, x.builder.fadd(x.value, y.value, flags=("reassoc", "contract")))


def maximum(x: Lane, y: Lane) -> Lane:
    """The larger one; NaN if either is NaN. LLVM knows this operation: it vectorises in reductions too."""
    return x.intrinsic("maximum", y) if x.is_float else (x > y).where(x, y)


def minimum(x: Lane, y: Lane) -> Lane:
    """The smaller one; NaN if either is NaN."""
    return x.intrinsic("minimum", y) if x.is_float else (x < y).where(x, y)


def wins_max(x: Lane, best: Lane) -> Lane:
    """Whether x takes the place of the best so far: the first NaN stays, else the first largest."""
    return x > best if not x.is_float else (best.is_nan() ^ 1) & ((x > best) | x.is_nan())


def wins_min(x: Lane, best: Lane) -> Lane:
    """Whether x takes the place of the best so far: the first NaN stays, else the first smallest."""
    return x < best if not x.is_float else (best.is_nan() ^ 1) & ((x < best) | x.is_nan())


def sign(x: Lane) -> Lane:
    """-1, 0 or 1; NaN of NaN."""
    rest = x.equals(0).where(x.like(0), x) if x.is_float else x.like(0)
    return (x > 0).where(1, (x < 0).where(-1, rest))


def floor(x: Lane) -> Lane:
    return x.intrinsic("floor")


def ceil(x: Lane) -> Lane:
    return x.intrinsic("ceil")


def sqrt(x: Lane) -> Lane:
    return x.intrinsic("sqrt")


def rsqrt(x: Lane) -> Lane:
    return 1.0 / sqrt(x)


def integer_pow(x: Lane, exponent: int) -> Lane:
    """Repeated squaring; a negative power is the reciprocal of the positive one."""
    power, square, n = x.like(1) if exponent == 0 else None, x, abs(exponent)
    while n:
        if n & 1:
            power = square if power is None else power * square
        square, n = square * square if n > 1 else square, n >> 1
    assert power is not None
    return 1.0 / power if exponent < 0 else power


def floor_div(x: Lane, y: Lane) -> Lane:
    """The quotient rounded down."""
    return _float_floor_div(x, y) if x.is_float else _integer_floor_div(x, y)


def mod(x: Lane, y: Lane) -> Lane:
    """The remainder of `floor_div`, with the sign of the divisor."""
    return _float_mod(x, y) if x.is_float else _integer_mod(x, y)


def _harmless(y: Lane) -> Lane:
    """A divisor that cannot trap: 1 in place of 0, and of -1, for which the smallest int overflows."""
    return (y.equals(0) | y.equals(-1)).where(1, y)


def _integer_floor_div(x: Lane, y: Lane) -> Lane:
    divisor = _harmless(y)
    quotient = Lane(x.builder, x.builder.sdiv(x.value, divisor.value))
    rest = x - quotient * divisor
    down = rest.differs(0) & ((rest ^ divisor) < 0)
    return y.equals(0).where(0, y.equals(-1).where(-x, down.where(quotient - 1, quotient)))


def _integer_mod(x: Lane, y: Lane) -> Lane:
    divisor = _harmless(y)
    rest = Lane(x.builder, x.builder.srem(x.value, divisor.value))
    return (rest.differs(0) & ((rest ^ divisor) < 0)).where(rest + divisor, rest)


def _truncated_mod(x: Lane, y: Lane) -> Lane:
    """C's fmod: exact, with the sign of x.

    fma makes the remainder exact as long as the quotient has no more bits than a float; the quotient may
    have been rounded up to the next integer, which leaves a remainder of the wrong sign.
    """
    ratio = x / y
    rest = (-ratio.intrinsic("trunc")).fma(y, x)
    overshot = (rest < 0.0).where(x > 0.0, (rest > 0.0) & (x < 0.0))
    common = overshot.where(rest + abs(y).with_sign_of(x), rest)
    is_rare = (abs(ratio) >= ratio.pick(2.0**51, 2.0**22)) | abs(y).equals(math.inf)
    return rarely(is_rare, common, "tapejit_fmod" + x.pick("", "f"), _library_mod, x, y)


def _library_mod(x: Lane, y: Lane) -> Lane:
    return Lane(x.builder, x.builder.frem(x.value, y.value))


def _float_mod(x: Lane, y: Lane) -> Lane:
    rest = _truncated_mod(x, y)
    moved = ((rest < 0) ^ (y < 0)).where(rest + y, rest)
    return rest.equals(0).where(x.like(0).with_sign_of(y), moved)


def _float_floor_div(x: Lane, y: Lane) -> Lane:
    rest = _truncated_mod(x, y)
    whole = (x - rest) / y
    down = rest.differs(0) & ((rest < 0) ^ (y < 0))
    quotient = down.where(whole - 1.0, whole)
    below = floor(quotient)
    nearest = (quotient - below > 0.5).where(below + 1.0, below)
    signed = quotient.equals(0).where(x.like(0).with_sign_of(x / y), nearest)
    return y.equals(0).where(x / y, signed)
