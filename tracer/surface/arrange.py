"""Functions that repeat, and cut along diagonals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tapejit.ir import ops
from tapejit.ir.builder import Var
from tapejit.tracer.errors import ShapeError
from tapejit.tracer.operation import Operand, aligned, as_var, common_dtype
from tapejit.tracer.surface.composed import composed
from tapejit.tracer.surface.function import traced
from tapejit.tracer.surface.indexing import take_of
from tapejit.tracer.surface.shape import normal_axis


@traced(name="repeat", numpy=np.repeat)
def _repeat(a: Var, *, repeats: int, axis: int) -> Var:
    shape = a.shape
    dims = tuple(k + (k > axis) for k in range(len(shape)))
    spread = ops.broadcast(a, shape=(*shape[: axis + 1], repeats, *shape[axis + 1 :]), dims=dims)
    return ops.reshape(spread, shape=(*shape[:axis], shape[axis] * repeats, *shape[axis + 1 :]))


@composed(np.repeat)
def repeat(a: Any, repeats: Any, axis: int | None = None) -> Any:
    """NumPy's `repeat`: every element as often, or as often as a sequence says."""
    x = a.reshape(-1) if axis is None else a
    at = 0 if axis is None else normal_axis(axis, len(x.shape))
    if isinstance(repeats, int | np.integer):
        return _repeat(x, repeats=int(repeats), axis=at)
    return take_of(x, np.repeat(np.arange(x.shape[at]), np.asarray(repeats)), at)


@traced(np.tile)
def tile(A: Var, *, reps: int | tuple[int, ...]) -> Var:
    counts = (reps,) if isinstance(reps, int) else reps
    rank = max(len(counts), len(A.shape))
    counts = (1,) * (rank - len(counts)) + counts
    sizes = (1,) * (rank - len(A.shape)) + A.shape
    pairs = zip(counts, sizes, strict=True)
    apart = ops.reshape(A, shape=sizes)
    dims = tuple(range(1, 2 * rank, 2))
    spread = ops.broadcast(apart, shape=tuple(n for pair in pairs for n in pair), dims=dims)
    return ops.reshape(spread, shape=tuple(c * n for c, n in zip(counts, sizes, strict=True)))


@traced(np.diagonal, view=True)
def diagonal(a: Var, *, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Var:
    """A slice of the rows laid end to end; its dimension comes last."""
    rank = len(a.shape)
    if rank < 2:
        raise ShapeError(f"a diagonal needs two dimensions, got shape {a.shape}")
    first, second = normal_axis(axis1, rank), normal_axis(axis2, rank)
    if first == second:
        raise ShapeError(f"a diagonal needs two different axes, got {axis1} and {axis2}")
    rest = [k for k in range(rank) if k not in (first, second)]
    rows, columns = a.shape[first], a.shape[second]
    count = max(min(rows + min(offset, 0), columns - max(offset, 0)), 0)
    moved = ops.transpose(a, perm=(*rest, first, second))
    flat = ops.reshape(moved, shape=(*(a.shape[k] for k in rest), rows * columns))
    start = (offset if offset >= 0 else -offset * columns) if count else 0
    stop = start + (count - 1) * (columns + 1) + 1 if count else start
    return ops.slice_(
        flat, start=(*(0 for _ in rest), start), stop=(*flat.shape[:-1], stop),
        step=(*(1 for _ in rest), columns + 1),
    )  # fmt: skip


def _columns_ahead(x: Var) -> Var:
    """Of each element of a stack of matrices, its column minus its row."""
    rank = len(x.shape)
    row, column = (
        ops.iota(builder=x.builder, dtype="i64", shape=x.shape, axis=k) for k in (rank - 2, rank - 1)
    )
    return column - row


@traced(np.diag)
def diag(v: Var, *, k: int = 0) -> Var:
    if len(v.shape) == 2:
        found: Var = diagonal.op.lower(v, offset=k)
        return found
    if len(v.shape) != 1:
        raise ShapeError(f"diag needs one or two dimensions, got shape {v.shape}")
    size = v.shape[0] + abs(k)
    low, high = (max(-k, 0),), (max(k, 0),)
    rows = ops.pad(v, low=low, high=high, interior=(0,), value=0.0 if v.type.is_float else 0)
    square = ops.broadcast(rows, shape=(size, size), dims=(0,))
    ahead = _columns_ahead(square)
    return ops.select(ops.eq(ahead, ahead.like(k)), square, square.like(0))


def _triangle(x: Var) -> Var:
    """As matrices; a row alone is repeated to a square, as in NumPy."""
    if not x.shape:
        raise ShapeError("a triangle needs at least one dimension")
    return x if len(x.shape) > 1 else ops.broadcast(x, shape=(*x.shape, *x.shape), dims=(1,))


@traced(np.tril)
def tril(m: Var, *, k: int = 0) -> Var:
    x = _triangle(m)
    ahead = _columns_ahead(x)
    return ops.select(ops.le(ahead, ahead.like(k)), x, x.like(0))


@traced(np.triu)
def triu(m: Var, *, k: int = 0) -> Var:
    x = _triangle(m)
    ahead = _columns_ahead(x)
    return ops.select(ops.ge(ahead, ahead.like(k)), x, x.like(0))


@traced(np.kron)
def kron(a: Operand, b: Operand) -> Var:
    """Every element of the first times the whole second."""
    dtype = common_dtype(a, b)
    x, y = as_var(a, dtype), as_var(b, dtype)
    rank = max(len(x.shape), len(y.shape))
    left, right = ((1,) * (rank - len(v.shape)) + v.shape for v in (x, y))
    times = ops.logical_and if dtype == "bool" else ops.mul
    product = times(*aligned(
        ops.reshape(x, shape=_interleaved(left, (1,) * rank)),
        ops.reshape(y, shape=_interleaved((1,) * rank, right)),
    ))  # fmt: skip
    return ops.reshape(product, shape=tuple(m * n for m, n in zip(left, right, strict=True)))


def _interleaved(first: Sequence[int], second: Sequence[int]) -> tuple[int, ...]:
    return tuple(n for pair in zip(first, second, strict=True) for n in pair)
