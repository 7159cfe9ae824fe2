"""Functions that rearrange elements: reshape, transpose, join, cut, index."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tapejit.ir import ops
from tapejit.ir.builder import Var
from tapejit.ir.types import dtype_name
from tapejit.ir.update import update
from tapejit.tracer.errors import BoundsError, DtypeError, ShapeError, UnsupportedError
from tapejit.tracer.location import user_location
from tapejit.tracer.operation import Operand, aligned, as_var, cast, common_dtype
from tapejit.tracer.operation import broadcast_to as broadcast_var
from tapejit.tracer.surface.function import traced

Axes = int | tuple[int, ...] | None


def normal_axis(axis: int, rank: int) -> int:
    """A possibly negative axis as a dimension number."""
    axis = operator.index(axis)
    if not -rank <= axis < rank:
        raise BoundsError(f"axis {axis} is out of bounds for an array of {rank} dimensions")
    return axis % rank


def normal_axes(axis: Axes, rank: int) -> tuple[int, ...]:
    """NumPy's `axis` argument as a sorted tuple; None means all dimensions."""
    if axis is None:
        return tuple(range(rank))
    axes = tuple(normal_axis(a, rank) for a in (axis if isinstance(axis, tuple) else (axis,)))
    if len(set(axes)) != len(axes):
        raise ShapeError(f"axis {axis} names a dimension twice")
    return tuple(sorted(axes))


def folded_axes(axis: Axes, rank: int) -> tuple[int, ...]:
    """Those that a ufunc's `reduce` takes: of a number it takes axis 0 and -1 as well."""
    return () if rank == 0 and axis in (0, -1) else normal_axes(axis, rank)


@traced(np.reshape, view=True)
def reshape(a: Var, *, shape: int | tuple[int, ...], order: str = "C", copy: bool | None = None) -> Var:
    if _is_fortran(order):
        backwards = shape if isinstance(shape, int) else shape[::-1]
        return _reversed(reshape.op.lower(_reversed(a), shape=backwards))
    target = [shape] if isinstance(shape, int) else list(shape)
    size = math.prod(a.shape)
    if -1 in target:
        known = -math.prod(target)
        if target.count(-1) > 1 or known <= 0 or size % known:
            raise ShapeError(f"cannot reshape {a.shape} ({size} elements) to {tuple(target)}")
        target[target.index(-1)] = size // known
    if math.prod(target) != size:
        raise ShapeError(f"cannot reshape {a.shape} ({size} elements) to {tuple(target)}")
    return ops.reshape(a, shape=tuple(target))


def _reversed(x: Var) -> Var:
    """The dimensions in the opposite order."""
    return ops.transpose(x, perm=tuple(reversed(range(len(x.shape)))))


def _is_fortran(order: str) -> bool:
    """Whether the first dimension runs fastest; the other orders ask for memory, which is not known."""
    if order not in ("C", "F"):
        raise UnsupportedError(f"the order {order!r} is not traced; use 'C' or 'F'")
    return order == "F"


@traced(np.ravel, view=True)
def ravel(a: Var, *, order: str = "C") -> Var:
    a = _reversed(a) if _is_fortran(order) else a
    return ops.reshape(a, shape=(math.prod(a.shape),))


@traced(np.transpose, view=True)
def transpose(a: Var, *, axes: tuple[int, ...] | None = None) -> Var:
    rank = len(a.shape)
    perm = tuple(reversed(range(rank))) if axes is None else tuple(normal_axis(k, rank) for k in axes)
    if sorted(perm) != list(range(rank)):
        raise ShapeError(f"axes {axes} are not a permutation of the dimensions of {a.shape}")
    return ops.transpose(a, perm=perm)


