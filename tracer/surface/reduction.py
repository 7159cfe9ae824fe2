"""Reductions: sums, means, extremes, positions, norms, and the softmax family."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tapejit.ir import ops
from tapejit.ir.builder import Var
from tapejit.ir.types import dtype_name
from tapejit.tracer.errors import ShapeError, UnsupportedError
from tapejit.tracer.operation import Operand, as_var, cast, float_dtype
from tapejit.tracer.surface.elementwise import truth
from tapejit.tracer.surface.function import traced
from tapejit.tracer.surface.shape import Axes, normal_axes


def _kept(x: Var, axes: tuple[int, ...], like: Var, keepdims: bool) -> Var:
    """A reduction's result, with the reduced dimensions as ones if `keepdims`."""
    if not keepdims:
        return x
    return ops.reshape(x, shape=tuple(1 if k in axes else n for k, n in enumerate(like.shape)))


def summable(x: Var, dtype: str | None) -> Var:
    """x in the dtype that NumPy sums in: i64 for bool and i32, unless one is asked for."""
    return cast(x, dtype_name(dtype) if dtype else "i64" if x.dtype in ("bool", "i32") else x.dtype)


@traced(np.sum)
def sum_(a: Var, *, axis: Axes = None, dtype: str | None = None, keepdims: bool = False) -> Var:
    axes = normal_axes(axis, len(a.shape))
    return _kept(ops.reduce_sum(summable(a, dtype), axes=axes), axes, a, keepdims)


@traced(np.prod)
def prod(a: Var, *, axis: Axes = None, dtype: str | None = None, keepdims: bool = False) -> Var:
    axes = normal_axes(axis, len(a.shape))
    return _kept(ops.reduce_prod(summable(a, dtype), axes=axes), axes, a, keepdims)


@traced(np.mean)
def mean(a: Operand, *, axis: Axes = None, dtype: str | None = None, keepdims: bool = False) -> Var:
    x = as_var(a, dtype_name(dtype) if dtype else float_dtype(a))
    axes = normal_axes(axis, len(x.shape))
    total = ops.reduce_sum(x, axes=axes)
    return _kept(total / float(_count(x, axes)), axes, x, keepdims)


def _count(x: Var, axes: tuple[int, ...]) -> int:
    return math.prod(x.shape[k] for k in axes)


@traced(np.var)
def var(
    a: Operand, *, axis: Axes = None, dtype: str | None = None, ddof: int = 0, keepdims: bool = False
) -> Var:
    """The mean square distance from the mean, over n - ddof: two passes, as in NumPy."""
    x = as_var(a, dtype_name(dtype) if dtype else float_dtype(a))
    axes = normal_axes(axis, len(x.shape))
    distance = x - _spread(ops.reduce_sum(x, axes=axes) / float(_count(x, axes)), x, axes)
    squares = ops.reduce_sum(distance * distance, axes=axes)
    return _kept(squares / float(max(_count(x, axes) - ddof, 0)), axes, x, keepdims)


@traced(np.std)
def std(
    a: Operand, *, axis: Axes = None, dtype: str | None = None, ddof: int = 0, keepdims: bool = False
) -> Var:
    """At zero spread the derivative is zero, as that of a norm."""
    return safe_sqrt(var.op.lower(a, axis=axis, dtype=dtype, ddof=ddof, keepdims=keepdims))


def _spread(y: Var, x: Var, axes: tuple[int, ...]) -> Var:
    """A reduction's result repeated along the reduced axes of x."""
    return ops.broadcast(y, shape=x.shape, dims=tuple(k for k in range(len(x.shape)) if k not in axes))


def _occupied(x: Var, axis: Axes) -> tuple[int, ...]:
    """The axes of a reduction that needs at least one element."""
    axes = normal_axes(axis, len(x.shape))
    if any(x.shape[k] == 0 for k in axes):
        raise ShapeError(f"no elements along axis {axis}: shape {x.shape} has no largest or smallest there")
    return axes


@traced(np.max, np.amax)
def max_(a: Var, *, axis: Axes = None, keepdims: bool = False) -> Var:
    """Ties share the adjoint evenly."""
    axes = _occupied(a, axis)
    return _kept(ops.reduce_max(a, axes=axes), axes, a, keepdims)


@traced(np.min, np.amin)
def min_(a: Var, *, axis: Axes = None, keepdims: bool = False) -> Var:
    """Ties share the adjoint evenly."""
    axes = _occupied(a, axis)
    return _kept(ops.reduce_min(a, axes=axes), axes, a, keepdims)


@traced(np.ptp)
def ptp(a: Var, *, axis: Axes = None, keepdims: bool = False) -> Var:
    return max_.op.lower(a, axis=axis, keepdims=keepdims) - min_.op.lower(a, axis=axis, keepdims=keepdims)


