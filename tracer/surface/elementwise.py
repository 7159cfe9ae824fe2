"""Elementwise functions: NumPy's ufuncs, `where`, `clip`, and the scalar functions of neural networks."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tapejit.ir import number, ops, special
from tapejit.ir.builder import Var
from tapejit.ir.primitive import Primitive
from tapejit.ir.types import INTEGERS, TensorType, dtype_name
from tapejit.tracer.errors import DtypeError
from tapejit.tracer.operation import (
    Operand,
    Operation,
    aligned,
    as_var,
    broadcast_to,
    cast,
    common_dtype,
    common_shape,
    float_dtype,
)
from tapejit.tracer.surface.complex_number import expm1 as complex_expm1
from tapejit.tracer.surface.complex_number import log1p as complex_log1p
from tapejit.tracer.surface.complex_number import parts, real, scaled
from tapejit.tracer.surface.function import Function, traced


def _floating(primitive: Callable[..., Var], *ufuncs: Any) -> Function:
    """A function that is computed in floating point: integers become f64."""

    def lower(*xs: Operand) -> Var:
        return primitive(*aligned(*xs, dtype=float_dtype(*xs)))

    return _ufunc(lower, *ufuncs)


def _rounding(primitive: Primitive, ufunc: Any) -> Function:
    """A function that leaves integers as they are."""

    def lower(x: Operand) -> Var:
        var = as_var(x)
        return primitive(var) if var.is_inexact else var

    return _ufunc(lower, ufunc)


def _plain(primitive: Primitive, *ufuncs: Any, of_bools: Primitive | None = None) -> Function:
    """A function computed in the operands' common dtype; `of_bools` is what it means for truth values."""

    def lower(*xs: Operand) -> Var:
        operands = aligned(*xs)
        return (of_bools if of_bools and operands[0].dtype == "bool" else primitive)(*operands)

    return _ufunc(lower, *ufuncs)


def _logical(primitive: Primitive, *ufuncs: Any) -> Function:
    """A function of truth values: anything not zero is True."""

    def lower(*xs: Operand) -> Var:
        return primitive(*aligned(*map(truth, xs)))

    return _ufunc(lower, *ufuncs)


def _bitwise(of_bools: Primitive, of_integers: Primitive, ufunc: Any) -> Function:
    """What `&`, `|`, `^` and `~` mean for truth values and for integers."""

    def lower(*xs: Operand) -> Var:
        dtype = common_dtype(*xs)
        if dtype not in ("bool", *INTEGERS):
            raise DtypeError(f"{ufunc.__name__} takes truth values or integers, got {dtype}; compare first")
        return (of_bools if dtype == "bool" else of_integers)(*aligned(*xs))

    return _ufunc(lower, ufunc)


def _ufunc(lower: Any, *ufuncs: Any) -> Function:
    count = ufuncs[0].nin
    operands = ("x",) if count == 1 else ("x1", "x2")
    op = Operation(ufuncs[0].__name__, lower, ufuncs[0])
    return Function(op, operands, {}, False, operands, ufuncs)


def truth(x: Operand) -> Var:
    """Whether each element is not zero."""
    var = as_var(x)
    return var if var.dtype == "bool" else ops.ne(var, var.like(0))


add = _plain(ops.add, np.add, of_bools=ops.logical_or)
subtract = _plain(ops.sub, np.subtract)
multiply = _plain(ops.mul, np.multiply, of_bools=ops.logical_and)
divide = _floating(ops.div, np.divide)
floor_divide = _plain(ops.floor_div, np.floor_divide)
remainder = _plain(ops.mod, np.remainder)
negative = _plain(ops.neg, np.negative)
fabs = _floating(ops.abs_, np.fabs)
maximum = _plain(ops.maximum, np.maximum, of_bools=ops.logical_or)
minimum = _plain(ops.minimum, np.minimum, of_bools=ops.logical_and)

