"""Elementwise functions put together from others: roots, inverse hyperbolic ones, and those that know NaN."""

from __future__ import annotations

import math

import numpy as np

from tapejit.ir import number, ops, special
from tapejit.ir.builder import Var
from tapejit.ir.complex_number import complex_
from tapejit.ir.modulus import modulus
from tapejit.tracer.errors import UnsupportedError
from tapejit.tracer.operation import Operand, aligned, as_var, float_dtype
from tapejit.tracer.surface.complex_number import parts, turned, turned_back
from tapejit.tracer.surface.elementwise import maximum, minimum
from tapejit.tracer.surface.function import traced
from tapejit.tracer.surface.number import is_negative

_LARGE = 1e8  # above, 1 + x**2 is x**2


def _is_nan(x: Var) -> Var:
    return ops.ne(x, x)


@traced(np.hypot)
def hypot(x1: Operand, x2: Operand) -> Var:
    """The absolute value of x + iy, which neither overflows nor underflows on the way."""
    return modulus(complex_(*aligned(x1, x2, dtype=float_dtype(x1, x2))))


@traced(np.i0)
def i0(x: Operand) -> Var:
    return special.i0(as_var(x, float_dtype(x)))


@traced(np.exp2)
def exp2(x: Operand) -> Var:
    var = as_var(x, float_dtype(x))
    return ops.pow_(var.like(2.0), var) if var.is_complex else special.exp2(var)


@traced(np.arcsinh)
def arcsinh(x: Operand) -> Var:
    var = as_var(x, float_dtype(x))
    if var.is_complex:
        return turned_back(ops.arcsin(turned(var)))
    side = number.copysign(var.like(1.0), var)
    size = var * side
    large = ops.gt(size, size.like(_LARGE))
    near = ops.select(large, size.like(1.0), size)
    square = near * near
    small = ops.log1p(near + square / (ops.sqrt(square + 1.0) + 1.0))
    far = ops.log(ops.select(large, size, size.like(1.0))) + math.log(2.0)
    return side * ops.select(large, far, small)


@traced(np.arccosh)
def arccosh(x: Operand) -> Var:
    var = as_var(x, float_dtype(x))
    if var.is_complex:
        angle = ops.arccos(var)
        return ops.select(is_negative(parts(var)[1]), turned_back(angle), turned(angle))
    large = ops.gt(var, var.like(_LARGE))
    inside = ops.select(ops.lt(var, var.like(1.0)), var.like(math.nan), var)
    above = ops.select(large, var.like(1.0), inside) - 1.0
    near = ops.log1p(above + ops.sqrt(above) * ops.sqrt(above + 2.0))
    far = ops.log(ops.select(large, var, var.like(1.0))) + math.log(2.0)
    return ops.select(large, far, near)


@traced(np.arctanh)
def arctanh(x: Operand) -> Var:
    var = as_var(x, float_dtype(x))
    if var.is_complex:
        return turned_back(ops.arctan(turned(var)))
    return (ops.log1p(var) - ops.log1p(-var)) * 0.5


@traced(np.heaviside)
def heaviside(x1: Operand, x2: Operand) -> Var:
    x, middle = aligned(x1, x2, dtype=float_dtype(x1, x2))
    zero = x.like(0.0)
    step = ops.select(ops.lt(x, zero), zero, ops.select(ops.eq(x, zero), middle, x.like(1.0)))
    return ops.select(_is_nan(x), x.like(math.nan), step)


@traced(np.fmax)
def fmax(x1: Operand, x2: Operand) -> Var:
    x, y = aligned(x1, x2)
    return ops.select(_is_nan(x), y, ops.select(_is_nan(y), x, maximum.op.lower(x, y)))


@traced(np.fmin)
def fmin(x1: Operand, x2: Operand) -> Var:
    x, y = aligned(x1, x2)
    return ops.select(_is_nan(x), y, ops.select(_is_nan(y), x, minimum.op.lower(x, y)))


@traced(np.nan_to_num)
def nan_to_num(
    x: Var, *, copy: bool = True, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None
) -> Var:
    """NaN as `nan`, infinities as the largest numbers; nothing flows back from what was replaced."""
    if not copy:
        raise UnsupportedError("copy=False writes to its argument; write x[...] = np.nan_to_num(x)")
    if x.is_complex:
        options = {"nan": nan, "posinf": posinf, "neginf": neginf}
        return complex_(*(nan_to_num.op.lower(part, **options) for part in parts(x)))
    if not x.is_float:
        return x
    limits = np.finfo(x.type.numpy_dtype)
    replaced = ops.select(_is_nan(x), x.like(float(nan)), x)
    for infinite, given in ((math.inf, posinf), (-math.inf, neginf)):
        limit = float(limits.max if infinite > 0 else limits.min) if given is None else float(given)
        replaced = ops.select(ops.eq(x, x.like(infinite)), x.like(limit), replaced)
    return replaced


@traced(np.sinc)
def sinc(x: Operand) -> Var:
    """sin(pi x) / (pi x); near zero its series, whose derivatives of any order are right there."""
    var = as_var(x, float_dtype(x)) * math.pi
    square = var * var
    near = ops.lt(square, var.like(1e-4))
    series = 1.0 - square * (1.0 / 6.0 - square * (1.0 / 120.0 - square * (1.0 / 5040.0)))
    away = ops.select(near, var.like(1.0), var)
    return ops.select(near, series, ops.sin(away) / away)