@traced(np.swapaxes, view=True)
def swapaxes(a: Var, *, axis1: int, axis2: int) -> Var:
    perm = list(range(len(a.shape)))
    i, j = normal_axis(axis1, len(perm)), normal_axis(axis2, len(perm))
    perm[i], perm[j] = perm[j], perm[i]
    return ops.transpose(a, perm=tuple(perm))


@traced(np.moveaxis, view=True)
def moveaxis(a: Var, *, source: int | tuple[int, ...], destination: int | tuple[int, ...]) -> Var:
    rank = len(a.shape)
    sources = [normal_axis(k, rank) for k in (source if isinstance(source, tuple) else (source,))]
    targets = [
        normal_axis(k, rank) for k in (destination if isinstance(destination, tuple) else (destination,))
    ]
    perm = [k for k in range(rank) if k not in sources]
    for target, k in sorted(zip(targets, sources, strict=True)):
        perm.insert(target, k)
    return ops.transpose(a, perm=tuple(perm))


@traced(np.expand_dims, view=True)
def expand_dims(a: Var, *, axis: int | tuple[int, ...]) -> Var:
    axes = axis if isinstance(axis, tuple) else (axis,)
    rank = len(a.shape) + len(axes)
    added = {normal_axis(k, rank) for k in axes}
    sizes = iter(a.shape)
    return ops.reshape(a, shape=tuple(1 if k in added else next(sizes) for k in range(rank)))


@traced(np.squeeze, view=True)
def squeeze(a: Var, *, axis: Axes = None) -> Var:
    if axis is None:
        dropped = {k for k, n in enumerate(a.shape) if n == 1}
    else:
        dropped = set(normal_axes(axis, len(a.shape)))
    if any(a.shape[k] != 1 for k in dropped):
        raise ShapeError(f"cannot squeeze axis {axis} of shape {a.shape}: its size is not 1")
    return ops.reshape(a, shape=tuple(n for k, n in enumerate(a.shape) if k not in dropped))


@traced(np.broadcast_to, view=True)
def broadcast_to(array: Var, *, shape: int | tuple[int, ...]) -> Var:
    return broadcast_var(array, (shape,) if isinstance(shape, int) else shape)


@traced(np.concatenate, numpy=lambda *xs, **how: np.concatenate(xs, **how))
def concatenate(
    *arrays: Operand, axis: int | None = 0, dtype: str | None = None, casting: str = "same_kind"
) -> Var:
    target = _target(arrays, dtype, casting)
    pieces = [cast(x, target) for x in arrays if isinstance(x, Var)]
    if axis is None:
        pieces, axis = [ops.reshape(x, shape=(math.prod(x.shape),)) for x in pieces], 0
    if len(pieces) != len(arrays) or not pieces or not pieces[0].shape:
        raise ShapeError("concatenate needs arrays of at least one dimension; use np.stack for scalars")
    at = normal_axis(axis, len(pieces[0].shape))
    if len({(*x.shape[:at], *x.shape[at + 1 :]) for x in pieces}) > 1:
        raise ShapeError(f"shapes {', '.join(str(x.shape) for x in pieces)} differ in more than axis {axis}")
    return ops.concat(*pieces, axis=at)


def _target(arrays: Sequence[Operand], dtype: str | None, casting: str) -> str:
    """The dtype of the result; an array must be convertible to it by the rule `casting`."""
    if dtype is None:
        return common_dtype(*arrays)
    for x in arrays:
        if isinstance(x, Var) and not np.can_cast(x.type.numpy_dtype, dtype, casting):  # type: ignore[arg-type]
            raise DtypeError(f"cannot cast {x.type} to {dtype} by the rule {casting!r}")
    return dtype_name(dtype)


