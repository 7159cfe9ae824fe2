"""Choice between regions: the row of `cond`. Loops are in `ir.loop`.

`regions` are the two branches, (true, false), from the operands after `pred` to the results. Rows with
regions stand apart from `ir.ops` because their rules are written with those rows and with a builder.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tapejit.ir import ops
from tapejit.ir.builder import Builder, Var
from tapejit.ir.emission import Branch
from tapejit.ir.function import Function
from tapejit.ir.interpreter import interpret
from tapejit.ir.primitive import Mapped, Primitive
from tapejit.ir.region import Types, check_params, listed, result_types
from tapejit.ir.types import TensorType


def _infer(pred: TensorType, *operands: TensorType, regions: Sequence[Function] = ()) -> Types:
    if pred != TensorType("bool") or len(regions) != 2:
        raise TypeError(f"a choice needs a bool[] and two regions, got {pred} and {len(regions)}")
    for region in regions:
        check_params(region, operands)
    results, others = map(result_types, regions)
    if results != others:
        raise TypeError(f"the regions give different results: {listed(results)} and {listed(others)}")
    return results


def _jvp(tangents: Any, rs: tuple[Var, ...], pred: Var, *xs: Var, regions: Any, transform: Any) -> Any:
    dots = [x.like(0.0) if t is None else t for t, x in zip(tangents[1:], xs, strict=True) if x.is_inexact]
    found = iter(cond.several(pred, *xs, *dots, regions=tuple(transform(r) for r in regions)))
    return tuple(next(found) if r.is_inexact else None for r in rs)


def _vjp(cts: Any, rs: tuple[Var, ...], pred: Var, *xs: Var, regions: Any, transform: Any) -> Any:
    """The adjoint of the branch taken, which computes that branch again (nothing of it is stored)."""
    given = [ct for ct in cts if ct is not None]
    found = iter(cond.several(pred, *xs, *given, regions=tuple(transform(r) for r in regions)))
    return (None, *(next(found) if x.is_inexact else None for x in xs))


def _batch(pred: Var, *xs: Var, regions: Any, mapped: tuple[bool, ...], transform: Any) -> Any:
    """One truth value keeps the branch; a stack of them needs both sides, and selects."""
    branches = tuple(transform(r, mapped[1:]) for r in regions)
    if not mapped[0]:
        return cond.several(pred, *xs, regions=branches)
    yes, no = (pred.builder.inline(branch, xs) for branch in branches)
    return tuple(
        ops.select(ops.broadcast(pred, shape=a.shape, dims=(0,)), a, b) for a, b in zip(yes, no, strict=True)
    )


def _branch(name: str, *rows: Primitive) -> Function:
    """An example's region: (x, y) to each of `rows` of (x, y)."""
    builder = Builder(name, [("x", TensorType("f64", (3,))), ("y", TensorType("f64", (3,)))])
    return builder.finish(row(*builder.params) for row in rows)


_REGIONS = (_branch("true", ops.mul, ops.arctan2), _branch("false", ops.div, ops.sub))

cond = Primitive(
    name="cond",
    arity=None,
    results=None,
    infer=_infer,
    reference=lambda pred, *xs, regions: interpret(regions[0 if pred else 1], *xs),
    jvp=_jvp,
    vjp=_vjp,
    batch=Mapped(_batch),
    emission=Branch(),
    examples=tuple(
        ((np.array(pred), np.array([0.3, -1.2, 2.5]), np.array([1.7, 0.4, -0.6])), {"regions": _REGIONS})
        for pred in (True, False)
    ),
)
