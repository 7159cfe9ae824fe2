"""Medians, quantiles and percentiles: elements of the sorted array, or a point between two of them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tapejit.ir import ops
from tapejit.ir.builder import Var
from tapejit.tracer.errors import ShapeError, UnsupportedError
from tapejit.tracer.operation import Operand, as_var, cast, float_dtype
from tapejit.tracer.surface.function import traced
from tapejit.tracer.surface.indexing import along
from tapejit.tracer.surface.order import sort
from tapejit.tracer.surface.shape import Axes, normal_axes

Levels = float | tuple[Any, ...]


def _sorted_last(a: Operand, axis: Axes) -> tuple[Var, tuple[int, ...], Var]:
    """x, the axes of a quantile, and x sorted along those, which are joined and last."""
    x = as_var(a, float_dtype(a))
    axes = normal_axes(axis, len(x.shape))
    rest = [k for k in range(len(x.shape)) if k not in axes]
    joined = ops.transpose(x, perm=(*rest, *axes))
    shape = (*(x.shape[k] for k in rest), math.prod(x.shape[k] for k in axes))
    return x, axes, sort.op.lower(ops.reshape(joined, shape=shape), axis=-1)


def _at(ordered: Var, place: int) -> Var:
    rank = len(ordered.shape)
    start = (*(0,) * (rank - 1), place)
    cut = ops.slice_(ordered, start=start, stop=(*ordered.shape[:-1], place + 1), step=(1,) * rank)
    return ops.reshape(cut, shape=ordered.shape[:-1])


def _quantile(ordered: Var, q: float, method: str) -> Var:
    """One quantile by any of NumPy's methods; NaN if there is a NaN.

    Every method takes a weighted mean of two neighbours, so NumPy's quantile of 0, 1, 2, ... is the place.
    """
    size = ordered.shape[-1]
    if not size:
        raise ShapeError("no elements: an empty array has no quantile")
    place = float(np.quantile(np.arange(float(size)), q, method=method))  # type: ignore[call-overload]
    below = math.floor(place)
    low, high = _at(ordered, below), _at(ordered, min(below + 1, size - 1))
    part = place - below
    step = high - low
    between = low + step * part if part < 0.5 else high - step * (1.0 - part)
    last = _at(ordered, size - 1)
    return ops.select(ops.ne(last, last), last, between if part else low)


def _quantile_or_nan(ordered: Var, q: float, method: str) -> Var:
    """One quantile; NaN if there are no elements."""
    if ordered.shape[-1]:
        return _quantile(ordered, q, method)
    return ordered.builder.full(ordered.type.with_shape(ordered.shape[:-1]), math.nan)


def _quantile_of_numbers(ordered: Var, q: float, method: str) -> Var:
    """One quantile of those elements that are not NaN, of which there may be any number."""
    if method != "linear":
        raise UnsupportedError(f"the method {method!r} is not traced where NaN is left out; use 'linear'")
    if not ordered.shape[-1]:
        return _quantile_or_nan(ordered, q, method)
    numbers = ops.eq(ordered, ordered)
    count = ops.reduce_sum(cast(numbers, "f64"), axes=(len(ordered.shape) - 1,))
    place = (count - 1.0) * q
    below = ops.floor(place)
    part = cast(place - below, ordered.dtype)
    low, high = _pick(ordered, below), _pick(ordered, ops.minimum(below + 1.0, count - 1.0))
    step = high - low
    near = ops.lt(part, part.like(0.5))
    return ops.select(near, low + step * part, high - step * (1.0 - part))


def _pick(ordered: Var, place: Var) -> Var:
    """The elements at `place` along the last dimension; the first one, which is NaN, where there is none."""
    index = cast(ops.maximum(place, place.like(0.0)), "i64")
    found = along(ordered, ops.reshape(index, shape=(*index.shape, 1)), len(ordered.shape) - 1)
    return ops.reshape(found, shape=place.shape)


def _quantiles(a: Operand, q: Levels, axis: Axes, keepdims: bool, method: str, find: Any = _quantile) -> Var:
    x, axes, ordered = _sorted_last(a, axis)
    levels = np.asarray(q, float)
    if not np.all((levels >= 0.0) & (levels <= 1.0)):
        raise ShapeError(f"quantiles must be from 0 to 1, got {q}")
    ordered = cast(ordered, "f64") if levels.ndim else ordered  # as NumPy, where q is an array
    found = [find(ordered, float(each), method) for each in levels.ravel()]
    if keepdims:
        kept = tuple(1 if k in axes else n for k, n in enumerate(x.shape))
        found = [ops.reshape(y, shape=kept) for y in found]
    if not levels.ndim:
        return found[0]
    together = ops.concat(*(ops.reshape(y, shape=(1, *y.shape)) for y in found), axis=0)
    return ops.reshape(together, shape=(*levels.shape, *found[0].shape))


def _hundredths(q: Levels) -> Any:
    """Percents as parts of one."""
    return tuple(map(_hundredths, q)) if isinstance(q, tuple) else q / 100.0


@traced(np.median)
def median(a: Operand, *, axis: Axes = None, overwrite_input: bool = False, keepdims: bool = False) -> Var:
    return _quantiles(a, 0.5, axis, keepdims, "linear", _quantile_or_nan)


@traced(np.quantile)
def quantile(
    a: Operand,
    *,
    q: Levels,
    axis: Axes = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
) -> Var:
    return _quantiles(a, q, axis, keepdims, method)


@traced(np.percentile)
def percentile(
    a: Operand,
    *,
    q: Levels,
    axis: Axes = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
) -> Var:
    return _quantiles(a, _hundredths(q), axis, keepdims, method)


@traced(np.nanmedian)
def nanmedian(a: Operand, *, axis: Axes = None, overwrite_input: bool = False, keepdims: bool = False) -> Var:
    return _quantiles(a, 0.5, axis, keepdims, "linear", _quantile_of_numbers)


@traced(np.nanquantile)
def nanquantile(
    a: Operand,
    *,
    q: Levels,
    axis: Axes = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
) -> Var:
    return _quantiles(a, q, axis, keepdims, method, _quantile_of_numbers)


@traced(np.nanpercentile)
def nanpercentile(
    a: Operand,
    *,
    q: Levels,
    axis: Axes = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
) -> Var:
    return _quantiles(a, _hundredths(q), axis, keepdims, method, _quantile_of_numbers)