@traced(np.stack, numpy=lambda *xs, **how: np.stack(xs, **how))
def stack(*arrays: Operand, axis: int = 0, dtype: str | None = None, casting: str = "same_kind") -> Var:
    target = _target(arrays, dtype, casting)
    pieces = [x if isinstance(x, Var) else x.as_dtype(target) for x in arrays]
    if not pieces or len({x.shape for x in pieces}) > 1:
        raise ShapeError(f"stack needs arrays of one shape, got {[x.shape for x in pieces]}")
    at = normal_axis(axis, len(pieces[0].shape) + 1)
    shape = (*pieces[0].shape[:at], 1, *pieces[0].shape[at:])
    return ops.concat(*(ops.reshape(cast(x, target), shape=shape) for x in pieces), axis=at)


@traced(np.vstack, numpy=lambda *xs, **how: np.vstack(xs, **how))
def vstack(*tup: Operand, dtype: str | None = None, casting: str = "same_kind") -> Var:
    pieces = [_at_least(as_var(x), 2) for x in tup]
    return concatenate.op.lower(*pieces, axis=0, dtype=dtype, casting=casting)


@traced(np.hstack, numpy=lambda *xs, **how: np.hstack(xs, **how))
def hstack(*tup: Operand, dtype: str | None = None, casting: str = "same_kind") -> Var:
    pieces = [_at_least(as_var(x), 1) for x in tup]
    axis = 0 if len(pieces[0].shape) == 1 else 1
    return concatenate.op.lower(*pieces, axis=axis, dtype=dtype, casting=casting)


def _at_least(x: Var, rank: int) -> Var:
    missing = rank - len(x.shape)
    return ops.reshape(x, shape=(1,) * missing + x.shape) if missing > 0 else x


@traced(np.flip, view=True)
def flip(m: Var, *, axis: Axes = None) -> Var:
    return ops.reverse(m, axes=normal_axes(axis, len(m.shape)))


@traced(name="diff", numpy=np.diff)
def diff(a: Var, *, n: int = 1, axis: int = -1) -> Var:
    at = normal_axis(axis, len(a.shape))
    for _ in range(n):
        size = a.shape[at]
        a = part(a, at, min(1, size), size) - part(a, at, 0, max(size - 1, 0))
    return a


def part(x: Var, axis: int, start: int, stop: int) -> Var:
    """The elements from `start` below `stop` along one axis."""
    starts, stops = [0] * len(x.shape), list(x.shape)
    starts[axis], stops[axis] = start, stop
    return ops.slice_(x, start=tuple(starts), stop=tuple(stops), step=(1,) * len(starts))


# -- Basic indexing ---------------------------------------------------------------------------------------

Entry = tuple[Any, ...]  # ("int", i) | ("slice", start, stop, step) | ("new",) | ("rest",)


def index_key(index: Any) -> tuple[Entry, ...]:
    """An index expression as a hashable static; UnsupportedError for advanced indexing."""
    return tuple(_entry(item) for item in (index if isinstance(index, tuple) else (index,)))


def _entry(item: Any) -> Entry:
    if item is None:
        return ("new",)
    if item is Ellipsis:
        return ("rest",)
    if isinstance(item, slice):
        return (
            "slice",
            *(None if b is None else operator.index(b) for b in (item.start, item.stop, item.step)),
        )
    if isinstance(item, int | np.integer) and not isinstance(item, bool):
        return ("int", int(item))
    raise UnsupportedError(
        f"indexing with {type(item).__name__} at {user_location()} is not traced yet; use integers, slices, "
        "`...`, None, or np.where, or a product with a one-hot matrix"
    )


def index_of(key: tuple[Entry, ...]) -> tuple[Any, ...]:
    """The index expression that `index_key` came from."""
    undo: dict[str, Callable[..., Any]] = {
        "int": lambda i: i,
        "slice": slice,
        "new": lambda: None,
        "rest": lambda: Ellipsis,
    }
    return tuple(undo[kind](*rest) for kind, *rest in key)


def _write_item(x: Var, value: Operand, *, key: tuple[Entry, ...]) -> Var:
    found: Var = setitem.op.lower(x, value, key=key)
    return found


