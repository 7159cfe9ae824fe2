"""Functions along an axis where the order counts: running sums, products and extremes, sorting."""

from __future__ import annotations

from typing import Any

import numpy as np

from tapejit.ir import ops, running
from tapejit.ir import sort as ir_sort
from tapejit.ir.builder import Var
from tapejit.ir.scan import linear_scan
from tapejit.tracer.errors import ShapeError
from tapejit.tracer.operation import cast
from tapejit.tracer.surface.composed import composed
from tapejit.tracer.surface.function import Function, traced
from tapejit.tracer.surface.indexing import along
from tapejit.tracer.surface.reduction import summable
from tapejit.tracer.surface.shape import folded_axes, normal_axis


def _flat(x: Var, axis: int | None) -> tuple[Var, int]:
    """The array and the axis to work along; without an axis, the elements in a row."""
    if axis is None:
        return ops.reshape(x, shape=(x.type.size,)), 0
    return x, normal_axis(axis, len(x.shape))


def _listed(x: Var, axis: int | None) -> tuple[Var, int]:
    """The same for functions that take a number for a list of one."""
    return _flat(x, axis if x.shape or folded_axes(axis, 0) else None)


@traced(np.cumsum)
def cumsum(a: Var, *, axis: int | None = None, dtype: str | None = None) -> Var:
    x, at = _listed(summable(a, dtype), axis)
    return linear_scan(x.like(1), x, axis=at)


@traced(np.cumprod)
def cumprod(a: Var, *, axis: int | None = None, dtype: str | None = None) -> Var:
    """h[i] = x[i] h[i - 1]: right at zeros, for it never divides; -0.0 adds nothing, not even a sign."""
    x, at = _listed(summable(a, dtype), axis)
    place = ops.iota(builder=x.builder, dtype="i64", shape=x.shape, axis=at)
    nothing = x.like(-0.0) if x.type.is_float else x.like(0)
    return linear_scan(x, ops.select(ops.eq(place, place.like(0)), x, nothing), axis=at)


def _running(primitive: Any, a: Var, axis: int | None) -> Var:
    x, at = _flat(a, axis)
    if x.dtype != "bool":
        found: Var = primitive(x, axis=at)
        return found
    return ops.ne(primitive(cast(x, "i32"), axis=at), cast(x.like(False), "i32"))


@traced(name="maximum.accumulate", numpy=np.maximum.accumulate)
def running_max(a: Var, *, axis: int = 0) -> Var:
    """Ties share the adjoint evenly."""
    return _running(running.running_max, a, axis)


@traced(name="minimum.accumulate", numpy=np.minimum.accumulate)
def running_min(a: Var, *, axis: int = 0) -> Var:
    """Ties share the adjoint evenly."""
    return _running(running.running_min, a, axis)


def _order(x: Var, axis: int) -> Var:
    """The positions along `axis` in ascending order of the elements."""
    rank = len(x.shape)
    perm = (*(k for k in range(rank) if k != axis), axis)
    found = ir_sort.argsort(ops.transpose(x, perm=perm))
    return ops.transpose(found, perm=(*range(axis), rank - 1, *range(axis, rank - 1)))


@traced(np.argsort, numpy=lambda a, *, axis=-1, kind=None, stable=None: np.argsort(a, axis=axis, stable=True))
def argsort(a: Var, *, axis: int | None = -1, kind: str | None = None, stable: bool | None = None) -> Var:
    """Always stable."""
    return _order(*_listed(a, axis))


@traced(np.sort, numpy=lambda a, *, axis=-1, kind=None, stable=None: np.sort(a, axis=axis, stable=True))
def sort(a: Var, *, axis: int | None = -1, kind: str | None = None, stable: bool | None = None) -> Var:
    x, at = _flat(a, axis)
    return along(x, _order(x, at), at)


@traced(np.partition, numpy=lambda a, *, kth, axis=-1, kind=None: np.sort(a, axis=axis, kind="stable"))
def partition(a: Var, *, kth: int | tuple[int, ...], axis: int | None = -1, kind: str | None = None) -> Var:
    """Sorted altogether, which is one of the orders that NumPy may give."""
    _check_places(kth, a, axis)
    return sort.op.lower(a, axis=axis)


@traced(np.argpartition, numpy=lambda a, *, kth, axis=-1, kind=None: np.argsort(a, axis=axis, kind="stable"))
def argpartition(
    a: Var, *, kth: int | tuple[int, ...], axis: int | None = -1, kind: str | None = None
) -> Var:
    """Sorted altogether, which is one of the orders that NumPy may give."""
    _check_places(kth, a, axis)
    return argsort.op.lower(a, axis=axis)


def _check_places(kth: int | tuple[int, ...], x: Var, axis: int | None) -> None:
    size = x.type.size if axis is None else x.shape[normal_axis(axis, len(x.shape))]
    if any(not -size <= k < size for k in (kth if isinstance(kth, tuple) else (kth,))):
        raise ShapeError(f"kth {kth} is out of bounds for {size} elements")


@composed(np.cumulative_sum)
def cumulative_sum(
    x: Any, /, *, axis: int | None = None, dtype: Any = None, out: None = None, include_initial: bool = False
) -> Any:
    return _cumulative(cumsum, 0, x, axis, dtype, include_initial)


@composed(np.cumulative_prod)
def cumulative_prod(
    x: Any, /, *, axis: int | None = None, dtype: Any = None, out: None = None, include_initial: bool = False
) -> Any:
    return _cumulative(cumprod, 1, x, axis, dtype, include_initial)


def _cumulative(
    function: Function, first: int, x: Any, axis: int | None, dtype: Any, include_initial: bool
) -> Any:
    if axis is None and len(x.shape) != 1:
        raise ShapeError(f"an array of shape {x.shape} needs an `axis`")
    at = normal_axis(axis or 0, len(x.shape))
    found = function(x, axis=at, dtype=dtype)
    if not include_initial:
        return found
    shape = (*found.shape[:at], 1, *found.shape[at + 1 :])
    return np.concatenate([np.full(shape, first, found.dtype), found], axis=at)


@composed(np.lexsort)
def lexsort(keys: Any, axis: int = -1) -> Any:
    """By the last key, then the one before, and so on: stable sorts, the last key's at the end."""
    first, *rest = list(keys)
    found = np.argsort(first, axis=axis)
    for key in rest:
        inner = np.argsort(np.take_along_axis(key, found, axis), axis=axis)
        found = np.take_along_axis(found, inner, axis)
    return found


@composed(np.sort_complex)
def sort_complex(a: Any) -> Any:
    """Real numbers in order, as complex ones; complex numbers have no traced order."""
    return np.sort(a).astype(np.complex128)
