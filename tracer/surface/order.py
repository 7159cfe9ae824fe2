"""Functions along an axis where the order counts: running sums and products, sorting, quantiles."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tapejit.ir import ops, running
from tapejit.ir import sort as ir_sort
from tapejit.ir.builder import Var
from tapejit.ir.scan import linear_scan
from tapejit.tracer.errors import ShapeError
from tapejit.tracer.operation import Operand, as_var, cast, float_dtype
from tapejit.tracer.surface.function import traced
from tapejit.tracer.surface.indexing import along
from tapejit.tracer.surface.reduction import summable
from tapejit.tracer.surface.shape import Axes, normal_axes, normal_axis


def _flat(x: Var, axis: int | None) -> tuple[Var, int]:
    """The array and the axis to work along; without an axis, the elements in a row."""
    if axis is None:
        return ops.reshape(x, shape=(x.type.size,)), 0
    return x, normal_axis(axis, len(x.shape))


@traced(np.cumsum)
def cumsum(a: Var, *, axis: int | None = None, dtype: str | None = None) -> Var:
    x, at = _flat(summable(a, dtype), axis)
    return linear_scan(x.like(1), x, axis=at)


@traced(np.cumprod)
def cumprod(a: Var, *, axis: int | None = None, dtype: str | None = None) -> Var:
    """h[i] = x[i] h[i - 1]: right at zeros, for it never divides; -0.0 adds nothing, not even a sign."""
    x, at = _flat(summable(a, dtype), axis)
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


@traced(np.argsort, numpy=lambda a, *, axis=-1, kind=None: np.argsort(a, axis=axis, kind="stable"))
def argsort(a: Var, *, axis: int | None = -1, kind: str | None = None) -> Var:
    """Always stable."""
    return _order(*_flat(a, axis))


@traced(np.sort, numpy=lambda a, *, axis=-1, kind=None: np.sort(a, axis=axis, kind="stable"))
def sort(a: Var, *, axis: int | None = -1, kind: str | None = None) -> Var:
    x, at = _flat(a, axis)
    return along(x, _order(x, at), at)


def _sorted_last(a: Operand, axis: Axes) -> tuple[Var, tuple[int, ...], Var]:
    """x, the axes of a quantile, and x sorted along those, which are joined and last."""
    x = as_var(a, float_dtype(a))
    axes = normal_axes(axis, len(x.shape))
    rest = [k for k in range(len(x.shape)) if k not in axes]
    joined = ops.transpose(x, perm=(*rest, *axes))
    shape = (*(x.shape[k] for k in rest), math.prod(x.shape[k] for k in axes))
    if not shape[-1]:
        raise ShapeError(f"no elements along axis {axis}: shape {x.shape} has no quantile there")
    return x, axes, sort.op.lower(ops.reshape(joined, shape=shape), axis=-1)


def _at(ordered: Var, place: int) -> Var:
    rank = len(ordered.shape)
    start = (*(0,) * (rank - 1), place)
    cut = ops.slice_(ordered, start=start, stop=(*ordered.shape[:-1], place + 1), step=(1,) * rank)
    return ops.reshape(cut, shape=ordered.shape[:-1])


def _quantile(ordered: Var, q: float) -> Var:
    """NumPy's linear interpolation between neighbours; NaN if there is a NaN."""
    if not 0.0 <= q <= 1.0:
        raise ShapeError(f"quantiles must be from 0 to 1, got {q}")
    size = ordered.shape[-1]
    place = q * (size - 1)
    below = math.floor(place)
    low, high, part = _at(ordered, below), _at(ordered, min(below + 1, size - 1)), place - below
    step = high - low
    between = low + step * part if part < 0.5 else high - step * (1.0 - part)
    last = _at(ordered, size - 1)
    return ops.select(ops.ne(last, last), last, between if part else low)


def _quantiles(a: Operand, q: float | tuple[float, ...], axis: Axes, keepdims: bool) -> Var:
    x, axes, ordered = _sorted_last(a, axis)
    ordered = cast(ordered, "f64") if isinstance(q, tuple) else ordered  # as NumPy, where q is an array
    found = [_quantile(ordered, float(each)) for each in (q if isinstance(q, tuple) else (q,))]
    if keepdims:
        kept = tuple(1 if k in axes else n for k, n in enumerate(x.shape))
        found = [ops.reshape(y, shape=kept) for y in found]
    if not isinstance(q, tuple):
        return found[0]
    return ops.concat(*(ops.reshape(y, shape=(1, *y.shape)) for y in found), axis=0)


@traced(np.median)
def median(a: Operand, *, axis: Axes = None, keepdims: bool = False) -> Var:
    return _quantiles(a, 0.5, axis, keepdims)


@traced(np.quantile)
def quantile(a: Operand, *, q: float | tuple[float, ...], axis: Axes = None, keepdims: bool = False) -> Var:
    return _quantiles(a, q, axis, keepdims)


@traced(np.percentile)
def percentile(a: Operand, *, q: float | tuple[float, ...], axis: Axes = None, keepdims: bool = False) -> Var:
    parts = tuple(each / 100.0 for each in q) if isinstance(q, tuple) else q / 100.0
    return _quantiles(a, parts, axis, keepdims)
