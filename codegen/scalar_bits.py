"""Shifts of integers; the sign, the neighbours and the nearest integer of a float."""

from __future__ import annotations

from tapejit.codegen.float_parts import format_of
from tapejit.codegen.lane import Lane


def shift_left(x: Lane, count: Lane) -> Lane:
    """Zero where the count is negative or not less than the width, as in NumPy."""
    return _is_within(count).where(x << _harmless(count), 0)


def shift_right(x: Lane, count: Lane) -> Lane:
    """The sign alone where the count is negative or not less than the width."""
    return x >> _is_within(count).where(count, _width(x) - 1)


def _is_within(count: Lane) -> Lane:
    return (count >= 0) & (count < _width(count))


def _harmless(count: Lane) -> Lane:
    return count & (_width(count) - 1)


def _width(x: Lane) -> int:
    return int(x.type.width)


def copysign(x: Lane, y: Lane) -> Lane:
    return x.with_sign_of(y)


def rint(x: Lane) -> Lane:
    """To the nearest integer, ties to the even one."""
    return x.intrinsic("rint")


def nextafter(x: Lane, y: Lane) -> Lane:
    """The float next to x on the way to y: one pattern up or down, since patterns are ordered like sizes."""
    grows = ((y > x) & (x > 0.0)) | ((y < x) & (x < 0.0))
    stepped = (x.bits() + grows.where(1, x.bits().like(-1))).as_float()
    form = format_of(x)
    least = x.like(form.least_normal * 2.0**-form.fraction_bits).with_sign_of(y)
    moved = x.equals(0.0).where(least, stepped)
    return x.equals(y).where(y, (x.is_nan() | y.is_nan()).where(x + y, moved))
