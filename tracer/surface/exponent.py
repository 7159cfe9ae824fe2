"""Numbers and powers of two: `np.ldexp` and `np.frexp`. Exponents are integers, which have no derivative."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tapejit.ir import ops, special
from tapejit.ir.builder import Var
from tapejit.tracer.errors import DtypeError
from tapejit.tracer.operation import Operand, as_var, broadcast_to, common_dtype, common_shape, float_dtype
from tapejit.tracer.surface.function import traced


class _Range(NamedTuple):
    step: int  # 2**step and 2**-step are normal numbers, and three steps lead from one end to the other
    tiny: float  # smaller numbers may not be normal
    lift: int  # by so many powers of two they are


_RANGES = {"f64": _Range(730, 2.0**-900, 60), "f32": _Range(100, 2.0**-100, 30)}


@traced(np.ldexp)
def ldexp(x1: Operand, x2: Operand) -> Var:
    """x1 * 2**x2, without overflow on the way."""
    if common_dtype(x2) not in ("i64", "i32", "bool"):
        raise DtypeError(f"ldexp takes integers for the powers, got {common_dtype(x2)}")
    shape = common_shape(x1, x2)
    return _scaled(*(broadcast_to(as_var(x, t), shape) for x, t in ((x1, float_dtype(x1)), (x2, "i64"))))


def _scaled(x: Var, power: Var) -> Var:
    """x * 2**power in three exact steps, of which only one rounds, if at all."""
    step = _range(x).step
    for _ in range(3):
        part = ops.maximum(ops.minimum(power, power.like(step)), power.like(-step))
        x, power = x * special.exp2(ops.cast(part, dtype=x.dtype)), power - part
    return x


def _range(x: Var) -> _Range:
    if x.dtype not in _RANGES:
        raise DtypeError(f"the powers of two in {x.type} are those of its parts: take .real and .imag")
    return _RANGES[x.dtype]


@traced(np.frexp)
def frexp(x: Operand) -> tuple[Var, Var]:
    """m and e with x = m * 2**e and 0.5 <= |m| < 1; zero, infinities and NaN are themselves, with e = 0."""
    var = as_var(x, float_dtype(x))
    within, size = _range(var), ops.abs_(ops.stop_gradient(var))
    regular = ops.logical_and(ops.gt(size, size.like(0.0)), ops.lt(size, size.like(float("inf"))))
    size = ops.select(regular, size, size.like(1.0))
    tiny = ops.lt(size, size.like(within.tiny))
    size = ops.select(tiny, size * 2.0**within.lift, size)
    power = ops.cast(ops.floor(special.log2(size)), dtype="i64") + 1
    fraction = _scaled(size, -power)  # the logarithm is rounded, which may be off by one
    power = power + ops.cast(ops.ge(fraction, size.like(1.0)), dtype="i64")
    power = power - ops.cast(ops.lt(fraction, size.like(0.5)), dtype="i64")
    power = power - ops.select(tiny, power.like(within.lift), power.like(0))
    power = ops.select(regular, power, power.like(0))
    return _scaled(var, -power), ops.cast(power, dtype="i32")
