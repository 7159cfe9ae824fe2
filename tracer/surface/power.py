"""Powers: `x ** y` and `np.power`, with static exponents where that is better, and powers of integers.

A small exponent that Python knows is static: x**2 is a product. Integers to the power of integers are
integers; NumPy raises an error if any exponent is negative, so exponents are looked at, as positions in an
index are. Start at `raised`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from tapejit.ir import ops
from tapejit.ir.builder import Var
from tapejit.ir.loop import while_
from tapejit.ir.number import bit_and, shift_right
from tapejit.ir.region import region_of
from tapejit.ir.types import INTEGERS, TensorType
from tapejit.tracer.errors import DtypeError, ShapeError
from tapejit.tracer.handle import Handle
from tapejit.tracer.location import user_location
from tapejit.tracer.number import Number
from tapejit.tracer.operation import Operand, aligned, cast, common_dtype, float_dtype
from tapejit.tracer.seen import Within
from tapejit.tracer.state import STATE
from tapejit.tracer.surface.bounds import beyond
from tapejit.tracer.surface.composed import composed
from tapejit.tracer.surface.function import apply, traced

_STATIC_EXPONENTS = frozenset(range(-64, 65))
_STATIC_FLOAT_EXPONENTS = (2.0, 0.5)
_LARGEST = np.iinfo(np.int64).max


def raised(x: Any, y: Any, face: type[Handle] | None = None) -> Any:
    """x ** y, where one of them is an array of ours."""
    if type(y) is Number and y.value in _STATIC_FLOAT_EXPONENTS:
        y = y.seen()
    kind = type(y)
    if kind is int and y < 0 and _is_exact(x):
        raise _negative()
    if (kind is int and y in _STATIC_EXPONENTS) or (kind is float and y in _STATIC_FLOAT_EXPONENTS):
        return apply(static_power.op, (x,), (("exponent", y), ("kind", kind.__name__)), face)
    if STATE.tape is None or not (_is_exact(x) and _is_exact(y)):
        return apply(power.op, (x, y), (), face)
    if kind is int and 0 <= y <= _LARGEST:
        return apply(static_power.op, (x,), (("exponent", y), ("kind", "int")), face)
    _look_for_negative(y)
    return apply(integer_power.op, (x, y), (), face)


def _is_exact(x: Any) -> bool:
    """Whether these are integers or truth values."""
    if isinstance(x, Handle):
        return not x.type.is_inexact
    if isinstance(x, list | tuple) and any(isinstance(each, Handle) for each in x):
        return all(map(_is_exact, x))
    return np.asarray(x).dtype.kind in "bi" and type(x) is not Number


def _look_for_negative(y: Any) -> None:
    """An error where an exponent is negative."""
    if isinstance(y, Handle):
        found = bool(beyond(y, Within(0, _LARGEST), given=True).size)
    else:
        found = bool(np.any(np.less(y, 0)))
    if found:
        raise _negative()


def _negative() -> ShapeError:
    """A ValueError, as NumPy's."""
    return ShapeError(
        f"power at {user_location()}: integers to negative integer powers are not integers; make one of "
        "the two a float, for example x.astype(float) ** y"
    )


@composed(np.power)
def power_of(x1: Any, x2: Any) -> Any:
    """NumPy's function; a small static exponent is one here, too."""
    return raised(x1, x2)


@traced(np.float_power)
def float_power(x1: Operand, x2: Operand) -> Var:
    dtype = "c128" if TensorType(common_dtype(x1, x2)).is_complex else "f64"
    return ops.pow_(*aligned(x1, x2, dtype=dtype))


@traced(name="power", numpy=np.power)
def power(x1: Operand, x2: Operand) -> Var:
    x, y = aligned(x1, x2)
    if not x.is_inexact:
        raise DtypeError("for integers to the power of integers write x ** y")
    return ops.pow_(x, y)


@traced(name="power", numpy=lambda x, *, exponent, kind: x**exponent)
def static_power(x: Var, *, exponent: int | float, kind: str) -> Var:
    """x to a small power known at trace time, with NumPy's result dtype and its special cases.

    `kind` names the exponent's type: 2 and 2.0 are equal as keys, but not in promotion.
    """
    x = cast(x, common_dtype(x) if kind == "int" else float_dtype(x))
    if exponent == 0.5:
        return ops.sqrt(x)
    if exponent == 2 and x.dtype != "bool":
        return x * x
    return ops.integer_pow(_numbers(x), exponent=int(exponent))


def _numbers(x: Var) -> Var:
    if x.dtype == "bool":
        raise DtypeError("powers of truth values are int8, which there is not; write x.astype(int) ** y")
    return x


# -- Of integers, by repeated squaring ---------------------------------------------------------------------


@traced(name="power", numpy=np.power)
def integer_power(x1: Operand, x2: Operand) -> Var:
    """Exponents are not negative. No derivative: integers have none."""
    x, y = (_numbers(z) for z in aligned(x1, x2))
    assert x.dtype in INTEGERS, x.type
    regions = (region_of("pending", (x, x, y), _pending), region_of("squared", (x, x, y), _squared))
    return while_.several(x.like(1), x, y, carry=3, regions=regions)[0]


def _pending(power: Var, square: Var, left: Var) -> Iterable[Var]:
    """Negative exponents, of a call that turns out to be an error, end it too."""
    return [ops.reduce_any(ops.gt(left, left.like(0)), axes=tuple(range(len(left.shape))))]


def _squared(power: Var, square: Var, left: Var) -> Iterable[Var]:
    odd = ops.ne(bit_and(left, left.like(1)), left.like(0))
    power = ops.select(odd, power * square, power)
    return [power, square * square, shift_right(left, left.like(1))]
