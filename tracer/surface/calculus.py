"""Differences, derivatives and integrals of sampled functions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tapejit.ir import ops
from tapejit.ir.builder import Var
from tapejit.tracer.errors import ShapeError
from tapejit.tracer.handle import Handle
from tapejit.tracer.operation import Operand, as_var, float_dtype
from tapejit.tracer.surface.composed import array, composed
from tapejit.tracer.surface.function import traced
from tapejit.tracer.surface.shape import diff as plain_diff
from tapejit.tracer.surface.shape import normal_axis, part

# -- Differences -----------------------------------------------------------------------------------------


@composed(np.diff)
def diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = np._NoValue, append: Any = np._NoValue) -> Any:
    if n < 0:
        raise ValueError(f"order must be non-negative but got {n}")
    at = normal_axis(axis, len(a.shape))
    pieces = [_end(prepend, a, at), a, _end(append, a, at)]
    given = [x for x in pieces if x is not None]
    whole = np.concatenate(given, axis=at) if len(given) > 1 and n else a
    return plain_diff(whole, n=n, axis=at)


def _end(x: Any, a: Any, axis: int) -> Any:
    """What is put before or after: a number stands for a layer of it."""
    if x is np._NoValue:
        return None
    end = array(x)
    return end if end.shape else np.broadcast_to(end, (*a.shape[:axis], 1, *a.shape[axis + 1 :]))


@composed(np.ediff1d)
def ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    steps = np.diff(np.ravel(ary))
    ends = [None if x is None else np.ravel(x) for x in (to_begin, to_end)]
    pieces = [x for x in (ends[0], steps, ends[1]) if x is not None]
    return steps if len(pieces) == 1 else np.concatenate(pieces).astype(ary.dtype)


@composed(np.unwrap)
def unwrap(p: Any, discont: float | None = None, axis: int = -1, *, period: float = 2 * math.pi) -> Any:
    """What is added to an element is a multiple of the period: a constant to the derivative."""
    at = normal_axis(axis, len(p.shape))
    steps = np.diff(p, axis=at)
    jump = period / 2 if discont is None else discont
    low = -(period / 2)
    inside = np.mod(steps - low, period) + low
    inside = np.where((inside == low) & (steps > 0), period / 2, inside)
    repair = np.where(np.abs(steps) < jump, 0.0, inside - steps)
    begin, rest = (slice(None),) * at + (slice(0, 1),), (slice(None),) * at + (slice(1, None),)
    return np.concatenate([p[begin], p[rest] + np.cumsum(repair, axis=at)], axis=at)


# -- Derivatives -----------------------------------------------------------------------------------------


@traced(name="gradient", numpy=np.gradient)
def _gradient(f: Operand, h: Operand, *, axis: int, order: int) -> Var:
    """Second differences inside, first or second ones at the ends; `h`: a step, or those between samples."""
    x = as_var(f, float_dtype(f))
    size = x.shape[axis]
    if size < order + 1:
        raise ShapeError(f"dimension {axis} has {size} elements; gradient needs at least {order + 1}")
    step = as_var(h, x.dtype)
    left, middle, right = (part(x, axis, k, size - 2 + k) for k in range(3))
    if step.shape:
        before, after = (_layers(part(step, 0, k, size - 2 + k), x, axis) for k in (0, 1))
        inside = (
            left * (-after / (before * (before + after)))
            + middle * ((after - before) / (before * after))
            + right * (before / (after * (before + after)))
        )
    else:
        inside = (right - left) / _like(step * 2.0, left)
    ends = [_edge(x, step, axis, order, last) for last in (False, True)]
    return ops.concat(ends[0], inside, ends[1], axis=axis)


def _like(x: Var, like: Var) -> Var:
    return ops.broadcast(x, shape=like.shape, dims=())


def _layers(x: Var, like: Var, axis: int) -> Var:
    """A row of numbers, one for each layer along `axis`."""
    shape = (*like.shape[:axis], x.shape[0], *like.shape[axis + 1 :])
    return ops.broadcast(x, shape=shape, dims=(axis,))


def _edge(x: Var, h: Var, axis: int, order: int, last: bool) -> Var:
    """The derivative at the first or the last sample, from the two or three nearest."""
    size = x.shape[axis]
    y = [_layer(x, axis, size - 1 - k if last else k) for k in range(order + 1)]
    sign = -1.0 if last else 1.0
    steps = [_step(h, y[0], size - 2 - k if last else k) for k in range(order)]
    if order == 1:
        return (y[1] - y[0]) * sign / steps[0]
    first, second = steps
    both = first + second
    a, b, c = -(first + both) / (first * both), both / (first * second), -first / (second * both)
    return (y[0] * a + y[1] * b + y[2] * c) * sign


def _layer(x: Var, axis: int, k: int) -> Var:
    return part(x, axis, k, k + 1)


def _step(h: Var, like: Var, k: int) -> Var:
    found = ops.reshape(part(h, 0, k, k + 1), shape=()) if h.shape else h
    return _like(found, like)


@composed(np.gradient)
def gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    """Spacings may be traced: a number, or the coordinates along an axis."""
    rank = len(f.shape)
    given = range(rank) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    axes = [normal_axis(k, rank) for k in given]
    spacings = list(varargs) or [1.0]
    spacings = spacings * len(axes) if len(spacings) == 1 else spacings
    if len(spacings) != len(axes):
        raise TypeError("invalid number of arguments")
    if edge_order not in (1, 2):
        raise ValueError("'edge_order' greater than 2 not supported")
    found = [
        _gradient(f, _steps(h, f.shape[k]), axis=k, order=edge_order)
        for k, h in zip(axes, spacings, strict=True)
    ]
    return found[0] if len(axes) == 1 else tuple(found)


def _steps(h: Any, size: int) -> Any:
    """The distances between coordinates; one number where all are equal and Python knows it."""
    if np.isscalar(h):
        return h
    where = array(h)
    if not where.shape:
        return where
    if where.shape != (size,):
        raise ValueError(f"coordinates of shape {where.shape} do not fit a dimension of {size}")
    steps = np.diff(where) * 1.0
    even = not isinstance(steps, Handle) and bool((steps == steps[0]).all())
    return float(steps[0]) if even else steps


# -- Integrals -------------------------------------------------------------------------------------------


@composed(np.trapezoid)
def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    y = array(y)
    at = normal_axis(axis, len(y.shape))
    width = dx
    if x is not None:
        where = array(x)
        width = np.diff(where, axis=at if len(where.shape) > 1 else -1)
        if len(where.shape) == 1:
            width = width.reshape((-1, *(1,) * (len(y.shape) - 1 - at)))
    before = (slice(None),) * at
    total = width * (y[(*before, slice(1, None))] + y[(*before, slice(None, -1))]) / 2.0
    return np.sum(total, axis=at)
