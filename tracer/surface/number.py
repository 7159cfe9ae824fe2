"""NumPy's ufuncs of the parts of numbers: shifts, signs, neighbours, integer and fractional parts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tapejit.ir import number, ops
from tapejit.ir.builder import Var
from tapejit.ir.primitive import Primitive
from tapejit.tracer.errors import DtypeError
from tapejit.tracer.operation import Operand, aligned, as_var, common_dtype, float_dtype
from tapejit.tracer.surface.function import Function, traced


def _shift(primitive: Primitive, ufunc: Any) -> Function:
    def lower(x1: Operand, x2: Operand) -> Var:
        return primitive(*_integers(ufunc.__name__, x1, x2))

    return traced(ufunc, name=ufunc.__name__)(lower)


def _integers(name: str, *xs: Operand) -> list[Var]:
    """The operands as integers of one type."""
    dtype = common_dtype(*xs)
    if dtype not in ("i64", "i32"):
        raise DtypeError(f"{name} takes integers, got {dtype}")
    return aligned(*xs)


left_shift = _shift(number.shift_left, np.left_shift)
right_shift = _shift(number.shift_right, np.right_shift)


@traced(np.copysign)
def copysign(x1: Operand, x2: Operand) -> Var:
    return number.copysign(*aligned(x1, x2, dtype=float_dtype(x1, x2)))


@traced(np.nextafter)
def nextafter(x1: Operand, x2: Operand) -> Var:
    return number.nextafter(*aligned(x1, x2, dtype=float_dtype(x1, x2)))


@traced(np.rint)
def rint(x: Operand) -> Var:
    return number.rint(as_var(x, float_dtype(x)))


@traced(np.signbit)
def signbit(x: Operand) -> Var:
    var = as_var(x)
    return is_negative(var) if var.type.is_float else ops.lt(var, var.like(0))


def is_negative(x: Var) -> Var:
    """Whether the sign bit is set, of zeros and NaN too."""
    return ops.lt(number.copysign(x.like(1.0), x), x.like(0.0))


@traced(np.spacing)
def spacing(x: Operand) -> Var:
    """The distance to the next float away from zero, with the sign of x."""
    var = as_var(x, float_dtype(x))
    size = ops.abs_(var)
    above = number.nextafter(size, size.like(math.inf))
    below = number.nextafter(size, size.like(0.0))
    is_last = ops.logical_and(ops.eq(above, size.like(math.inf)), ops.lt(size, above))
    gap = ops.select(is_last, size - below, above - size)
    return ops.select(ops.lt(var, var.like(0.0)), -gap, gap)


@traced(np.modf)
def modf(x: Operand) -> tuple[Var, Var]:
    """The fractional and the integer part, both with the sign of x; the slope is that of the fraction, 1."""
    var = as_var(x, float_dtype(x))
    whole = ops.select(is_negative(var), ops.ceil(var), ops.floor(var))
    infinite = ops.eq(ops.abs_(var), var.like(math.inf))
    negative = is_negative(var)
    size = ops.select(infinite, var.like(0.0), ops.select(negative, whole - var, var - whole))
    return ops.select(negative, -size, size), whole


@traced(np.fmod)
def fmod(x1: Operand, x2: Operand) -> Var:
    """The remainder of the quotient rounded to zero; it has the sign of the dividend."""
    x, y = aligned(x1, x2)
    return _float_fmod(x, y) if x.type.is_float else _integer_fmod(x, y)


def _integer_fmod(x: Var, y: Var) -> Var:
    rest, zero = ops.mod(x, y), x.like(0)
    differs = ops.ne(ops.lt(x, zero), ops.lt(y, zero))
    return ops.select(ops.logical_and(ops.ne(rest, zero), differs), rest - y, rest)


def _float_fmod(x: Var, y: Var) -> Var:
    """By sizes, so that nothing is rounded; a zero keeps the sign of the dividend."""
    negative = is_negative(x)
    size = ops.select(negative, -x, x)
    rest = ops.mod(size, ops.abs_(y))
    kept = ops.select(ops.eq(ops.abs_(y), y.like(math.inf)), size, rest)
    defined = ops.logical_and(ops.lt(size, size.like(math.inf)), ops.eq(y, y))
    found = ops.select(defined, kept, size.like(math.nan))
    return ops.select(negative, -found, found)


@traced(np.divmod)
def divmod_(x1: Operand, x2: Operand) -> tuple[Var, Var]:
    x, y = aligned(x1, x2)
    return ops.floor_div(x, y), ops.mod(x, y)
