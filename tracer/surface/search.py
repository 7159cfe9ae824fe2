"""Finding places in sorted arrays: `searchsorted` and `digitize`, and `interp`, which interpolates there."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from tapejit.ir import ops
from tapejit.ir.builder import Var
from tapejit.ir.gather import gather
from tapejit.ir.types import TensorType
from tapejit.tracer.errors import ShapeError
from tapejit.tracer.operation import Operand, as_var, broadcast_to, cast, common_dtype
from tapejit.tracer.surface.composed import array, composed, seen
from tapejit.tracer.surface.function import traced


def _before(x: Var, y: Var) -> Var:
    """Whether x is sorted before y; NaN is last."""
    less = ops.lt(x, y)
    if not x.type.is_float:
        return less
    return ops.logical_or(less, ops.logical_and(ops.eq(x, x), ops.ne(y, y)))


def places(a: Var, v: Var, side: str) -> Var:
    """How many elements of the sorted a are before those of v (with `side` "right": not after)."""
    size = a.shape[0]
    low = v.builder.full(TensorType("i64", v.shape), 0)
    for bit in reversed(range(size.bit_length())):
        candidate = low + (1 << bit)
        inside = ops.le(candidate, candidate.like(size))
        element = gather(a, ops.select(inside, candidate - 1, low.like(0)), axis=0)
        ahead = _before(element, v) if side == "left" else ops.logical_not(_before(v, element))
        low = ops.select(ops.logical_and(inside, ahead), candidate, low)
    return low


@traced(np.searchsorted)
def searchsorted(a: Operand, v: Operand, sorter: Operand | None = None, *, side: str = "left") -> Var:
    """A binary search for all elements at once."""
    if side not in ("left", "right"):
        raise ShapeError(f"side must be 'left' or 'right', got {side!r}")
    x = as_var(a)
    if len(x.shape) != 1:
        raise ShapeError(f"searchsorted needs a sorted array of one dimension, got shape {x.shape}")
    dtype = common_dtype(x, v)
    dtype = "i32" if dtype == "bool" else dtype
    table, wanted = cast(x, dtype), as_var(v, dtype)
    if sorter is not None:
        table = gather(table, as_var(sorter, "i64"), axis=0)
    return places(table, wanted, side)


@composed(np.digitize)
def digitize(x: Any, bins: Any, right: bool = False) -> Any:
    """Python looks at the bins: whether they rise or fall decides what is searched for."""
    steps = np.diff(seen(bins))
    side: Literal["left", "right"] = "left" if right else "right"
    if np.all(steps >= 0):
        return np.searchsorted(bins, x, side)
    if not np.all(steps <= 0):
        raise ValueError("bins must be monotonically increasing or decreasing")
    return steps.size + 1 - np.searchsorted(bins[::-1], x, side)


# -- Interpolation ---------------------------------------------------------------------------------------


@traced(name="interp", numpy=np.interp)
def _interp(
    x: Operand, xp: Operand, fp: Operand, left: Operand | None = None, right: Operand | None = None
) -> Var:
    """Piecewise linear; at a knot the derivative is that of the piece to its right."""
    at, knots, values = (as_var(each, "f64") for each in (x, xp, fp))
    size = knots.shape[0] if len(knots.shape) == 1 else 0
    if not size or knots.shape != values.shape:
        raise ShapeError(f"xp and fp must be of one length, got shapes {knots.shape} and {values.shape}")
    first, last = _element(values, 0), _element(values, size - 1)
    below = first if left is None else as_var(left, "f64")
    above = last if right is None else as_var(right, "f64")
    inside = _between(at, knots, values) if size > 1 else broadcast_to(first, at.shape)
    before, after = ops.lt(at, _spread(knots, 0, at)), ops.gt(at, _spread(knots, size - 1, at))
    found = ops.select(after, broadcast_to(above, at.shape), inside)
    found = ops.select(before, broadcast_to(below, at.shape), found)
    return ops.select(ops.ne(at, at), at, found)


def _element(x: Var, k: int) -> Var:
    return ops.reshape(ops.slice_(x, start=(k,), stop=(k + 1,), step=(1,)), shape=())


def _spread(x: Var, k: int, like: Var) -> Var:
    return broadcast_to(_element(x, k), like.shape)


def _between(at: Var, knots: Var, values: Var) -> Var:
    """The line through two neighbours, from the left one, or from the right one in the last knot."""
    size = knots.shape[0]
    place = places(ops.stop_gradient(knots), ops.stop_gradient(at), "right") - 1
    place = ops.maximum(ops.minimum(place, place.like(size - 2)), place.like(0))
    x0, x1, y0, y1 = (gather(each, place + k, axis=0) for each in (knots, values) for k in (0, 1))
    slope = (y1 - y0) / (x1 - x0)
    from_left, from_right = slope * (at - x0) + y0, slope * (at - x1) + y1
    line = ops.select(ops.eq(at, x1), from_right, from_left)
    line = ops.select(ops.ne(line, line), from_right, line)
    flat = ops.logical_and(ops.ne(line, line), ops.eq(y0, y1))
    return ops.select(flat, y0, line)


@composed(np.interp)
def interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None) -> Any:
    if period is None:
        return _interp(x, xp, fp, left, right)
    period = abs(period)
    if not period:
        raise ValueError("period must be a non-zero value")
    x, xp = (array(each).astype("float64") for each in (x, xp))
    knots = xp % period
    order = np.argsort(knots)
    knots, values = knots[order], array(fp)[order]
    around = np.concatenate([knots[-1:] - period, knots, knots[:1] + period])
    return _interp(x % period, around, np.concatenate([values[-1:], values, values[:1]]))
