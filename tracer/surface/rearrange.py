"""Turning, rolling and widening arrays, and what else NumPy makes of an array's shape or dtype."""

from __future__ import annotations

from typing import Any

import numpy as np

from tapejit.ir import ops
from tapejit.ir.builder import Var
from tapejit.ir.types import dtype_name
from tapejit.tracer.errors import DtypeError, ShapeError
from tapejit.tracer.handle import Handle
from tapejit.tracer.operation import WEAK_DTYPE, Operand, as_var
from tapejit.tracer.operation import broadcast_to as broadcast_var
from tapejit.tracer.surface import elementwise
from tapejit.tracer.surface.composed import array, composed
from tapejit.tracer.surface.function import traced
from tapejit.tracer.surface.shape import normal_axis, part


def _needs(rank: int, x: Var) -> None:
    if len(x.shape) < rank:
        raise ShapeError(f"an array of at least {rank} dimensions is needed, got shape {x.shape}")


@traced(np.fliplr, view=True)
def fliplr(m: Var) -> Var:
    _needs(2, m)
    return ops.reverse(m, axes=(1,))


@traced(np.flipud, view=True)
def flipud(m: Var) -> Var:
    _needs(1, m)
    return ops.reverse(m, axes=(0,))


@traced(np.rot90, view=True)
def rot90(m: Var, *, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Var:
    rank = len(m.shape)
    first, second = (normal_axis(a, rank) for a in axes)
    if first == second:
        raise ShapeError(f"axes must be different, got {axes}")
    if k % 4 == 2:
        return ops.reverse(m, axes=tuple(sorted((first, second))))
    perm = list(range(rank))
    perm[first], perm[second] = second, first
    turned = ops.transpose(ops.reverse(m, axes=(second,)) if k % 4 == 1 else m, perm=tuple(perm))
    return m if k % 4 == 0 else turned if k % 4 == 1 else ops.reverse(turned, axes=(second,))


@traced(np.rollaxis, view=True)
def rollaxis(a: Var, *, axis: int, start: int = 0) -> Var:
    rank = len(a.shape)
    at = normal_axis(axis, rank)
    before = start + rank if start < 0 else start
    if not 0 <= before <= rank:
        raise ShapeError(f"start {start} does not fit {rank} dimensions")
    perm = [k for k in range(rank) if k != at]
    perm.insert(before - (at < before), at)
    return ops.transpose(a, perm=tuple(perm))


@traced(np.matrix_transpose, np.linalg.matrix_transpose, view=True)
def matrix_transpose(x: Var) -> Var:
    _needs(2, x)
    rank = len(x.shape)
    return ops.transpose(x, perm=(*range(rank - 2), rank - 1, rank - 2))


@traced(np.roll)
def roll(a: Var, *, shift: int | tuple[int, ...], axis: int | tuple[int, ...] | None = None) -> Var:
    if axis is None:
        flat = ops.reshape(a, shape=(a.type.size,))
        total = sum(shift) if isinstance(shift, tuple) else shift
        return ops.reshape(_rolled(flat, total, 0), shape=a.shape)
    for by, along in np.broadcast(shift, axis):
        a = _rolled(a, int(by), normal_axis(int(along), len(a.shape)))
    return a


def _rolled(x: Var, shift: int, axis: int) -> Var:
    size = x.shape[axis]
    cut = (-shift) % size if size else 0
    return ops.concat(part(x, axis, cut, size), part(x, axis, 0, cut), axis=axis) if cut else x


@composed(np.broadcast_arrays, view=True)
def broadcast_arrays(*args: Any, subok: bool = False) -> tuple[Any, ...]:
    shape = np.broadcast_shapes(*(np.shape(x) for x in args))
    return tuple(np.broadcast_to(x, shape) for x in args)


@composed(np.astype, view=True)
def astype(x: Any, dtype: Any, /, *, copy: bool = True, device: Any = None) -> Any:
    return x.astype(dtype, copy=copy)


# -- Filled with one number ------------------------------------------------------------------------------


@traced(name="full_like", numpy=np.full_like)
def _filled(a: Var, value: Operand, *, dtype: str | None = None, shape: tuple[int, ...] | None = None) -> Var:
    target = a.shape if shape is None else shape
    return broadcast_var(as_var(value, dtype_name(dtype) if dtype else a.dtype), target)


def _like(function: Any, value: int) -> Any:
    """`zeros_like` and kin."""

    @composed(function)
    def like(
        a: Any,
        dtype: Any = None,
        order: str = "K",
        subok: bool = True,
        shape: Any = None,
        *,
        device: Any = None,
    ) -> Any:
        return _filled(a, value, dtype=dtype, shape=_shape(shape))

    return like


def _shape(shape: Any) -> tuple[int, ...] | None:
    return None if shape is None else (int(shape),) if np.ndim(shape) == 0 else tuple(map(int, shape))


zeros_like, ones_like, empty_like = (
    _like(f, value) for f, value in ((np.zeros_like, 0), (np.ones_like, 1), (np.empty_like, 0))
)


@composed(np.full_like)
def full_like(
    a: Any,
    fill_value: Any,
    dtype: Any = None,
    order: str = "K",
    subok: bool = True,
    shape: Any = None,
    *,
    device: Any = None,
) -> Any:
    if not isinstance(a, Handle):
        a = np.zeros(np.shape(a), np.asarray(a).dtype)
    return _filled(a, fill_value, dtype=dtype, shape=_shape(shape))


# -- Comparison within a tolerance -----------------------------------------------------------------------


@composed(np.isclose)
def isclose(a: Any, b: Any, rtol: Any = 1e-05, atol: Any = 1e-08, equal_nan: bool = False) -> Any:
    b = (b if type(b) in WEAK_DTYPE else array(b)) * 1.0  # integers are floats, as in NumPy
    near = (np.abs(a - b) <= atol + rtol * np.abs(b)) & np.isfinite(b) | np.equal(a, b)
    return near | (np.isnan(a) & np.isnan(b)) if equal_nan else near


@composed(np.isposinf)
def isposinf(x: Any, out: None = None) -> Any:
    return np.equal(_ordered(x), np.inf)


@composed(np.isneginf)
def isneginf(x: Any, out: None = None) -> Any:
    return np.equal(_ordered(x), -np.inf)


def _ordered(x: Any) -> Any:
    """x, unless it is complex."""
    if x.dtype.kind == "c":
        raise DtypeError(f"{x.dtype} has no sign; take x.real, x.imag or abs(x)")
    return x


@composed(np.copy)
def copy(a: Any, order: str = "K", subok: bool = False) -> Any:
    return elementwise.copy(a)


# -- Rounding --------------------------------------------------------------------------------------------


@composed(np.round, np.around)
def round_(a: Any, decimals: int = 0, out: None = None) -> Any:
    """To so many decimals; halves to the even neighbour."""
    if a.dtype.kind in "iu" and decimals >= 0:
        return elementwise.copy(a)
    scale = 10.0 ** abs(decimals)
    if not decimals:
        return np.rint(a)
    found = np.rint(a * scale) / scale if decimals > 0 else np.rint(a / scale) * scale
    return found.astype(a.dtype)


@composed(np.fix)
def fix(x: Any, out: None = None) -> Any:
    return np.trunc(x)
