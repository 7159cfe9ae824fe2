"""The methods of NumPy's ufuncs: `np.add.reduce`, `np.maximum.accumulate`, `np.multiply.outer` and kin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tapejit.ir import ops
from tapejit.ir.builder import Var
from tapejit.ir.gather import scatter_add
from tapejit.tracer.errors import BoundsError, UnsupportedError
from tapejit.tracer.location import user_location
from tapejit.tracer.operation import cast
from tapejit.tracer.surface import order, reduction
from tapejit.tracer.surface.composed import array, seen
from tapejit.tracer.surface.elementwise import truth
from tapejit.tracer.surface.function import Function, traced
from tapejit.tracer.surface.indexing import take_of
from tapejit.tracer.surface.shape import Axes, normal_axis

# How each method is called, besides the array.
_REDUCE = ("axis", "dtype", "out", "keepdims", "initial", "where")
_ACCUMULATE = ("axis", "dtype", "out")


@traced(name="logical_xor.reduce", numpy=np.logical_xor.reduce)
def _parity(a: Var, *, axis: Axes = 0, keepdims: bool = False) -> Var:
    count: Var = reduction.count_nonzero.op.lower(a, axis=axis, keepdims=keepdims)
    return ops.eq(ops.mod(count, count.like(2)), count.like(1))


def _running_truth(name: str, lower: Callable[..., Var], ufunc: np.ufunc) -> Function:
    """`logical_and.accumulate` and kin: a running minimum or maximum of truth values."""

    @traced(name=f"{name}.accumulate", numpy=ufunc.accumulate)
    def accumulate(a: Var, *, axis: int = 0) -> Var:
        return truth(lower(cast(truth(a), "i32"), axis=axis))

    return accumulate


REDUCE: dict[np.ufunc, Function] = {
    np.add: reduction.sum_,
    np.multiply: reduction.prod,
    np.maximum: reduction.max_,
    np.minimum: reduction.min_,
    np.logical_and: reduction.all_,
    np.logical_or: reduction.any_,
    np.logical_xor: _parity,
    np.logaddexp: reduction.logsumexp,
}
ACCUMULATE: dict[np.ufunc, Function] = {
    np.add: order.cumsum,
    np.multiply: order.cumprod,
    np.maximum: order.running_max,
    np.minimum: order.running_min,
    np.logical_and: _running_truth("logical_and", order.running_min.op.lower, np.logical_and),
    np.logical_or: _running_truth("logical_or", order.running_max.op.lower, np.logical_or),
}


def call(ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """`getattr(ufunc, method)(*inputs, **kwargs)`."""
    if method == "reduce" and ufunc in REDUCE:
        given = _named(_REDUCE, inputs, kwargs)
        return REDUCE[ufunc](inputs[0], **{"axis": 0, **given})
    if method == "accumulate" and ufunc in ACCUMULATE:
        return ACCUMULATE[ufunc](inputs[0], **{"axis": 0, **_named(_ACCUMULATE, inputs, kwargs)})
    if method == "outer" and not kwargs:
        return _outer(ufunc, *inputs)
    if method == "reduceat" and ufunc is np.add:
        return _add_reduceat(*inputs, **kwargs)
    raise UnsupportedError(
        f"np.{ufunc.__name__}.{method} at {user_location()} is not traced; np.add, np.multiply, np.maximum, "
        "np.minimum and the logical ufuncs have reduce, accumulate and outer"
    )


def _named(names: tuple[str, ...], inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    given = {**dict(zip(names, inputs[1:], strict=False)), **kwargs}
    return {name: x for name, x in given.items() if x is not None or name == "axis"}


def _outer(ufunc: np.ufunc, a: Any, b: Any) -> Any:
    """Every element of the first with every element of the second."""
    first, second = array(a), array(b)
    return ufunc(first.reshape((*first.shape, *(1,) * len(second.shape))), b)


# -- Sums of stretches -----------------------------------------------------------------------------------


@traced(name="add.reduceat", numpy=lambda a, owner, *, axis, size: _summed_now(a, owner, axis, size))
def _summed(a: Var, owner: Var, *, axis: int, size: int) -> Var:
    return scatter_add(reduction.summable(a, None), owner, axis=axis, size=size)


def _summed_now(a: np.ndarray, owner: np.ndarray, axis: int, size: int) -> np.ndarray:
    front = np.moveaxis(a, axis, 0)
    result = np.zeros((size, *front.shape[1:]), np.add.reduce(a[:0]).dtype)
    np.add.at(result, owner, front)
    return np.moveaxis(result, 0, axis)


def _add_reduceat(array: Any, indices: Any, axis: int = 0, dtype: Any = None, out: Any = None) -> Any:
    """Element i is the sum from `indices[i]` to `indices[i + 1]`, or one element where that is nothing."""
    if dtype is not None or out is not None:
        raise UnsupportedError(f"np.add.reduceat at {user_location()}: `dtype` and `out` are not traced")
    at = normal_axis(axis, len(array.shape))
    size = array.shape[at]
    starts = np.asarray(seen(indices))
    if starts.size and not (starts.min() >= 0 and starts.max() < size):
        raise BoundsError(f"np.add.reduceat at {user_location()}: indices outside of dimension {at}, {size}")
    stops = np.append(starts[1:], size)
    counts = np.maximum(stops - starts, 1)
    owner = np.repeat(np.arange(len(starts)), counts)
    first = np.cumsum(counts) - counts
    places = np.arange(len(owner)) - np.repeat(first - starts, counts)
    return _summed(take_of(array, places, at), owner, axis=at, size=len(starts))
