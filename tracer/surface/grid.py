"""Arrays made of a few numbers: ranges, grids, and matrices with a pattern."""

from __future__ import annotations

from typing import Any

import numpy as np

from tapejit.ir import ops
from tapejit.ir.builder import Var
from tapejit.ir.scan import linear_scan
from tapejit.tracer.errors import ShapeError
from tapejit.tracer.handle import Handle
from tapejit.tracer.operation import Operand, aligned, float_dtype
from tapejit.tracer.operation import broadcast_to as broadcast_var
from tapejit.tracer.surface.composed import array, composed
from tapejit.tracer.surface.function import traced


@traced(name="linspace", numpy=np.linspace)
def _linspace(start: Operand, stop: Operand, *, num: int = 50, endpoint: bool = True) -> Var:
    """Both ends are traced; the numbers are in front."""
    low, high = aligned(start, stop, dtype=float_dtype(start, stop))
    shape = (num, *low.shape)
    begin, end = (broadcast_var(x, shape) for x in (low, high))
    steps = num - 1 if endpoint else num
    place = ops.iota(builder=low.builder, dtype=low.dtype, shape=shape, axis=0)
    found = place * ((end - begin) / float(max(steps, 1))) + begin
    if not endpoint or num < 2:
        return found
    return ops.select(ops.eq(place, place.like(float(num - 1))), end, found)


@composed(np.linspace)
def linspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: Any = None,
    axis: int = 0,
    *,
    device: Any = None,
) -> Any:
    if num < 0:
        raise ValueError(f"Number of samples, {num}, must be non-negative.")
    found = np.moveaxis(_linspace(start, stop, num=num, endpoint=endpoint), 0, axis)
    steps = num - 1 if endpoint else num
    if dtype is not None:
        whole = np.floor(found) if np.issubdtype(dtype, np.integer) else found
        found = whole.astype(dtype)
    if not retstep:
        return found
    return found, (stop - start) / steps if steps > 0 else np.nan * (stop - start)


@composed(np.logspace)
def logspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    base: Any = 10.0,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    powers = np.linspace(start, stop, num, endpoint, axis=axis)
    if isinstance(base, Handle) or np.ndim(base):
        base = np.expand_dims(base, axis)
    found = np.power(base, powers)
    return found if dtype is None else found.astype(dtype)


@composed(np.geomspace)
def geomspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, dtype: Any = None, axis: int = 0
) -> Any:
    """Python looks at the signs; the ends are as given."""
    if np.any(np.equal(start, 0)) or np.any(np.equal(stop, 0)):
        raise ValueError("Geometric sequence cannot include zero")
    wide = np.result_type(start, stop, np.float64 if dtype is None else dtype)
    start, stop = (array(x).astype(wide) for x in (start, stop))
    sign = np.sign(start)
    first, last = start * sign, stop * sign
    found = np.power(10.0, _linspace(np.log10(first), np.log10(last), num=num, endpoint=endpoint))
    place = np.arange(num).reshape((num, *(1,) * (len(found.shape) - 1)))
    found = np.where(place == 0, first, found) if num else found
    found = np.where(place == num - 1, last, found) if endpoint and num > 1 else found
    found = np.moveaxis(found * sign, 0, axis)
    return found if dtype is None else found.astype(dtype)


@composed(np.meshgrid)
def meshgrid(*xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> tuple[Any, ...]:
    if indexing not in ("xy", "ij"):
        raise ValueError("Valid values for `indexing` are 'xy' and 'ij'.")
    rank = len(xi)
    order = [1, 0, *range(2, rank)] if indexing == "xy" and rank > 1 else list(range(rank))
    rows = [np.reshape(x, (*(1,) * order[k], -1, *(1,) * (rank - 1 - order[k]))) for k, x in enumerate(xi)]
    return tuple(rows) if sparse else tuple(np.broadcast_arrays(*rows))


@composed(np.ix_)
def ix_(*args: Any) -> tuple[Any, ...]:
    rank = len(args)
    found = []
    for k, x in enumerate(args):
        row = array(x)
        if len(row.shape) != 1:
            raise ValueError("Cross index must be 1 dimensional")
        row = np.flatnonzero(row) if row.dtype == bool else row
        found.append(np.reshape(row, (*(1,) * k, -1, *(1,) * (rank - 1 - k))))
    return tuple(found)


@traced(name="vander", numpy=lambda x, *, count, increasing: np.vander(x, count, increasing))
def _vander(x: Var, *, count: int, increasing: bool) -> Var:
    """Running products of ones and x's: no power is taken, so zero is no special case."""
    if len(x.shape) != 1:
        raise ShapeError(f"vander needs an array of one dimension, got shape {x.shape}")
    table = ops.broadcast(x, shape=(*x.shape, count), dims=(0,))
    place = ops.iota(builder=x.builder, dtype="i64", shape=table.shape, axis=1)
    first = ops.select(ops.eq(place, place.like(0)), table.like(1), table.like(0))
    powers = linear_scan(table, first, axis=1)
    return powers if increasing else ops.reverse(powers, axes=(1,))


@composed(np.vander)
def vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:
    whole = x.astype(np.promote_types(x.dtype, int))
    return _vander(whole, count=x.shape[0] if N is None else int(N), increasing=increasing)


@composed(np.diagflat)
def diagflat(v: Any, k: int = 0) -> Any:
    return np.diag(np.ravel(v), k)
