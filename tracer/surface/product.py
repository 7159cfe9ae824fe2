"""Products of vectors and matrices, all of which lower to `dot_general`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tapejit.ir import ops
from tapejit.ir.builder import Var
from tapejit.tracer.errors import ShapeError
from tapejit.tracer.operation import Operand, aligned, as_var, broadcast_to, cast, common_dtype
from tapejit.tracer.surface.arrange import diagonal
from tapejit.tracer.surface.complex_number import conj
from tapejit.tracer.surface.composed import composed
from tapejit.tracer.surface.function import traced
from tapejit.tracer.surface.reduction import sum_
from tapejit.tracer.surface.shape import moveaxis, normal_axis

Dims = tuple[tuple[int, ...], tuple[int, ...]]


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
    return contracted(x, y, ((x_axis,), (y_axis,)), (dims, dims))


def contracted(x: Var, y: Var, contract: Dims, batch: Dims = ((), ())) -> Var:
    """`dot_general`; of truth values, whether both are true anywhere."""
    if x.dtype == y.dtype == "bool":
        counts = ops.dot_general(cast(x, "i64"), cast(y, "i64"), contract=contract, batch=batch)
        return ops.ne(counts, counts.like(0))
    return ops.dot_general(x, y, contract=contract, batch=batch)


@traced(np.dot)
def dot(a: Operand, b: Operand) -> Var:
    x, y = _matched(a, b)
    if not x.shape or not y.shape:
        return (ops.logical_and if x.dtype == "bool" else ops.mul)(*aligned(x, y))
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
    return _contract(conj(x), y, 0, 0)


@traced(np.outer)
def outer(a: Operand, b: Operand) -> Var:
    x, y = (ops.reshape(v, shape=(math.prod(v.shape),)) for v in _matched(a, b))
    return contracted(x, y, ((), ()))


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
    return contracted(x, y, (first, second))


@traced(np.trace)
def trace(a: Var, *, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: str | None = None) -> Var:
    """The sums of diagonals."""
    cut = diagonal.op.lower(a, offset=offset, axis1=axis1, axis2=axis2)
    return sum_.op.lower(cut, axis=-1, dtype=dtype)


# -- Along one dimension ---------------------------------------------------------------------------------


def _paired(x1: Operand, x2: Operand, first: int, second: int, name: str) -> tuple[Var, Var]:
    """Both with their leading dimensions broadcast, all but the last `first` or `second` ones."""
    x, y = _matched(x1, x2)
    if len(x.shape) < first or len(y.shape) < second:
        raise ShapeError(f"{name}: shapes {x.shape} and {y.shape} have too few dimensions")
    left, right = x.shape[: len(x.shape) - first], y.shape[: len(y.shape) - second]
    try:
        batch = np.broadcast_shapes(left, right)
    except ValueError:
        raise ShapeError(f"{name}: shapes {x.shape} and {y.shape} do not broadcast") from None
    return broadcast_to(x, batch + x.shape[len(left) :]), broadcast_to(y, batch + y.shape[len(right) :])


@traced(np.vecdot)
def vecdot(x1: Operand, x2: Operand, *, axis: int = -1) -> Var:
    x, y = _matched(x1, x2)
    if axis != -1:
        x, y = (moveaxis.op.lower(v, source=axis, destination=-1) for v in (x, y))
    x, y = _paired(x, y, 1, 1, "vecdot")
    rank = len(x.shape) - 1
    return _contract(conj(x), y, rank, rank, batch=rank)


@traced(np.matvec)
def matvec(x1: Operand, x2: Operand) -> Var:
    x, y = _paired(x1, x2, 2, 1, "matvec")
    rank = len(y.shape) - 1
    return _contract(x, y, rank + 1, rank, batch=rank)


@traced(np.vecmat)
def vecmat(x1: Operand, x2: Operand) -> Var:
    x, y = _paired(x1, x2, 1, 2, "vecmat")
    rank = len(x.shape) - 1
    return _contract(conj(x), y, rank, rank, batch=rank)


@composed(np.cross)
def cross(a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Any:
    """Of vectors of three elements; of two, the third counts as zero, and of two such it is the result."""
    if axis is not None:
        axisa = axisb = axisc = axis
    x, y = np.moveaxis(a, axisa, -1), np.moveaxis(b, axisb, -1)
    if not {x.shape[-1], y.shape[-1]} <= {2, 3}:
        raise ShapeError(f"vectors need 2 or 3 elements, got {x.shape[-1]} and {y.shape[-1]}")
    if x.shape[-1] == y.shape[-1] == 2:
        return x[..., 0] * y[..., 1] - x[..., 1] * y[..., 0]
    x, y = _in_space(x), _in_space(y)
    parts = [x[..., i] * y[..., j] - x[..., j] * y[..., i] for i, j in ((1, 2), (2, 0), (0, 1))]
    return np.moveaxis(np.stack(parts, axis=-1), -1, axisc)


def _in_space(x: Any) -> Any:
    """A vector of two elements with a third one, zero."""
    return x if x.shape[-1] == 3 else np.concatenate([x, np.zeros_like(x[..., :1])], axis=-1)
