"""Products of vectors and matrices, all of which lower to `dot_general`."""

from __future__ import annotations

import math

import numpy as np

from tapejit.ir import ops
from tapejit.ir.builder import Var
from tapejit.tracer.errors import ShapeError
from tapejit.tracer.operation import Operand, aligned, as_var, broadcast_to, cast, common_dtype
from tapejit.tracer.surface.function import traced
from tapejit.tracer.surface.reduction import sum_
from tapejit.tracer.surface.shape import normal_axis


def _matched(x1: Operand, x2: Operand) -> tuple[Var, Var]:
    """Both in their common dtype; a Python number counts as an array here, as in NumPy."""
    x, y = as_var(x1), as_var(x2)
    dtype = common_dtype(x, y)
    return cast(x, dtype), cast(y, dtype)


def _contract(x: Var, y: Var, x_axis: int, y_axis: int, batch: int = 0) -> Var:
    if x.shape[x_axis] != y.shape[y_axis]:
        raise ShapeError(
            f"shapes {x.shape} and {y.shape} do not fit: dimension {x_axis} of the first is "
            f"{x.shape[x_axis]}, dimension {y_axis} of the second is {y.shape[y_axis]}"
        )
    dims = tuple(range(batch))
    return ops.dot_general(x, y, contract=((x_axis,), (y_axis,)), batch=(dims, dims))


@traced(np.dot)
def dot(a: Operand, b: Operand) -> Var:
    x, y = _matched(a, b)
    if not x.shape or not y.shape:
        return ops.mul(*aligned(x, y))
    return _contract(x, y, len(x.shape) - 1, max(len(y.shape) - 2, 0))


@traced(np.matmul)
def matmul(x1: Operand, x2: Operand) -> Var:
    x, y = _matched(x1, x2)
    if not x.shape or not y.shape:
        raise ShapeError(f"matmul needs arrays of at least one dimension, got {x.shape} and {y.shape}")
    if len(x.shape) <= 2 and len(y.shape) <= 2:
        return _contract(x, y, len(x.shape) - 1, max(len(y.shape) - 2, 0))
    return _batched_matmul(x, y)


def _batched_matmul(x: Var, y: Var) -> Var:
    """Leading dimensions broadcast; a one-dimensional operand is a row or a column."""
    left = x if len(x.shape) > 1 else ops.reshape(x, shape=(1, *x.shape))
    right = y if len(y.shape) > 1 else ops.reshape(y, shape=(*y.shape, 1))
    try:
        batch = np.broadcast_shapes(left.shape[:-2], right.shape[:-2])
    except ValueError:
        raise ShapeError(f"shapes {x.shape} and {y.shape} do not broadcast for matmul") from None
    left = broadcast_to(left, batch + left.shape[-2:])
    right = broadcast_to(right, batch + right.shape[-2:])
    rank = len(batch)
    product = _contract(left, right, rank + 1, rank, batch=rank)
    shape = batch + (x.shape[-2:-1]) + (y.shape[-1:] if len(y.shape) > 1 else ())
    return product if product.shape == shape else ops.reshape(product, shape=shape)


@traced(np.inner)
def inner(a: Operand, b: Operand) -> Var:
    x, y = _matched(a, b)
    if not x.shape or not y.shape:
        return ops.mul(*aligned(x, y))
    return _contract(x, y, len(x.shape) - 1, len(y.shape) - 1)


@traced(np.vdot)
def vdot(a: Operand, b: Operand) -> Var:
    x, y = (ops.reshape(v, shape=(math.prod(v.shape),)) for v in _matched(a, b))
    return _contract(x, y, 0, 0)


@traced(np.outer)
def outer(a: Operand, b: Operand) -> Var:
    x, y = (ops.reshape(v, shape=(math.prod(v.shape),)) for v in _matched(a, b))
    return ops.dot_general(x, y, contract=((), ()), batch=((), ()))


@traced(np.tensordot)
def tensordot(a: Operand, b: Operand, *, axes: int | tuple[int | tuple[int, ...], ...] = 2) -> Var:
    x, y = _matched(a, b)
    if isinstance(axes, int):
        first = tuple(range(len(x.shape) - axes, len(x.shape)))
        second = tuple(range(axes))
    else:
        first, second = (
            tuple(normal_axis(k, len(v.shape)) for k in (group if isinstance(group, tuple) else (group,)))
            for group, v in zip(axes, (x, y), strict=True)
        )
    if [x.shape[k] for k in first] != [y.shape[k] for k in second]:
        raise ShapeError(f"tensordot: shapes {x.shape} and {y.shape} do not fit along axes {axes}")
    return ops.dot_general(x, y, contract=(first, second), batch=((), ()))


@traced(np.trace)
def trace(a: Var) -> Var:
    """The sum of the main diagonal of a matrix."""
    if len(a.shape) != 2:
        raise ShapeError(f"trace needs a matrix, got shape {a.shape}")
    rows = ops.iota(builder=a.builder, dtype="i64", shape=a.shape, axis=0)
    columns = ops.iota(builder=a.builder, dtype="i64", shape=a.shape, axis=1)
    on_diagonal = ops.select(ops.eq(rows, columns), a, a.like(0))
    return sum_.op.lower(on_diagonal)
