"""Medians, quantiles and percentiles: elements of the sorted array, or a point between two of them.

The faces at the end read q as NumPy does, which the dtype of the result depends on; `_quantiles` is what is
recorded; `quantile_place` says where an array is looked at.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tapejit.ir import ops
from tapejit.ir.builder import Var
from tapejit.ir.types import NUMPY_NAME, dtype_name
from tapejit.tracer.errors import DtypeError, ShapeError
from tapejit.tracer.handle import Handle
from tapejit.tracer.number import Number
from tapejit.tracer.operation import Operand, as_var, cast, float_dtype
from tapejit.tracer.surface.composed import array, composed, seen
from tapejit.tracer.surface.function import Function, static, traced
from tapejit.tracer.surface.indexing import along
from tapejit.tracer.surface.order import sort
from tapejit.tracer.surface.quantile_place import TRACED, place, result_dtype
from tapejit.tracer.surface.shape import Axes, normal_axes
from tapejit.tracer.surface.weighted_quantile import weighted_quantile

# -- Elements of sorted rows -----------------------------------------------------------------------------


def _sorted_last(x: Var, axes: tuple[int, ...]) -> Var:
    """x sorted along `axes`, which are joined and last."""
    rest = [k for k in range(len(x.shape)) if k not in axes]
    joined = ops.transpose(x, perm=(*rest, *axes))
    shape = (*(x.shape[k] for k in rest), math.prod(x.shape[k] for k in axes))
    return sort.op.lower(ops.reshape(joined, shape=shape), axis=-1)


def _at(ordered: Var, index: int) -> Var:
    rank = len(ordered.shape)
    start = (*(0,) * (rank - 1), index)
    cut = ops.slice_(ordered, start=start, stop=(*ordered.shape[:-1], index + 1), step=(1,) * rank)
    return ops.reshape(cut, shape=ordered.shape[:-1])


def _pick(ordered: Var, index: Var) -> Var:
    """The elements at `index` along the last dimension; the first one, which is NaN, where there is none."""
    whole = cast(ops.maximum(index, index.like(0.0)), "i64")
    found = along(ordered, ops.reshape(whole, shape=(*whole.shape, 1)), len(ordered.shape) - 1)
    return ops.reshape(found, shape=index.shape)


def _count(ordered: Var, dtype: str) -> Var:
    """How many elements of each row are not NaN."""
    return ops.reduce_sum(cast(ops.eq(ordered, ordered), dtype), axes=(len(ordered.shape) - 1,))


def _or_nan(ordered: Var, found: Var) -> Var:
    """`found`, but NaN for rows with a NaN, which is last."""
    if not ordered.type.is_float:
        return found
    last = _at(ordered, ordered.shape[-1] - 1)
    return ops.select(ops.ne(last, last), cast(last, found.dtype), found)


# -- One quantile ----------------------------------------------------------------------------------------


def _quantile(ordered: Var, q: Any, method: str, dtype: str) -> Var:
    """One quantile of each row; NaN if there is a NaN. Elements of weight zero do not matter."""
    size = ordered.shape[-1]
    if not size:
        raise ShapeError("no elements: an empty array has no quantile")
    where = min(max(float(place(method, size, q)), 0.0), size - 1.0)
    below = math.floor(where)
    low, part = _at(ordered, below), where - below
    if not part:
        return _or_nan(ordered, cast(low, dtype))
    high = _at(ordered, below + 1)
    step = cast(high - low, dtype)
    near = cast(low, dtype) + step * part
    return _or_nan(ordered, near if part < 0.5 else cast(high, dtype) - step * (1.0 - part))


def _quantile_of_numbers(ordered: Var, q: Any, method: str, dtype: str) -> Var:
    """One quantile of those elements that are not NaN, of which there may be any number in a row."""
    if not ordered.shape[-1]:
        return ordered.builder.full(ordered.type.with_shape(ordered.shape[:-1]), math.nan)
    exact = q if q.dtype.kind == "f" else q.astype(np.float64)
    count = _count(ordered, dtype_name(exact.dtype))
    where = place(method, count, exact, TRACED)
    where = ops.maximum(ops.minimum(where, count - 1.0), count.like(0.0))
    below = ops.floor(where)
    low, high = _pick(ordered, below), _pick(ordered, ops.minimum(below + 1.0, count - 1.0))
    part, step = where - below, cast(high - low, dtype)
    low, high = cast(low, dtype), cast(high, dtype)
    near, far = low + step * cast(part, dtype), high - step * cast(1.0 - part, dtype)
    found = ops.select(ops.lt(part, part.like(0.5)), near, far)
    return ops.select(ops.eq(part, part.like(0.0)), low, found)


def _middle(ordered: Var) -> Var:
    """The median of each row: the mean of the middle two, or the middle one; NaN if there is a NaN."""
    size = ordered.shape[-1]
    if not size:
        return ordered.builder.full(ordered.type.with_shape(ordered.shape[:-1]), math.nan)
    low, high = _at(ordered, (size - 1) // 2), _at(ordered, size // 2)
    return _or_nan(ordered, low if size % 2 else (low + high) * 0.5)


def _middle_of_numbers(ordered: Var) -> Var:
    """The median of those elements of each row that are not NaN."""
    if not ordered.shape[-1]:
        return _middle(ordered)
    count = _count(ordered, "f64")
    left, right = ops.floor((count - 1.0) * 0.5), ops.floor(count * 0.5)
    low, high = _pick(ordered, left), _pick(ordered, right)
    return ops.select(ops.eq(left, right), low, (low + high) * 0.5)


# -- All quantiles ---------------------------------------------------------------------------------------


def _kept(x: Var, axes: tuple[int, ...], found: Var, keepdims: bool) -> Var:
    """`found` with dimensions of one in the place of `axes`."""
    shape = tuple(1 if k in axes else n for k, n in enumerate(x.shape))
    return ops.reshape(found, shape=shape) if keepdims else found


def _lowering(find: Callable[[Var, Any, str, str], Var]) -> Callable[..., Var]:
    def lower(
        a: Operand,
        *,
        levels: Any,
        kind: str,
        weak: bool = False,
        axis: Axes = None,
        method: str = "linear",
        keepdims: bool = False,
    ) -> Var:
        """`levels` are numbers of the dtype `kind`, equal as keys to those of any other dtype."""
        x, every = as_var(a), np.asarray(levels, kind)
        axes = normal_axes(axis, len(x.shape))
        dtype = dtype_name(result_dtype(method, np.dtype(NUMPY_NAME[x.dtype]), every.dtype, weak))
        if x.dtype == "bool" and dtype != "bool":
            raise DtypeError(f"truth values have no quantile by {method!r}; use 'lower', or `.astype(float)`")
        ordered = _sorted_last(x, axes)
        one = find if x.type.is_float else _quantile
        found = [_kept(x, axes, one(ordered, each, method, dtype), keepdims) for each in every.ravel()]
        if not every.ndim:
            return found[0]
        together = ops.concat(*(ops.reshape(y, shape=(1, *y.shape)) for y in found), axis=0)
        return ops.reshape(together, shape=(*every.shape, *found[0].shape))

    return lower


def _in_numpy(function: Callable[..., Any]) -> Callable[..., Any]:
    def run(a: Any, *, levels: Any, kind: str, weak: bool = False, **how: Any) -> Any:
        return function(a, levels if weak else np.asarray(levels, kind), **how)

    return run


_quantiles = traced(name="quantile", numpy=_in_numpy(np.quantile))(_lowering(_quantile))
_quantiles_of_numbers = traced(name="nanquantile", numpy=_in_numpy(np.nanquantile))(
    _lowering(_quantile_of_numbers)
)

# -- As NumPy has them -----------------------------------------------------------------------------------


def _face(source: Callable[..., Any], function: Function, whole: int) -> Any:
    """NumPy's `source`, whose q is from 0 to `whole`."""

    def body(
        a: Any,
        q: Any,
        axis: Axes = None,
        out: None = None,
        overwrite_input: bool = False,
        method: str = "linear",
        keepdims: Any = False,
        *,
        weights: Any = None,
    ) -> Any:
        levels = _levels(q, whole)
        if isinstance(q, Handle) and not isinstance(a, Handle):
            a = type(q).wrap(np.asarray(a))
        how: Any = {"axis": axis, "method": method, "keepdims": keepdims is True}
        weak = type(q) in (int, float) or isinstance(q, Number)
        if weights is not None:
            data = array(a)
            levels = levels.astype(data.dtype) if weak and data.dtype.kind == "f" else levels
            of_numbers = function is _quantiles_of_numbers and data.dtype.kind == "f"
            return weighted_quantile(data, levels, weights, **how, of_numbers=of_numbers)
        return function(a, levels=levels.tolist(), kind=levels.dtype.name, weak=weak, **how)

    return composed(source)(body)


