"""The primitives that find elements by an operand: where along an axis, `index` says.

They are total: an index outside of the axis reads zero and writes nowhere, so that no index can make native
code leave an array. That such an index is an error is for the tracer to say, before or after. `gather` and
`scatter_add` are transposes of each other; assignment is a `gather` by `last_write`. Start with `gather`.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from tapejit.ir import ops
from tapejit.ir.emission import Fold, Gathered, Scattered
from tapejit.ir.primitive import Discrete, Mapped, Primitive
from tapejit.ir.types import TensorType

if TYPE_CHECKING:
    from tapejit.ir.builder import Var

_M = np.arange(6.0).reshape(2, 3) - 2.2
_T = np.sin(np.arange(24.0)).reshape(2, 3, 4)
_SINGLE = np.array([0.3, -1.2, 2.5], np.float32)
_TWICE = np.array([2, 0, 2, 1])
_OUTSIDE = np.array([[1, -1, 0], [1, 2, 9]])


# -- Types -----------------------------------------------------------------------------------------------


def _positions(index: TensorType) -> None:
    if index.dtype != "i64":
        raise TypeError(f"an index has to be i64, got {index}")


def _gather_type(x: TensorType, index: TensorType, *, axis: int) -> TensorType:
    _positions(index)
    if not 0 <= axis < x.rank:
        raise TypeError(f"axis {axis} does not fit {x}")
    return x.with_shape((*x.shape[:axis], *index.shape, *x.shape[axis + 1 :]))


def _scatter_type(updates: TensorType, index: TensorType, *, axis: int, size: int) -> TensorType:
    _positions(index)
    stop = axis + index.rank
    if axis < 0 or size < 0 or updates.shape[axis:stop] != index.shape or updates.dtype == "bool":
        raise TypeError(f"cannot add {updates} at {index} along axis {axis} of size {size}")
    return updates.with_shape((*updates.shape[:axis], size, *updates.shape[stop:]))


def _last_write_type(index: TensorType, *, axis: int, size: int) -> TensorType:
    _positions(index)
    if axis != 0 or size < 0:
        raise TypeError(f"the last writers need axis 0 and a size, got {axis} and {size}")
    return TensorType("i64", (size,))


# -- References ------------------------------------------------------------------------------------------


def _reference_gather(x: np.ndarray, index: np.ndarray, *, axis: int) -> np.ndarray:
    shape = (*x.shape[:axis], *index.shape, *x.shape[axis + 1 :])
    if not x.shape[axis]:
        return np.zeros(shape, x.dtype)
    inside = (index >= 0) & (index < x.shape[axis])
    found = np.take(x, np.where(inside, index, 0), axis)
    mask = inside.reshape((*index.shape, *(1,) * (x.ndim - axis - 1)))
    return np.where(mask, found, np.zeros((), x.dtype))


def _reference_scatter_add(updates: np.ndarray, index: np.ndarray, *, axis: int, size: int) -> np.ndarray:
    stop = axis + index.ndim
    dims = range(updates.ndim)
    front = updates.transpose((*dims[axis:stop], *dims[:axis], *dims[stop:]))
    inside = (index >= 0) & (index < size)
    result = np.zeros((size, *updates.shape[:axis], *updates.shape[stop:]), updates.dtype)
    np.add.at(result, index[inside], front[inside])
    return np.moveaxis(result, 0, axis)


def _reference_last_write(index: np.ndarray, *, axis: int, size: int) -> np.ndarray:
    result = np.full(size, -1)
    flat = index.ravel()
    inside = np.flatnonzero((flat >= 0) & (flat < size))
    np.maximum.at(result, flat[inside], inside)
    return result


# -- Batching --------------------------------------------------------------------------------------------


def _in_lane(index: Var, size: int) -> Var:
    """Positions in `size` elements as positions in those of all lanes; outside stays outside."""
    lanes = ops.iota(builder=index.builder, dtype="i64", shape=index.shape, axis=0)
    inside = ops.logical_and(ops.ge(index, index.like(0)), ops.lt(index, index.like(size)))
    return ops.select(inside, index + lanes * size, index.like(-1))


def _moved(x: Var, source: tuple[int, ...], to: int) -> Var:
    """x with the adjacent dimensions `source` before what is then dimension `to`."""
    rest = [k for k in range(len(x.shape)) if k not in source]
    return ops.transpose(x, perm=(*rest[:to], *source, *rest[to:]))


def _repeated(x: Var, size: int) -> Var:
    return ops.broadcast(x, shape=(size, *x.shape), dims=tuple(range(1, len(x.shape) + 1)))


def _batched_gather(x: Var, index: Var, *, mapped: tuple[bool, bool], axis: int) -> Var:
    if not mapped[1]:
        return gather(x, index, axis=axis + 1)
    if not mapped[0]:
        return _moved(gather(x, index, axis=axis), (axis,), 0)
    count, size = x.shape[0], x.shape[axis + 1]
    front = _moved(x, (axis + 1,), 1)
    table = ops.reshape(front, shape=(count * size, *front.shape[2:]))
    found = gather(table, _in_lane(index, size), axis=0)
    return _moved(found, tuple(range(1, len(index.shape))), axis + 1)


def _batched_scatter_add(updates: Var, index: Var, *, mapped: tuple[bool, bool], axis: int, size: int) -> Var:
    if not mapped[1]:
        return scatter_add(updates, index, axis=axis + 1, size=size)
    count = index.shape[0]
    stack = updates if mapped[0] else _repeated(updates, count)
    front = _moved(stack, tuple(range(axis + 1, axis + len(index.shape))), 1)
    total = scatter_add(front, _in_lane(index, size), axis=0, size=count * size)
    lanes = ops.reshape(total, shape=(count, size, *total.shape[1:]))
    return _moved(lanes, (1,), axis + 1)


def _batched_last_write(index: Var, *, axis: int, size: int) -> Var:
    count = index.shape[0]
    each = math.prod(index.shape[1:])
    found = ops.reshape(last_write(_in_lane(index, size), axis=0, size=count * size), shape=(count, size))
    lanes = ops.iota(builder=index.builder, dtype="i64", shape=(count, size), axis=0)
    return ops.select(ops.lt(found, found.like(0)), found, found - lanes * each)


# -- Rows ------------------------------------------------------------------------------------------------


def _gather_adjoint(ct: Var, r: Var, x: Var, index: Var, *, axis: int) -> tuple[Var, None]:
    size = x.shape[axis]
    x_bar = scatter_add(ct, index, axis=axis, size=size)
    if ct.mask is None:
        return x_bar, None
    reached = scatter_add(ops.cast(ct.mask, dtype="i64"), index, axis=axis, size=size)
    return x_bar.masked_by(ops.ne(reached, reached.like(0))), None


def _scatter_adjoint(ct: Var, r: Var, updates: Var, index: Var, *, axis: int, size: int) -> tuple[Var, None]:
    mask = None if ct.mask is None else gather(ct.mask, index, axis=axis)
    return gather(ct, index, axis=axis).masked_by(mask), None


# The dimension `axis` of x becomes those of `index`.
gather: Primitive = Primitive(
    name="gather",
    arity=2,
    results=1,
    infer=_gather_type,
    reference=_reference_gather,
    jvp=lambda ts, r, x, index, *, axis: None if ts[0] is None else gather(ts[0], index, axis=axis),
    vjp=_gather_adjoint,
    batch=Mapped(_batched_gather),
    emission=Gathered(),
    examples=(
        ((_M, _TWICE), {"axis": 1}),
        ((_T, _OUTSIDE), {"axis": 1}),
        ((_T, np.array(1)), {"axis": 0}),
        ((_SINGLE, _TWICE), {"axis": 0}),
        ((_M + 1j * _M**2, _TWICE), {"axis": 1}),
        ((_M > 0, np.array([1, 0, 5])), {"axis": 0}),
        ((_M[:0], np.array([0])), {"axis": 0}),
    ),
)
# The dimensions of `index` in the updates, at `axis`, become one of `size`; what meets there adds up.
scatter_add: Primitive = Primitive(
    name="scatter_add",
    arity=2,
    results=1,
    infer=_scatter_type,
    reference=_reference_scatter_add,
    jvp=lambda ts, r, updates, index, **attrs: None if ts[0] is None else scatter_add(ts[0], index, **attrs),
    vjp=_scatter_adjoint,
    batch=Mapped(_batched_scatter_add),
    emission=Scattered(Fold(lambda dtype: "0", "plus({0}, {1})")),
    examples=(
        ((_T, np.array([3, 1, 3])), {"axis": 1, "size": 5}),
        ((_T, _OUTSIDE[:, :, None] + np.arange(4)), {"axis": 0, "size": 4}),
        ((_SINGLE, np.array([0, 0, 1])), {"axis": 0, "size": 2}),
        ((_M, np.array(2)), {"axis": 1, "size": 3}),
        ((_SINGLE * (1 - 2j), np.array([0, 0, 1])), {"axis": 0, "size": 2}),
        ((_TWICE, _TWICE), {"axis": 0, "size": 3}),
        ((_M[0], np.array([0, 0, 0])), {"axis": 0, "size": 1}),
    ),
)
# For each position the place of the last index that is this position, in row-major order; -1: there is none.
last_write: Primitive = Primitive(
    name="last_write",
    arity=1,
    results=1,
    infer=_last_write_type,
    reference=_reference_last_write,
    jvp=Discrete("of integers"),
    vjp=Discrete("of integers"),
    batch=_batched_last_write,
    emission=Scattered(Fold(lambda dtype: "-1", "max({0}, {1})")),
    examples=(
        ((_TWICE,), {"axis": 0, "size": 4}),
        ((_OUTSIDE,), {"axis": 0, "size": 3}),
        ((np.array([0, 0]),), {"axis": 0, "size": 1}),
    ),
)
