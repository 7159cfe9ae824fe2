"""Reductions: sums, means, extremes, positions, norms, and the softmax family."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tapejit.ir import ops
from tapejit.ir.builder import Var
from tapejit.ir.primitive import Primitive
from tapejit.ir.types import FLOATS, NUMPY_NAME, dtype_name
from tapejit.tracer.errors import DtypeError, ShapeError
from tapejit.tracer.operation import Operand, as_var, broadcast_to, cast, float_dtype
from tapejit.tracer.surface.complex_number import square_magnitude
from tapejit.tracer.surface.elementwise import truth
from tapejit.tracer.surface.function import traced
from tapejit.tracer.surface.shape import Axes, folded_axes, normal_axes


def _kept(x: Var, axes: tuple[int, ...], like: Var, keepdims: bool) -> Var:
    """A reduction's result, with the reduced dimensions as ones if `keepdims`."""
    if not keepdims:
        return x
    return ops.reshape(x, shape=tuple(1 if k in axes else n for k, n in enumerate(like.shape)))


def summable(x: Var, dtype: str | None) -> Var:
    """x in the dtype that NumPy sums in: i64 for bool and i32, unless one is asked for."""
    return cast(x, dtype_name(dtype) if dtype else "i64" if x.dtype in ("bool", "i32") else x.dtype)


def _weighted(x: Var, where: Operand | None, otherwise: Any) -> Var:
    """x, with a number in the place of the elements that `where` leaves out."""
    if where is None:
        return x
    return ops.select(broadcast_to(truth(where), x.shape), x, x.like(otherwise))


def _count(x: Var, axes: tuple[int, ...], where: Operand | None = None) -> Var:
    """Of how many elements each result is made, in the dtype of x."""
    if where is None:
        count = x.builder.full(x.type.with_shape(()), float(math.prod(x.shape[k] for k in axes)))
        return broadcast_to(count, tuple(n for k, n in enumerate(x.shape) if k not in axes))
    inside = broadcast_to(truth(where), x.shape)
    return ops.reduce_sum(cast(inside, x.dtype), axes=axes)


def _begun(result: Var, initial: Operand | None, combine: Primitive) -> Var:
    """A result with the number that the reduction begins with."""
    if initial is None:
        return result
    return combine(broadcast_to(as_var(initial, result.dtype), result.shape), result)


@traced(np.sum)
def sum_(
    a: Operand,
    initial: Operand | None = None,
    where: Operand | None = None,
    *,
    axis: Axes = None,
    dtype: str | None = None,
    keepdims: bool = False,
) -> Var:
    x = summable(as_var(a), dtype)
    axes = folded_axes(axis, len(x.shape))
    total = ops.reduce_sum(_weighted(x, where, 0), axes=axes)
    return _kept(_begun(total, initial, ops.add), axes, x, keepdims)


@traced(np.prod)
def prod(
    a: Operand,
    initial: Operand | None = None,
    where: Operand | None = None,
    *,
    axis: Axes = None,
    dtype: str | None = None,
    keepdims: bool = False,
) -> Var:
    x = summable(as_var(a), dtype)
    axes = folded_axes(axis, len(x.shape))
    product = ops.reduce_prod(_weighted(x, where, 1), axes=axes)
    return _kept(_begun(product, initial, ops.mul), axes, x, keepdims)


def floating(a: Operand, dtype: str | None) -> Var:
    return as_var(a, dtype_name(dtype) if dtype else float_dtype(a))


@traced(np.mean)
def mean(
    a: Operand,
    where: Operand | None = None,
    *,
    axis: Axes = None,
    dtype: str | None = None,
    keepdims: bool = False,
) -> Var:
    x = floating(a, dtype)
    axes = normal_axes(axis, len(x.shape))
    return _kept(_mean(x, axes, where), axes, x, keepdims)


def _mean(x: Var, axes: tuple[int, ...], where: Operand | None) -> Var:
    return ops.reduce_sum(_weighted(x, where, 0), axes=axes) / _count(x, axes, where)


@traced(np.var)
def var(
    a: Operand,
    where: Operand | None = None,
    mean: Operand | None = None,
    *,
    axis: Axes = None,
    dtype: str | None = None,
    ddof: float = 0,
    correction: float = 0,
    keepdims: bool = False,
) -> Var:
    """The mean square distance from the mean, over n - ddof: two passes, as in NumPy."""
    x = floating(a, dtype)
    axes = normal_axes(axis, len(x.shape))
    if mean is None:
        middle = _spread(_mean(x, axes, where), x, axes)
    else:
        middle = broadcast_to(as_var(mean, x.dtype), x.shape)
    squares = square_magnitude(_weighted(x - middle, where, 0))
    degrees = _degrees(_count(squares, axes, where), ddof or correction)
    return _kept(ops.reduce_sum(squares, axes=axes) / degrees, axes, x, keepdims)


def _degrees(count: Var, ddof: float) -> Var:
    """The divisor of a variance, which is not below zero."""
    if not ddof:
        return count
    left = count - float(ddof)
    return ops.select(ops.lt(left, left.like(0)), left.like(0), left)


