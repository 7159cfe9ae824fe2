"""arcsin, arccos and arctan of complex numbers, without branches.

W. Kahan, Branch Cuts for Complex Elementary Functions (1987): products of square roots, and real functions of
their parts, which lose no digits near the cuts and keep the signs of zeros on them. Far out, where squares
would overflow, logarithms stand for them. Start with `arcsin`.
"""

from __future__ import annotations

import math

from tapejit.codegen import scalar_arithmetic
from tapejit.codegen.complex_function import log, modulus, sqrt
from tapejit.codegen.complex_lane import ComplexLane, choose
from tapejit.codegen.lane import Lane
from tapejit.codegen.vector_inverse_trigonometric import arctan2
from tapejit.codegen.vector_logarithm import log1p

_FAR = (1e8, 1e4)  # from here on 1 - z**2 is -z**2 up to rounding
_STRAIGHT = (1e17, 1e8)  # from here on arctan is a right angle up to rounding


def arcsin(z: ComplexLane) -> ComplexLane:
    far, near = _split(z)
    left, right = _roots(near)
    x = arctan2(near.x, left.x * right.x - left.y * right.y)
    y = _arcsinh(left.x * right.y - left.y * right.x)
    return choose(far, ComplexLane(arctan2(z.x, abs(z.y)), _far_height(z)), ComplexLane(x, y))


def arccos(z: ComplexLane) -> ComplexLane:
    far, near = _split(z)
    left, right = _roots(near)
    x = 2.0 * arctan2(left.x, right.x)
    y = _arcsinh(right.x * left.y - right.y * left.x)
    return choose(far, ComplexLane(arctan2(abs(z.y), z.x), -_far_height(z)), ComplexLane(x, y))


def arctan(z: ComplexLane) -> ComplexLane:
    """The angle of (1 + iz) / (1 - iz), and the logarithm of its modulus, halved."""
    limit = z.x.pick(*_STRAIGHT)
    far = (abs(z.x) > limit) | (abs(z.y) > limit)
    near = choose(far, z.like(0.0), z)
    height = abs(near.y)
    below = (1.0 - height) * (1.0 - height) + near.x * near.x
    angle = 0.5 * arctan2(2.0 * near.x, (1.0 - height) * (1.0 + height) - near.x * near.x)
    y = 0.25 * log1p(4.0 * height / below)
    straight = z.x.is_nan().where(z.x, z.x.like(math.pi / 2.0).with_sign_of(z.x))
    size = modulus(z)
    distant = size.equals(math.inf).where(0.0, abs(z.y) / size / size)
    return ComplexLane(far.where(straight, angle), far.where(distant, y).with_sign_of(z.y))


def _split(z: ComplexLane) -> tuple[Lane, ComplexLane]:
    """Whether z is far out, and z, or 0 if so."""
    limit = z.x.pick(*_FAR)
    far = (abs(z.x) > limit) | (abs(z.y) > limit)
    return far, choose(far, z.like(0.0), z)


def _roots(z: ComplexLane) -> tuple[ComplexLane, ComplexLane]:
    """sqrt(1 - z) and sqrt(1 + z), where a zero imaginary part keeps its sign."""
    return sqrt(ComplexLane(1.0 - z.x, -z.y)), sqrt(ComplexLane(1.0 + z.x, z.y))


def _arcsinh(x: Lane) -> Lane:
    """Of real numbers whose squares do not overflow."""
    size = abs(x)
    root = scalar_arithmetic.sqrt(size.fma(size, x.like(1.0)))
    return log1p(size + size * size / (1.0 + root)).with_sign_of(x)


def _far_height(z: ComplexLane) -> Lane:
    """The imaginary part of arcsin, far out."""
    return (log(z).x + math.log(2.0)).with_sign_of(z.y)
