"""Weighted means, covariances, counts and histograms."""

from __future__ import annotations

from typing import Any

import numpy as np

from tapejit.ir import ops
from tapejit.ir.builder import Var
from tapejit.ir.gather import scatter_add
from tapejit.tracer.errors import ShapeError
from tapejit.tracer.handle import Handle
from tapejit.tracer.operation import Operand, as_var, cast
from tapejit.tracer.surface.composed import array, composed, seen
from tapejit.tracer.surface.function import traced
from tapejit.tracer.surface.reduction import mean, sum_
from tapejit.tracer.surface.shape import normal_axes


@composed(np.average)
def average(
    a: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: Any = False
) -> Any:
    """A mean, or one with weights of the shape of `a` or of its dimensions `axis`."""
    keep = keepdims is True
    if weights is None:
        found = mean(a, axis=axis, keepdims=keep)
        total = np.full(found.shape, float(a.size / max(found.size, 1)), found.dtype)
    else:
        weights = fitting(weights, a, axis)
        total = np.sum(weights, axis=axis, keepdims=keep).astype(np.result_type(a.dtype, weights.dtype, 1.0))
        found = sum_(a * weights, axis=axis, keepdims=keep) / total
    return (found, np.broadcast_to(total, found.shape)) if returned else found


def fitting(weights: Any, a: Any, axis: Any) -> Any:
    """Weights for every element of `a`."""
    given = array(weights)
    if given.shape == a.shape:
        return given
    axes = () if axis is None else normal_axes(axis if isinstance(axis, tuple) else (axis,), len(a.shape))
    if not axes or given.shape != tuple(a.shape[k] for k in axes):
        raise ShapeError(f"weights of shape {given.shape} do not fit {a.shape}, axis {axis}")
    apart = np.expand_dims(given, tuple(k for k in range(len(a.shape)) if k not in axes))
    return np.broadcast_to(apart, a.shape)


# -- Covariance ------------------------------------------------------------------------------------------


@composed(np.cov)
def cov(
    m: Any,
    y: Any = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: int | None = None,
    fweights: Any = None,
    aweights: Any = None,
    *,
    dtype: Any = None,
) -> Any:
    less = (0 if bias else 1) if ddof is None else ddof
    rows = _variables(m, rowvar)
    if y is not None:
        rows = np.concatenate([rows, _variables(y, rowvar)], axis=0)
    rows = rows.astype(dtype or np.result_type(rows.dtype, np.float64))
    weights = _product(fweights, aweights)
    if weights is None:
        middle, degrees = np.mean(rows, axis=1), float(rows.shape[1] - less)
    else:
        total = np.sum(weights)
        middle = np.average(rows, axis=1, weights=weights)
        squares = np.sum(weights * (1 if aweights is None else aweights))
        degrees = total - less * (total if aweights is None else squares) / total if less else total
        degrees = total - less if aweights is None else degrees
    apart = rows - middle[:, None]
    found = apart @ np.conj(apart if weights is None else apart * weights).T
    return np.squeeze(found / degrees)


def _variables(x: Any, rowvar: bool) -> Any:
    """One variable a row."""
    if len(np.shape(x)) > 2:
        raise ValueError("m has more than 2 dimensions")
    rows = np.atleast_2d(x)
    return rows if rowvar or (len(np.shape(x)) < 2) else rows.T


def _product(fweights: Any, aweights: Any) -> Any:
    if fweights is None or aweights is None:
        return fweights if aweights is None else aweights
    return fweights * aweights


@composed(np.corrcoef)
def corrcoef(x: Any, y: Any = None, rowvar: bool = True, *, dtype: Any = None) -> Any:
    c = cov(x, y, rowvar, dtype=dtype)
    if not c.shape:
        return c / c
    spread = np.sqrt(np.diagonal(c))
    return np.clip(c / spread[:, None] / spread[None, :], -1, 1)


# -- Counts ----------------------------------------------------------------------------------------------


@traced(name="bincount", numpy=lambda x, weights, *, size: np.bincount(x, weights, minlength=size))
def _weights_at(x: Var, weights: Operand, *, size: int) -> Var:
    given = as_var(weights, "f64")
    return scatter_add(given, ops.cast(x, dtype="i64"), axis=0, size=size)


@composed(np.bincount)
def bincount(x: Any, /, weights: Any = None, minlength: int = 0) -> Any:
    """Python looks at `x`: how many counts there are is decided by its largest element."""
    found = np.bincount(seen(x), minlength=minlength)
    if weights is None:
        return type(x).wrap(found) if isinstance(x, Handle) else found
    if np.shape(weights) != np.shape(x):
        raise ValueError("The weights and list don't have the same length.")
    index = array(x)
    return _weights_at(index, weights, size=len(found))


@composed(np.histogram_bin_edges)
def histogram_bin_edges(a: Any, bins: Any = 10, range: Any = None, weights: Any = None) -> Any:
    """Edges follow the smallest and the largest element, unless `bins` or `range` says where they are."""
    if np.ndim(bins):
        edges = array(bins)
        if isinstance(edges, np.ndarray) and np.any(edges[:-1] > edges[1:]):
            raise ValueError("`bins` must increase monotonically, when an array")
        return edges
    if isinstance(bins, str):
        bins = len(np.histogram_bin_edges(seen(a), bins, range)) - 1
    if bins < 1:
        raise ValueError("`bins` must be positive, when an integer")
    if range is not None or not a.size:
        return np.histogram_bin_edges(np.zeros(0, a.dtype), bins, range)
    low, high = np.min(a), np.max(a)
    if not np.isfinite(high - low):
        raise ValueError("autodetected range is not finite")
    same = low == high
    return np.linspace(np.where(same, low - 0.5, low * 1.0), np.where(same, high + 0.5, high * 1.0), bins + 1)


@composed(np.histogram)
def histogram(a: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None) -> Any:
    """The counts are constants to the derivative; weights are not, nor are edges that follow the data."""
    edges = histogram_bin_edges(a, bins, range)
    flat, size = np.ravel(a), edges.shape[0] - 1
    given = np.ones(flat.shape, np.int64) if weights is None else np.ravel(weights)
    counts = counted(bin_of(flat, edges), given, size=size)
    if not density:
        return counts, edges
    return counts / np.diff(edges) / np.sum(counts), edges


def bin_of(x: Any, edges: Any) -> Any:
    """The bins that elements fall into, outside 0 to n - 1 for those in none; the last holds its end."""
    return np.where(x == edges[-1], edges.shape[0] - 2, np.searchsorted(edges, x, "right") - 1)


@traced(name="histogram", numpy=lambda index, weights, *, size: _counted_now(index, weights, size))
def counted(index: Var, weights: Operand, *, size: int) -> Var:
    """The sums by bins, in double precision; of the dtype of the weights."""
    given = as_var(weights)
    wide = cast(given, "f64") if given.dtype == "f32" else given
    return cast(scatter_add(wide, index, axis=0, size=size), given.dtype)


def _counted_now(index: np.ndarray, weights: np.ndarray, size: int) -> np.ndarray:
    inside = (index >= 0) & (index < size)
    total = np.zeros(size, weights.dtype)
    np.add.at(total, index[inside], weights[inside])
    return total