@traced(np.std)
def std(
    a: Operand,
    where: Operand | None = None,
    mean: Operand | None = None,
    *,
    axis: Axes = None,
    dtype: str | None = None,
    ddof: float = 0,
    correction: float = 0,
    keepdims: bool = False,
) -> Var:
    """At zero spread the derivative is zero, as that of a norm."""
    how = {"axis": axis, "dtype": dtype, "ddof": ddof, "correction": correction, "keepdims": keepdims}
    return safe_sqrt(var.op.lower(a, where, mean, **how))


def _spread(y: Var, x: Var, axes: tuple[int, ...]) -> Var:
    """A reduction's result repeated along the reduced axes of x."""
    return ops.broadcast(y, shape=x.shape, dims=tuple(k for k in range(len(x.shape)) if k not in axes))


def _extreme(
    primitives: tuple[Primitive, Primitive],
    x: Var,
    axis: Axes,
    keepdims: bool,
    initial: Operand | None,
    where: Operand | None,
) -> Var:
    """The largest or the smallest element, and of two; `initial` is what there is where nothing else is."""
    reduce, combine = primitives
    if x.is_complex:
        raise DtypeError(f"{x.type} has no order; take x.real, x.imag or abs(x)")
    axes = folded_axes(axis, len(x.shape))
    if where is not None and initial is None:
        raise ShapeError("a largest or smallest element with `where` needs `initial`")
    if all(x.shape[k] for k in axes):
        worst = _worst(x.dtype, reduce is ops.reduce_max)
        found = _begun(reduce(_weighted(x, where, worst), axes=axes), initial, combine)
    elif initial is None:
        raise ShapeError(f"no elements along axis {axis}: shape {x.shape} has no largest or smallest there")
    else:
        found = broadcast_to(
            as_var(initial, x.dtype), tuple(n for k, n in enumerate(x.shape) if k not in axes)
        )
    return _kept(found, axes, x, keepdims)


def _worst(dtype: str, of_maximum: bool) -> Any:
    """What no element loses against."""
    if dtype in FLOATS:
        return -math.inf if of_maximum else math.inf
    if dtype == "bool":
        return not of_maximum
    limits = np.iinfo(NUMPY_NAME[dtype])
    return int(limits.min if of_maximum else limits.max)


_MAX = ops.reduce_max, ops.maximum
_MIN = ops.reduce_min, ops.minimum


@traced(np.max, np.amax)
def max_(
    a: Operand,
    initial: Operand | None = None,
    where: Operand | None = None,
    *,
    axis: Axes = None,
    keepdims: bool = False,
) -> Var:
    """Ties share the adjoint evenly."""
    return _ordered(_MAX, a, axis, keepdims, initial, where)


@traced(np.min, np.amin)
def min_(
    a: Operand,
    initial: Operand | None = None,
    where: Operand | None = None,
    *,
    axis: Axes = None,
    keepdims: bool = False,
) -> Var:
    """Ties share the adjoint evenly."""
    return _ordered(_MIN, a, axis, keepdims, initial, where)


def _ordered(primitives: tuple[Primitive, Primitive], a: Operand, *how: Any) -> Var:
    """Truth values are ordered as 0 and 1."""
    x = as_var(a)
    if x.dtype != "bool":
        return _extreme(primitives, x, *how)
    found = _extreme(primitives, cast(x, "i32"), *how)
    return ops.ne(found, found.like(0))


@traced(np.ptp)
def ptp(a: Var, *, axis: Axes = None, keepdims: bool = False) -> Var:
    return max_.op.lower(a, axis=axis, keepdims=keepdims) - min_.op.lower(a, axis=axis, keepdims=keepdims)


@traced(np.any)
def any_(a: Operand, where: Operand | None = None, *, axis: Axes = None, keepdims: bool = False) -> Var:
    x = truth(a)
    axes = folded_axes(axis, len(x.shape))
    return _kept(ops.reduce_any(_weighted(x, where, False), axes=axes), axes, x, keepdims)


@traced(np.all)
def all_(a: Operand, where: Operand | None = None, *, axis: Axes = None, keepdims: bool = False) -> Var:
    x = truth(a)
    axes = folded_axes(axis, len(x.shape))
    return _kept(ops.reduce_all(_weighted(x, where, True), axes=axes), axes, x, keepdims)


@traced(np.count_nonzero)
def count_nonzero(a: Operand, *, axis: Axes = None, keepdims: bool = False) -> Var:
    x = truth(a)
    axes = folded_axes(axis, len(x.shape))
    return _kept(ops.reduce_sum(cast(x, "i64"), axes=axes), axes, x, keepdims)


def _position(primitive: Any, x: Var, axis: int | None, keepdims: bool) -> Var:
    kept = folded_axes(axis, len(x.shape))
    in_a_row = axis is None or not x.shape
    flat, axes = (ops.reshape(x, shape=(x.type.size,)), (0,)) if in_a_row else (x, kept)
    if not all(flat.shape[k] for k in axes):
        raise ShapeError(f"no elements along axis {axis}: shape {x.shape} has no largest or smallest there")
    if flat.dtype == "bool":
        flat = cast(flat, "i32")
    return _kept(primitive(flat, axes=axes), kept, x, keepdims)


@traced(np.argmax)
def argmax(a: Var, *, axis: int | None = None, keepdims: bool = False) -> Var:
    return _position(ops.argmax, a, axis, keepdims)


@traced(np.argmin)
def argmin(a: Var, *, axis: int | None = None, keepdims: bool = False) -> Var:
    return _position(ops.argmin, a, axis, keepdims)


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
