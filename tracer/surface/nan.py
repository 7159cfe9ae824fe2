"""Reductions that leave NaN out: `np.nansum` and kin.

A NaN counts as the number that does not matter to the reduction, so nothing flows back to it.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tapejit.ir import ops
from tapejit.ir.builder import Var
from tapejit.tracer.operation import Operand, as_var, broadcast_to, cast
from tapejit.tracer.surface import order, reduction
from tapejit.tracer.surface.composed import composed
from tapejit.tracer.surface.elementwise import truth
from tapejit.tracer.surface.function import Function, traced
from tapejit.tracer.surface.reduction import safe_sqrt
from tapejit.tracer.surface.shape import Axes, normal_axes


def _is_number(x: Var, where: Operand | None = None) -> Var:
    """Which elements are left."""
    number = ops.eq(x, x)
    return number if where is None else ops.logical_and(number, broadcast_to(truth(where), x.shape))


def _without(x: Var, number: Any, where: Operand | None = None) -> Var:
    return ops.select(_is_number(x, where), x, x.like(number))


@traced(np.nansum)
def nansum(
    a: Operand,
    initial: Operand | None = None,
    where: Operand | None = None,
    *,
    axis: Axes = None,
    dtype: str | None = None,
    keepdims: bool = False,
) -> Var:
    x = _without(as_var(a), 0, where)
    return reduction.sum_.op.lower(x, initial, axis=axis, dtype=dtype, keepdims=keepdims)


@traced(np.nanprod)
def nanprod(
    a: Operand,
    initial: Operand | None = None,
    where: Operand | None = None,
    *,
    axis: Axes = None,
    dtype: str | None = None,
    keepdims: bool = False,
) -> Var:
    x = _without(as_var(a), 1, where)
    return reduction.prod.op.lower(x, initial, axis=axis, dtype=dtype, keepdims=keepdims)


@traced(np.nanmean)
def nanmean(
    a: Operand,
    where: Operand | None = None,
    *,
    axis: Axes = None,
    dtype: str | None = None,
    keepdims: bool = False,
) -> Var:
    x = reduction.floating(a, dtype)
    return reduction.mean.op.lower(x, _is_number(x, where), axis=axis, keepdims=keepdims)


@traced(np.nanvar)
def nanvar(
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
    """NaN where no more than `ddof` elements are left."""
    x = reduction.floating(a, dtype)
    number = _is_number(x, where)
    less = ddof or correction
    found = reduction.var.op.lower(x, number, mean, axis=axis, ddof=less, keepdims=keepdims)
    count = reduction.sum_.op.lower(cast(number, x.dtype), axis=axis, keepdims=keepdims)
    return ops.select(ops.gt(count, count.like(float(less))), found, found.like(math.nan))


@traced(np.nanstd)
def nanstd(
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
    return safe_sqrt(nanvar.op.lower(a, where, mean, **how))


def _extreme(
    function: Function, a: Operand, worst: float, initial: Any, where: Any, axis: Axes, keepdims: bool
) -> Var:
    """NaN only where there is nothing else."""
    x = as_var(a)
    if not x.type.is_float:
        return function.op.lower(x, initial, where, axis=axis, keepdims=keepdims)
    found = function.op.lower(_without(x, worst), initial, where, axis=axis, keepdims=keepdims)
    empty = reduction.all_.op.lower(ops.ne(x, x), axis=axis, keepdims=keepdims)
    if initial is not None or any(x.shape[k] == 0 for k in normal_axes(axis, len(x.shape))):
        return found
    return ops.select(empty, found.like(math.nan), found)


@traced(np.nanmax)
def nanmax(
    a: Operand,
    initial: Operand | None = None,
    where: Operand | None = None,
    *,
    axis: Axes = None,
    keepdims: bool = False,
) -> Var:
    """Ties share the adjoint evenly."""
    return _extreme(reduction.max_, a, -math.inf, initial, where, axis, keepdims)


@traced(np.nanmin)
def nanmin(
    a: Operand,
    initial: Operand | None = None,
    where: Operand | None = None,
    *,
    axis: Axes = None,
    keepdims: bool = False,
) -> Var:
    """Ties share the adjoint evenly."""
    return _extreme(reduction.min_, a, math.inf, initial, where, axis, keepdims)


@traced(np.nancumsum)
def nancumsum(a: Operand, *, axis: int | None = None, dtype: str | None = None) -> Var:
    return order.cumsum.op.lower(_without(as_var(a), 0), axis=axis, dtype=dtype)


@traced(np.nancumprod)
def nancumprod(a: Operand, *, axis: int | None = None, dtype: str | None = None) -> Var:
    return order.cumprod.op.lower(_without(as_var(a), 1), axis=axis, dtype=dtype)


def _position(a: Any, worst: float, find: Function, axis: int | None, keepdims: Any) -> Any:
    lost = np.isnan(a)
    if np.any(np.all(lost, axis=axis)):
        raise ValueError("All-NaN slice encountered")
    return find(np.where(lost, worst, a), axis=axis, keepdims=keepdims is True)


@composed(np.nanargmax)
def nanargmax(a: Any, axis: int | None = None, out: None = None, *, keepdims: Any = False) -> Any:
    return _position(a, -math.inf, reduction.argmax, axis, keepdims)


@composed(np.nanargmin)
def nanargmin(a: Any, axis: int | None = None, out: None = None, *, keepdims: Any = False) -> Any:
    return _position(a, math.inf, reduction.argmin, axis, keepdims)