def _levels(q: Any, whole: int) -> np.ndarray:
    """q as parts of one, in the dtype that NumPy computes with."""
    static("q", q)  # which refuses what a derivative flows through
    given = np.asarray(q.seen() if isinstance(q, Number) else seen(q))
    levels = given if whole == 1 else np.asarray(np.true_divide(given, whole))
    if not np.all((levels >= 0) & (levels <= 1)):
        raise ShapeError(f"{'quantiles' if whole == 1 else 'percentiles'} must be from 0 to {whole}, got {q}")
    return levels


quantile = _face(np.quantile, _quantiles, 1)
percentile = _face(np.percentile, _quantiles, 100)
nanquantile = _face(np.nanquantile, _quantiles_of_numbers, 1)
nanpercentile = _face(np.nanpercentile, _quantiles_of_numbers, 100)


@traced(np.median)
def median(a: Operand, *, axis: Axes = None, overwrite_input: bool = False, keepdims: bool = False) -> Var:
    x = as_var(a, float_dtype(a))
    axes = normal_axes(axis, len(x.shape))
    return _kept(x, axes, _middle(_sorted_last(x, axes)), keepdims)


@traced(np.nanmedian)
def nanmedian(a: Operand, *, axis: Axes = None, overwrite_input: bool = False, keepdims: bool = False) -> Var:
    x = as_var(a, float_dtype(a))
    axes = normal_axes(axis, len(x.shape))
    return _kept(x, axes, _middle_of_numbers(_sorted_last(x, axes)), keepdims)