def _without_nan(x: Var, number: float) -> tuple[Var, Var]:
    """Where x is NaN, and x with a number there."""
    lost = ops.ne(x, x)
    return lost, ops.select(lost, x.like(number), x)


@traced(np.nansum)
def nansum(a: Operand, *, axis: Axes = None, dtype: str | None = None, keepdims: bool = False) -> Var:
    x = summable(as_var(a), dtype)
    return sum_.op.lower(_without_nan(x, 0)[1], axis=axis, keepdims=keepdims)


@traced(np.nanprod)
def nanprod(a: Operand, *, axis: Axes = None, dtype: str | None = None, keepdims: bool = False) -> Var:
    x = summable(as_var(a), dtype)
    return prod.op.lower(_without_nan(x, 1)[1], axis=axis, keepdims=keepdims)


@traced(np.nanmean)
def nanmean(a: Operand, *, axis: Axes = None, dtype: str | None = None, keepdims: bool = False) -> Var:
    x = as_var(a, dtype_name(dtype) if dtype else float_dtype(a))
    lost, known = _without_nan(x, 0.0)
    count = sum_.op.lower(cast(ops.logical_not(lost), x.dtype), axis=axis, keepdims=keepdims)
    return sum_.op.lower(known, axis=axis, keepdims=keepdims) / count


def _nan_extreme(function: Any, a: Operand, axis: Axes, keepdims: bool, least: float) -> Var:
    """NaN only where there is nothing else."""
    x = as_var(a)
    if not x.type.is_float:
        return function.op.lower(x, axis=axis, keepdims=keepdims)
    lost, known = _without_nan(x, least)
    found = function.op.lower(known, axis=axis, keepdims=keepdims)
    axes = normal_axes(axis, len(x.shape))
    empty = _kept(ops.reduce_all(lost, axes=axes), axes, x, keepdims)
    return ops.select(empty, found.like(math.nan), found)


@traced(np.nanmax)
def nanmax(a: Operand, *, axis: Axes = None, keepdims: bool = False) -> Var:
    return _nan_extreme(max_, a, axis, keepdims, -math.inf)


@traced(np.nanmin)
def nanmin(a: Operand, *, axis: Axes = None, keepdims: bool = False) -> Var:
    return _nan_extreme(min_, a, axis, keepdims, math.inf)


@traced(np.any)
def any_(a: Var, *, axis: Axes = None, keepdims: bool = False) -> Var:
    axes = normal_axes(axis, len(a.shape))
    return _kept(ops.reduce_any(truth(a), axes=axes), axes, a, keepdims)


@traced(np.all)
def all_(a: Var, *, axis: Axes = None, keepdims: bool = False) -> Var:
    axes = normal_axes(axis, len(a.shape))
    return _kept(ops.reduce_all(truth(a), axes=axes), axes, a, keepdims)


@traced(np.count_nonzero)
def count_nonzero(a: Var, *, axis: Axes = None, keepdims: bool = False) -> Var:
    axes = normal_axes(axis, len(a.shape))
    return _kept(ops.reduce_sum(cast(truth(a), "i64"), axes=axes), axes, a, keepdims)


def _position(primitive: Any, x: Var, axis: int | None, keepdims: bool) -> Var:
    flat = ops.reshape(x, shape=(math.prod(x.shape),)) if axis is None else x
    axes = (0,) if axis is None else normal_axes(axis, len(x.shape))
    if flat.dtype == "bool":
        flat = cast(flat, "i32")
    found = primitive(flat, axes=axes)
    return _kept(found, normal_axes(axis, len(x.shape)), x, keepdims)


@traced(np.argmax)
def argmax(a: Var, *, axis: int | None = None, keepdims: bool = False) -> Var:
    return _position(ops.argmax, a, axis, keepdims)


@traced(np.argmin)
def argmin(a: Var, *, axis: int | None = None, keepdims: bool = False) -> Var:
    return _position(ops.argmin, a, axis, keepdims)


@traced(np.linalg.norm, name="norm")
def norm(
    x: Operand, *, ord: int | float | str | None = None, axis: Axes = None, keepdims: bool = False
) -> Var:
    """Vector norms of order 1, 2, inf, -inf, 0, and the Frobenius norm; at zero the derivative is zero."""
    value = as_var(x, float_dtype(x))
    axes = normal_axes(axis, len(value.shape))
    if ord is not None and not (len(axes) == 1 or (ord == "fro" and len(axes) == 2)):
        raise UnsupportedError(f"the norm of order {ord!r} over axes {axes} is not traced")
    return _kept(_norm(value, ord, axes), axes, value, keepdims)