exp = _floating(ops.exp, np.exp)
expm1 = _floating(lambda x: complex_expm1(x) if x.is_complex else ops.expm1(x), np.expm1)
log = _floating(ops.log, np.log)
log1p = _floating(lambda x: complex_log1p(x) if x.is_complex else ops.log1p(x), np.log1p)
cbrt = _floating(special.cbrt, np.cbrt)
logaddexp = _floating(special.logaddexp, np.logaddexp)
logaddexp2 = _floating(special.logaddexp2, np.logaddexp2)
sqrt = _floating(ops.sqrt, np.sqrt)
sin = _floating(ops.sin, np.sin)
cos = _floating(ops.cos, np.cos)
tan = _floating(ops.tan, np.tan)
arcsin = _floating(ops.arcsin, np.arcsin)
arccos = _floating(ops.arccos, np.arccos)
arctan = _floating(ops.arctan, np.arctan)
arctan2 = _floating(ops.arctan2, np.arctan2)
sinh = _floating(ops.sinh, np.sinh)
cosh = _floating(ops.cosh, np.cosh)
tanh = _floating(ops.tanh, np.tanh)
floor = _rounding(ops.floor, np.floor)
ceil = _rounding(ops.ceil, np.ceil)

equal = _plain(ops.eq, np.equal)
not_equal = _plain(ops.ne, np.not_equal)
less = _plain(ops.lt, np.less)
less_equal = _plain(ops.le, np.less_equal)
greater = _plain(ops.gt, np.greater)
greater_equal = _plain(ops.ge, np.greater_equal)
logical_and = _logical(ops.logical_and, np.logical_and)
logical_or = _logical(ops.logical_or, np.logical_or)
logical_xor = _logical(ops.logical_xor, np.logical_xor)
logical_not = _logical(ops.logical_not, np.logical_not)
bitwise_and = _bitwise(ops.logical_and, number.bit_and, np.bitwise_and)
bitwise_or = _bitwise(ops.logical_or, number.bit_or, np.bitwise_or)
bitwise_xor = _bitwise(ops.logical_xor, number.bit_xor, np.bitwise_xor)
invert = _bitwise(ops.logical_not, number.bit_not, np.invert)


@traced(np.square)
def square(x: Var) -> Var:
    return x * x


@traced(np.reciprocal)
def reciprocal(x: Var) -> Var:
    """Of integers the quotient rounded to zero; of 0 the least integer, as in NumPy."""
    if x.dtype not in INTEGERS:
        return 1.0 / as_var(x, float_dtype(x))
    is_unit = ops.eq(ops.abs_(x), x.like(1))
    least = x.like(int(np.iinfo(x.type.numpy_dtype).min))
    return ops.select(ops.eq(x, x.like(0)), least, ops.select(is_unit, x, x.like(0)))


@traced(np.positive)
def positive(x: Var) -> Var:
    return x


@traced(np.log2)
def log2(x: Operand) -> Var:
    return _of_another_base(x, special.log2, 2.0)


@traced(np.log10)
def log10(x: Operand) -> Var:
    return _of_another_base(x, special.log10, 10.0)


def _of_another_base(x: Operand, primitive: Primitive, base: float) -> Var:
    var = as_var(x, float_dtype(x))
    return scaled(ops.log(var), 1.0 / math.log(base)) if var.is_complex else primitive(var)


@traced(np.deg2rad, np.radians)
def deg2rad(x: Operand) -> Var:
    return _real(x) * (math.pi / 180.0)


@traced(np.rad2deg, np.degrees)
def rad2deg(x: Operand) -> Var:
    return _real(x) * (180.0 / math.pi)


def _real(x: Operand) -> Var:
    """A float operand; DtypeError if it is complex."""
    var = as_var(x, float_dtype(x))
    return cast(var, var.dtype if var.is_float else "f64")


@traced(np.trunc)
def trunc(x: Operand) -> Var:
    var = as_var(x)
    if not var.is_inexact:
        return var
    return ops.select(ops.lt(var, var.like(0.0)), ops.ceil(var), ops.floor(var))


