"""A function computed in place: the row `call`.

Its region is a program of its own inside another: no pass looks for what both compute, and no loop nest
spans its border. So what a checkpoint recomputes stays recomputed, and its memory is free when it ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tapejit.ir import ops
from tapejit.ir.builder import Builder, Var
from tapejit.ir.emission import Call
from tapejit.ir.function import Function
from tapejit.ir.interpreter import interpret
from tapejit.ir.primitive import Mapped, Primitive
from tapejit.ir.region import Types, check_params, result_types
from tapejit.ir.types import TensorType


def _infer(*operands: TensorType, regions: Sequence[Function] = ()) -> Types:
    if len(regions) != 1:
        raise TypeError(f"a call needs one region, got {len(regions)}")
    check_params(regions[0], operands)
    return result_types(regions[0])


def _jvp(tangents: Any, rs: tuple[Var, ...], *xs: Var, regions: Any, transform: Any) -> Any:
    dots = [x.like(0.0) if t is None else t for t, x in zip(tangents, xs, strict=True) if x.is_inexact]
    found = iter(call.several(*xs, *dots, regions=(transform(regions[0]),)))
    return tuple(next(found) if r.is_inexact else None for r in rs)


def _vjp(cts: Any, rs: tuple[Var, ...], *xs: Var, regions: Any, transform: Any) -> Any:
    given = [ct for ct in cts if ct is not None]
    found = iter(call.several(*xs, *given, regions=(transform(regions[0]),)))
    return tuple(next(found) if x.is_inexact else None for x in xs)


def _batch(*xs: Var, regions: Any, mapped: tuple[bool, ...], transform: Any) -> Any:
    return call.several(*xs, regions=(transform(regions[0], mapped),))


def _example() -> Function:
    builder = Builder("region", [("x", TensorType("f64", (3,))), ("w", TensorType("f64", (3,)))])
    x, w = builder.params
    return builder.finish([ops.sin(x) * w, ops.reduce_sum(x * w, axes=(0,))])


call = Primitive(
    name="call",
    arity=None,
    results=None,
    infer=_infer,
    reference=lambda *xs, regions: interpret(regions[0], *xs),
    jvp=_jvp,
    vjp=_vjp,
    batch=Mapped(_batch),
    emission=Call(),
    examples=(((np.array([0.3, -1.2, 2.5]), np.array([1.7, 0.4, -0.6])), {"regions": (_example(),)}),),
)