def _norm(x: Var, ord: int | float | str | None, axes: tuple[int, ...]) -> Var:
    size = ops.abs_(x)
    if ord in (None, 2, "fro"):
        return safe_sqrt(ops.reduce_sum(x * x, axes=axes))
    if ord == 1:
        return ops.reduce_sum(size, axes=axes)
    if ord == math.inf:
        return ops.reduce_max(size, axes=axes)
    if ord == -math.inf:
        return ops.reduce_min(size, axes=axes)
    if ord == 0:
        return ops.reduce_sum(cast(truth(x), x.dtype), axes=axes)
    raise UnsupportedError(f"the norm of order {ord!r} is not traced")


def safe_sqrt(x: Var) -> Var:
    """The square root, with derivative zero at zero."""
    zero = ops.eq(x, x.like(0.0))
    return ops.select(zero, x.like(0.0), ops.sqrt(x))


# -- The softmax family ------------------------------------------------------------------------------------


def _shifted(x: Var, axes: tuple[int, ...]) -> tuple[Var, Var]:
    """x minus its maximum along `axes` (a constant to the derivative; an infinite one counts as 0)."""
    top = ops.stop_gradient(ops.reduce_max(x, axes=axes))
    finite = ops.lt(ops.abs_(top), top.like(math.inf))
    top = ops.select(finite, top, top.like(0.0))
    return x - _spread(top, x, axes), top


@traced(name="logsumexp", numpy=lambda x, **kw: _special("logsumexp")(x, **kw))
def logsumexp(a: Operand, *, axis: Axes = None, keepdims: bool = False) -> Var:
    x = as_var(a, float_dtype(a))
    axes = normal_axes(axis, len(x.shape))
    shifted, top = _shifted(x, axes)
    return _kept(ops.log(ops.reduce_sum(ops.exp(shifted), axes=axes)) + top, axes, x, keepdims)


@traced(name="softmax", numpy=lambda x, *, axis=-1: _special("softmax")(x, axis))
def softmax(a: Operand, *, axis: int = -1) -> Var:
    x = as_var(a, float_dtype(a))
    axes = normal_axes(axis, len(x.shape))
    weights = ops.exp(_shifted(x, axes)[0])
    return weights / _spread(ops.reduce_sum(weights, axes=axes), x, axes)


@traced(name="log_softmax", numpy=lambda x, *, axis=-1: _special("log_softmax")(x, axis))
def log_softmax(a: Operand, *, axis: int = -1) -> Var:
    x = as_var(a, float_dtype(a))
    axes = normal_axes(axis, len(x.shape))
    shifted = _shifted(x, axes)[0]
    return shifted - _spread(ops.log(ops.reduce_sum(ops.exp(shifted), axes=axes)), x, axes)


def _special(name: str) -> Any:
    import scipy.special

    return getattr(scipy.special, name)


def _one_hot_now(indices: Any, *, depth: int, dtype: str = "float32") -> np.ndarray:
    return (np.asarray(indices)[..., None] == np.arange(depth)).astype(dtype)


@traced(name="one_hot", numpy=_one_hot_now)
def one_hot(indices: Var, *, depth: int, dtype: str = "float32") -> Var:
    """A row of `depth` numbers per index: one at the index, zero elsewhere."""
    shape = (*indices.shape, depth)
    columns = ops.iota(builder=indices.builder, dtype=indices.dtype, shape=shape, axis=len(shape) - 1)
    spread = ops.broadcast(indices, shape=shape, dims=tuple(range(len(shape) - 1)))
    return cast(ops.eq(spread, columns), dtype_name(dtype))


def _pick_now(data: Any, index: Any, *, axis: int = -1, keepdims: bool = False) -> np.ndarray:
    picked = np.take_along_axis(data, np.expand_dims(np.asarray(index).astype(int), axis), axis)
    return picked if keepdims else np.squeeze(picked, axis)


@traced(name="pick", numpy=_pick_now)
def pick(data: Var, index: Var, *, axis: int = -1, keepdims: bool = False) -> Var:
    """Along `axis`, the element of `data` that `index` names; an index outside gives zero."""
    (at,) = normal_axes(axis, len(data.shape))
    if index.shape != data.shape[:at] + data.shape[at + 1 :]:
        raise ShapeError(f"pick: an index of shape {index.shape} does not fit data {data.shape}, axis {axis}")
    places = ops.iota(builder=data.builder, dtype=index.dtype, shape=data.shape, axis=at)
    chosen = ops.eq(places, _spread(index, data, (at,)))
    zero = data.like(0)
    return _kept(ops.reduce_sum(ops.select(chosen, data, zero), axes=(at,)), (at,), data, keepdims)