@traced(name="getitem", view=True, numpy=lambda x, *, key: x[index_of(key)], write=_write_item)
def getitem(x: Var, *, key: tuple[Entry, ...]) -> Var:
    window = _window(key, x.shape)
    cut = ops.slice_(x, start=window.start, stop=window.stop, step=window.step)
    if window.reversed:
        cut = ops.reverse(cut, axes=window.reversed)
    return cut if cut.shape == window.shape else ops.reshape(cut, shape=window.shape)


def fitted(value: Var, shape: tuple[int, ...]) -> Var:
    """What is assigned to a place of this `shape`; of leading dimensions of one, too many are dropped."""
    spare = max(len(value.shape) - len(shape), 0)
    if spare and all(n == 1 for n in value.shape[:spare]):
        value = ops.reshape(value, shape=value.shape[spare:])
    return broadcast_var(value, shape)


def _set_now(x: np.ndarray, value: Any, *, key: tuple[Entry, ...]) -> np.ndarray:
    result = x.copy()
    result[index_of(key)] = value
    return result


@traced(name="setitem", numpy=_set_now)
def setitem(x: Var, value: Operand, *, key: tuple[Entry, ...]) -> Var:
    """x with `value` in the place of x[key]."""
    window = _window(key, x.shape)
    given = fitted(aligned(value, dtype=x.dtype)[0], window.shape)
    cut_shape = tuple(-((b - e) // s) for b, e, s in zip(window.start, window.stop, window.step, strict=True))
    placed = ops.reshape(given, shape=cut_shape)
    if window.reversed:
        placed = ops.reverse(placed, axes=window.reversed)
    whole = cut_shape == x.shape
    return placed if whole else update(x, placed, starts=(window.start,), steps=(window.step,))


class _Window:
    """A basic index on a shape: a slice with positive steps, then a flip, then a reshape."""

    def __init__(self) -> None:
        self.start: tuple[int, ...] = ()
        self.stop: tuple[int, ...] = ()
        self.step: tuple[int, ...] = ()
        self.reversed: tuple[int, ...] = ()
        self.shape: tuple[int, ...] = ()

    def take(self, start: int, stop: int, step: int) -> None:
        self.start, self.stop, self.step = (*self.start, start), (*self.stop, stop), (*self.step, step)


def _window(key: tuple[Entry, ...], shape: tuple[int, ...]) -> _Window:
    used = sum(entry[0] in ("int", "slice") for entry in key)
    if used > len(shape) or sum(entry[0] == "rest" for entry in key) > 1:
        raise BoundsError(f"index {index_of(key)} does not fit shape {shape}")
    if ("rest",) not in key:
        key = (*key, ("rest",))
    window, sizes, axis = _Window(), iter(shape), 0
    for kind, *rest in key:
        if kind == "new":
            window.shape = (*window.shape, 1)
        elif kind == "rest":
            for n in [next(sizes) for _ in range(len(shape) - used)]:
                window.take(0, n, 1)
                window.shape, axis = (*window.shape, n), axis + 1
        elif kind == "int":
            _take_int(window, rest[0], next(sizes), axis)
            axis += 1
        else:
            _take_slice(window, slice(*rest), next(sizes), axis)
            axis += 1
    return window


def _take_int(window: _Window, i: int, size: int, axis: int) -> None:
    if not -size <= i < size:
        raise BoundsError(f"index {i} is out of bounds for dimension {axis} of size {size}")
    window.take(i % size, i % size + 1, 1)


def _take_slice(window: _Window, item: slice, size: int, axis: int) -> None:
    start, _, step = item.indices(size)
    count = len(range(*item.indices(size)))
    if step < 0:
        window.reversed = (*window.reversed, axis)
        start, step = start + (count - 1) * step, -step
    if count == 0:
        start, step = 0, 1
    window.take(start, start + (count - 1) * step + 1 if count else start, step)
    window.shape = (*window.shape, count)
