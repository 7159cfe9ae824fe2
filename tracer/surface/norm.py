"""Norms of vectors and of matrices, of every order that NumPy has. At zero their derivative is zero."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tapejit.ir import ops
from tapejit.ir.builder import Var
from tapejit.tracer.errors import ShapeError
from tapejit.tracer.operation import Operand, as_var, cast, float_dtype
from tapejit.tracer.surface.complex_number import magnitude, square_magnitude
from tapejit.tracer.surface.elementwise import truth
from tapejit.tracer.surface.function import traced
from tapejit.tracer.surface.linalg import svdvals
from tapejit.tracer.surface.reduction import safe_sqrt
from tapejit.tracer.surface.shape import Axes, normal_axes, normal_axis

Order = int | float | str | None


@traced(np.linalg.norm, name="norm")
def norm(x: Operand, *, ord: Order = None, axis: Axes = None, keepdims: bool = False) -> Var:
    """A norm of vectors along one axis, of matrices along two; of all elements without `ord` and `axis`."""
    value = as_var(x, float_dtype(x))
    rank = len(value.shape)
    if axis is None and ord is None:
        found = safe_sqrt(ops.reduce_sum(square_magnitude(value), axes=tuple(range(rank))))
        return ops.reshape(found, shape=(1,) * rank) if keepdims else found
    if axis is None:
        axis = tuple(range(rank))
    axes = tuple(normal_axis(k, rank) for k in (axis if isinstance(axis, tuple) else (axis,)))
    if len(axes) not in (1, 2) or len(set(axes)) != len(axes):
        raise ShapeError(
            f"a norm of order {ord!r} is of one axis or of two, got {axis} of shape {value.shape}"
        )
    found = _vector(value, ord, axes) if len(axes) == 1 else _matrix(value, ord, axes)
    return _kept(found, axes, value, keepdims)


def _kept(found: Var, axes: tuple[int, ...], x: Var, keepdims: bool) -> Var:
    if not keepdims:
        return found
    return ops.reshape(found, shape=tuple(1 if k in axes else n for k, n in enumerate(x.shape)))


@traced(np.linalg.vector_norm)
def vector_norm(x: Operand, *, axis: Axes = None, keepdims: bool = False, ord: Order = 2) -> Var:
    """A norm of vectors along `axis`; several axes, or all without any, count as one."""
    value = as_var(x, float_dtype(x))
    axes = normal_axes(axis, len(value.shape))
    return _kept(_vector(value, ord, axes), axes, value, keepdims)


@traced(np.linalg.matrix_norm)
def matrix_norm(x: Operand, *, keepdims: bool = False, ord: Order = "fro") -> Var:
    """A norm of the matrices in the last two dimensions."""
    return norm.op.lower(x, ord=ord, axis=(-2, -1), keepdims=keepdims)


# -- Vectors ---------------------------------------------------------------------------------------------


def _vector(x: Var, ord: Order, axes: tuple[int, ...]) -> Var:
    if isinstance(ord, str):
        raise ShapeError(f"a vector has no norm of order {ord!r}; orders are numbers")
    if ord is None or ord == 2:
        return safe_sqrt(ops.reduce_sum(square_magnitude(x), axes=axes))
    if ord == 0:
        return ops.reduce_sum(cast(truth(x), magnitude(x).dtype), axes=axes)
    simple = {1: ops.reduce_sum, math.inf: ops.reduce_max, -math.inf: ops.reduce_min}
    if ord in simple:
        return simple[ord](magnitude(x), axes=axes)
    return _power_mean(magnitude(x), float(ord), axes)


def _power_mean(size: Var, p: float, axes: tuple[int, ...]) -> Var:
    """The sum of p-th powers to the power 1 / p, with derivative zero at zero."""
    total = ops.reduce_sum(ops.pow_(size, size.like(p)), axes=axes)
    zero = ops.eq(total, total.like(0.0))
    inside = ops.select(zero, total.like(1.0), total)
    return ops.select(zero, ops.pow_(ops.stop_gradient(total), total.like(1.0 / p)), _root(inside, p))


def _root(total: Var, p: float) -> Var:
    return ops.pow_(total, total.like(1.0 / p))


# -- Matrices --------------------------------------------------------------------------------------------


def _matrix(x: Var, ord: Order, axes: tuple[int, ...]) -> Var:
    rows, columns = axes
    sums: dict[Any, Callable[[], Var]] = {
        None: lambda: safe_sqrt(ops.reduce_sum(square_magnitude(x), axes=axes)),
        "fro": lambda: safe_sqrt(ops.reduce_sum(square_magnitude(x), axes=axes)),
        1: lambda: _extreme_sum(ops.reduce_max, x, rows, columns),
        -1: lambda: _extreme_sum(ops.reduce_min, x, rows, columns),
        math.inf: lambda: _extreme_sum(ops.reduce_max, x, columns, rows),
        -math.inf: lambda: _extreme_sum(ops.reduce_min, x, columns, rows),
        2: lambda: _singular(ops.reduce_max, x, axes),
        -2: lambda: _singular(ops.reduce_min, x, axes),
        "nuc": lambda: _singular(ops.reduce_sum, x, axes),
    }
    if ord not in sums:
        raise ShapeError(f"a matrix has no norm of order {ord!r}; it has {', '.join(map(repr, sums))}")
    return sums[ord]()


def _extreme_sum(extreme: Any, x: Var, summed: int, other: int) -> Var:
    total = ops.reduce_sum(magnitude(x), axes=(summed,))
    return extreme(total, axes=(other - (other > summed),))


def _singular(combine: Any, x: Var, axes: tuple[int, ...]) -> Var:
    rest = tuple(k for k in range(len(x.shape)) if k not in axes)
    values = svdvals.op.lower(ops.transpose(x, perm=(*rest, *axes)))
    found = combine(values, axes=(len(rest),))
    return ops.select(ops.eq(found, found.like(0.0)), found.like(0.0), found)
