"""Greatest common divisors and least common multiples of integers: Euclid's algorithm, on whole arrays."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from tapejit.ir import ops
from tapejit.ir.builder import Var
from tapejit.ir.loop import while_
from tapejit.ir.region import region_of
from tapejit.tracer.errors import DtypeError
from tapejit.tracer.operation import Operand, aligned, common_dtype
from tapejit.tracer.surface.function import traced


def _integers(x1: Operand, x2: Operand) -> tuple[Var, Var]:
    dtype = common_dtype(x1, x2)
    if dtype not in ("i64", "i32"):
        raise DtypeError(f"divisors are those of integers, got {dtype}")
    x, y = aligned(x1, x2)
    return ops.abs_(x), ops.abs_(y)


def _divisor(x: Var, y: Var) -> Var:
    regions = (region_of("pending", (x, y), _pending), region_of("divided", (x, y), _divided))
    return while_.several(x, y, carry=2, regions=regions)[0]


def _pending(x: Var, y: Var) -> Iterable[Var]:
    return [ops.reduce_any(ops.ne(y, y.like(0)), axes=tuple(range(len(y.shape))))]


def _divided(x: Var, y: Var) -> Iterable[Var]:
    done = ops.eq(y, y.like(0))
    rest = ops.mod(x, ops.select(done, y.like(1), y))
    return [ops.select(done, x, y), rest * ops.cast(ops.logical_not(done), dtype=x.dtype)]


@traced(np.gcd)
def gcd(x1: Operand, x2: Operand) -> Var:
    """No derivative: integers have none."""
    return _divisor(*_integers(x1, x2))


@traced(np.lcm)
def lcm(x1: Operand, x2: Operand) -> Var:
    """No derivative: integers have none."""
    x, y = _integers(x1, x2)
    common = _divisor(x, y)
    return ops.floor_div(x, ops.select(ops.eq(common, common.like(0)), common.like(1), common)) * y