@traced(np.isnan)
def isnan(x: Var) -> Var:
    return ops.ne(x, x)


@traced(np.isfinite)
def isfinite(x: Var) -> Var:
    if x.is_complex:
        return ops.logical_and(*(isfinite.op.lower(part) for part in parts(x)))
    return ops.lt(ops.abs_(x), x.like(math.inf)) if x.is_float else ops.eq(x, x)


@traced(np.isinf)
def isinf(x: Var) -> Var:
    if x.is_complex:
        return ops.logical_or(*(isinf.op.lower(part) for part in parts(x)))
    return ops.eq(ops.abs_(x), x.like(math.inf)) if x.is_float else ops.ne(x, x)


@traced(name="where", numpy=np.where)
def where(condition: Operand, x: Operand, y: Operand) -> Var:
    chosen, other = aligned(x, y)
    shape = common_shape(condition, chosen)
    return ops.select(
        broadcast_to(truth(condition), shape), broadcast_to(chosen, shape), broadcast_to(other, shape)
    )


@traced(name="clip", numpy=lambda a, low=None, high=None: np.clip(a, low, high))
def clip(a: Operand, a_min: Operand | None = None, a_max: Operand | None = None) -> Var:
    """At a bound itself the adjoint passes, as in the interior; NaN passes through, also of a bound."""
    given = [b for b in (a, a_min, a_max) if b is not None]
    x, *bounds = aligned(*given)
    if a_min is not None:
        low = bounds.pop(0)
        x = ops.select(_or_nan(ops.lt(x, low), low), low, x)
    if a_max is not None:
        high = bounds.pop(0)
        x = ops.select(_or_nan(ops.gt(x, high), high), high, x)
    return x


def _or_nan(condition: Var, x: Var) -> Var:
    return ops.logical_or(condition, ops.ne(x, x)) if x.type.is_float else condition


@traced(name="relu", numpy=lambda x: np.maximum(x, np.zeros((), x.dtype)))
def relu(x: Var) -> Var:
    """The derivative at zero is zero; NaN passes through."""
    return ops.select(ops.le(x, x.like(0.0)), x.like(0.0), x)


@traced(name="softplus", numpy=lambda x: np.logaddexp(x, np.zeros((), x.dtype)))
def softplus(x: Operand) -> Var:
    """log(1 + exp(x)), without overflow."""
    var = as_var(x, float_dtype(x))
    return special.logaddexp(var, var.like(0.0))


@traced(name="astype", numpy=lambda x, *, dtype: np.asarray(x).astype(dtype))
def astype(x: Var, *, dtype: str) -> Var:
    """Asked for, unlike in a promotion: of a complex number a real dtype takes the real part."""
    target = TensorType(dtype_name(dtype))
    if x.is_complex and target.dtype == "bool":
        return truth(x)
    return cast(x if target.is_complex else real.op.lower(x), target.dtype)


@traced(name="stop_gradient", numpy=lambda x: x)
def stop_gradient(x: Var) -> Var:
    return ops.stop_gradient(x)


@traced(name="zeros_like", numpy=np.zeros_like)
def zeros_like(a: Var, *, dtype: str | None = None) -> Var:
    return _filled(a, 0, dtype)


@traced(name="ones_like", numpy=np.ones_like)
def ones_like(a: Var, *, dtype: str | None = None) -> Var:
    return _filled(a, 1, dtype)


def _filled(a: Var, value: int, dtype: str | None) -> Var:
    return a.builder.full(a.type.with_dtype(dtype_name(dtype) if dtype else a.dtype), value)


@traced(name="copy", numpy=np.array)
def copy(a: Var) -> Var:
    return a


# A constant to the record from here on: `detach()`.
DETACH = Operation("detach", lambda x: ops.stop_gradient(x), lambda x: x, view=True, differentiable=False)
