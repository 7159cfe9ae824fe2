"""The functions of complex numbers, made of those of their parts, without branches.

Branch cuts are NumPy's (C99, Annex G), with signed zeros on either side of them, and so are the limits at
infinity as far as a formula gives them. Start with `exp`. Accuracy is that of the parts, relative to the
modulus of the result, except that `log` and `tanh` avoid the cancellation that their textbook forms have.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from tapejit.codegen import scalar_arithmetic
from tapejit.codegen.complex_lane import ComplexLane, choose
from tapejit.codegen.lane import Lane
from tapejit.codegen.two_part import product, two_sum
from tapejit.codegen.vector_exponential import cosh as real_cosh
from tapejit.codegen.vector_exponential import exp as real_exp
from tapejit.codegen.vector_exponential import expm1 as real_expm1
from tapejit.codegen.vector_exponential import sinh as real_sinh
from tapejit.codegen.vector_inverse_trigonometric import arctan2
from tapejit.codegen.vector_logarithm import log as real_log
from tapejit.codegen.vector_logarithm import log1p as real_log1p
from tapejit.codegen.vector_trigonometric import cos as real_cos
from tapejit.codegen.vector_trigonometric import sin as real_sin

_LAST_EXP = (709.0, 88.0)  # beyond it exp overflows, though its product with a small cosine need not
_SHIFT = (64, 16)  # by how many binary digits such a product is computed smaller


def exp(z: ComplexLane) -> ComplexLane:
    large = z.x > z.x.pick(*_LAST_EXP)
    digits = z.x.pick(*_SHIFT)
    size = real_exp(large.where(z.x - digits * math.log(2.0), z.x))
    scale = large.where(z.x.like(2.0**digits), 1.0)
    x, y = size * real_cos(z.y) * scale, size * real_sin(z.y) * scale
    gone = z.x.equals(-math.inf)  # then the angle does not matter, even where it is none
    lost = gone & ((abs(z.y) < math.inf) ^ 1)
    return ComplexLane(lost.where(0.0, x), z.y.equals(0.0).where(z.y, lost.where(0.0, y)))


def log(z: ComplexLane) -> ComplexLane:
    return ComplexLane(_log_modulus(z), arctan2(z.y, z.x))


def _log_modulus(z: ComplexLane) -> Lane:
    """log |z|: of |z|^2 - 1, in two parts, near the unit circle; else of the larger part and the ratio."""
    small, large = _ordered(z)
    near = (large > 0.5) & (large < 2.0)
    excess = near.where(_square_minus_one(large, small), 0.0)
    ratio = (large.equals(0.0) | large.equals(math.inf)).where(0.0, small / large)
    found = real_log(near.where(1.0, large)) + 0.5 * real_log1p(near.where(excess, ratio * ratio))
    infinite = abs(z.x).equals(math.inf) | abs(z.y).equals(math.inf)
    return infinite.where(math.inf, found)


def _square_minus_one(large: Lane, small: Lane) -> Lane:
    """large**2 + small**2 - 1; nothing is lost where they cancel."""
    square, rest = product(large, large)
    other, other_rest = product(small, small)
    total, lost = two_sum(square - 1.0, other)
    return total + (lost + (rest + other_rest))


def _ordered(z: ComplexLane) -> tuple[Lane, Lane]:
    """The sizes of the parts, the smaller one first; a NaN is large."""
    x, y = abs(z.x), abs(z.y)
    first = (x > y) | x.is_nan()
    return first.where(y, x), first.where(x, y)


def modulus(z: ComplexLane) -> Lane:
    """sqrt(x**2 + y**2), scaled by a power of two where the squares would overflow or vanish."""
    small, large = _ordered(z)
    limit = z.x.pick(2.0**500, 2.0**60)
    huge, tiny = large > limit, large < 1.0 / limit
    down, up = z.x.pick(2.0**-600, 2.0**-70), z.x.pick(2.0**600, 2.0**100)
    scale = huge.where(z.x.like(down), tiny.where(z.x.like(up), 1.0))
    x, y = large * scale, small * scale
    found = scalar_arithmetic.sqrt(x.fma(x, y * y)) / scale
    infinite = abs(z.x).equals(math.inf) | abs(z.y).equals(math.inf)
    return infinite.where(math.inf, found)


def sqrt(z: ComplexLane) -> ComplexLane:
    """W. Kahan, Branch Cuts for Complex Elementary Functions, 1987: no cancellation, the cut below zero."""
    _, large = _ordered(z)
    limit = z.x.pick(2.0**1000, 2.0**120)
    huge, tiny = large > limit, large < 1.0 / limit
    down, up = 2.0**-4, z.x.pick(2.0**108, 2.0**50)
    scale = huge.where(z.x.like(down), tiny.where(z.x.like(up), 1.0))
    back = huge.where(z.x.like(down**-0.5), tiny.where(z.x.like(up**-0.5), 1.0))
    x, y = z.x * scale, z.y * scale
    long = scalar_arithmetic.sqrt(0.5 * (abs(x) + modulus(ComplexLane(x, y))))
    short = long.equals(0.0).where(0.0, abs(y) / (2.0 * long))
    right = x >= 0.0
    found = ComplexLane(right.where(long, short) * back, (right.where(short, long) * back).with_sign_of(z.y))
    found = choose(z.x.is_nan(), ComplexLane(z.x, z.x), found)
    return choose(abs(z.y).equals(math.inf), ComplexLane(abs(z.y), z.y), found)


def sinh(z: ComplexLane) -> ComplexLane:
    x, y = real_sinh(z.x) * real_cos(z.y), real_cosh(z.x) * real_sin(z.y)
    return ComplexLane(z.x.equals(0.0).where(z.x.with_sign_of(x), x), z.y.equals(0.0).where(z.y, y))


def cosh(z: ComplexLane) -> ComplexLane:
    x, y = real_cosh(z.x) * real_cos(z.y), real_sinh(z.x) * real_sin(z.y)
    flat = z.x.equals(0.0) | z.y.equals(0.0)
    return ComplexLane(x, flat.where(z.x.like(0.0).with_sign_of(z.x * z.y), y))


def sin(z: ComplexLane) -> ComplexLane:
    return _turned_back(sinh(_turned(z)))


def cos(z: ComplexLane) -> ComplexLane:
    return cosh(_turned(z))


def tan(z: ComplexLane) -> ComplexLane:
    return _turned_back(tanh(_turned(z)))


def tanh(z: ComplexLane) -> ComplexLane:
    """(sinh x cosh x + i sin y cos y) / (sinh^2 x + cos^2 y), both times 4 exp(-2 |x|)."""
    twice = -2.0 * abs(z.x)
    decay, rest = real_exp(twice), real_expm1(twice)
    cosine = real_cos(z.y)
    divisor = rest.fma(rest, 4.0 * decay * cosine * cosine)
    x = (-rest) * (2.0 + rest) / divisor
    y = 4.0 * decay * real_sin(z.y) * cosine / divisor
    far = abs(z.x).equals(math.inf)
    x, y = far.where(1.0, x), far.where(z.x.like(0.0).with_sign_of(z.y), y)
    return ComplexLane(z.x.equals(0.0).where(z.x, x.with_sign_of(z.x)), z.y.equals(0.0).where(z.y, y))


def _turned(z: ComplexLane) -> ComplexLane:
    """iz."""
    return ComplexLane(-z.y, z.x)


def _turned_back(z: ComplexLane) -> ComplexLane:
    """-iz."""
    return ComplexLane(z.y, -z.x)


def power(z: ComplexLane, w: ComplexLane) -> ComplexLane:
    """exp(w log z), as in NumPy: 1 where w is 0; 0 to a power of positive real part is 0, to others NaN."""
    found = exp(w * log(z))
    at_zero = (w.x > 0.0).where(z.x.like(0.0), math.nan)
    found = choose(z.x.equals(0.0) & z.y.equals(0.0), ComplexLane(at_zero, at_zero), found)
    return choose(w.x.equals(0.0) & w.y.equals(0.0), z.like(1.0), found)


def divide(z: ComplexLane, w: ComplexLane) -> ComplexLane:
    return z / w


def by_parts(formula: Callable[[Lane, Lane], Lane]) -> Callable[[ComplexLane, ComplexLane], ComplexLane]:
    """A formula of two real numbers applied to the real parts and to the imaginary parts."""
    return lambda z, w: ComplexLane(formula(z.x, w.x), formula(z.y, w.y))
