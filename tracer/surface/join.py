"""Functions that put arrays together, take them apart, and put elements in or leave them out."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from tapejit.ir import ops
from tapejit.ir.builder import Var
from tapejit.tracer.errors import ShapeError
from tapejit.tracer.handle import Handle
from tapejit.tracer.operation import Operand, as_var
from tapejit.tracer.surface.composed import array, composed, seen
from tapejit.tracer.surface.function import traced
from tapejit.tracer.surface.shape import concatenate, getitem, normal_axis

# -- At least so many dimensions -------------------------------------------------------------------------


def _shaped(count: int, shape: Any) -> Any:
    """An operation that gives arrays of fewer than `count` dimensions the shape that `shape` says."""
    function = (np.atleast_1d, np.atleast_2d, np.atleast_3d)[count - 1]

    @traced(name=function.__name__, view=True, numpy=function)
    def at_least(a: Operand) -> Var:
        x = as_var(a)
        return x if len(x.shape) >= count else ops.reshape(x, shape=shape(x.shape))

    @composed(function, view=True)
    def every(*arys: Any) -> Any:
        found = tuple(at_least(x) if isinstance(x, Handle) else function(x) for x in arys)
        return found[0] if len(found) == 1 else found

    return at_least, every


_one, atleast_1d = _shaped(1, lambda shape: (1,))
_two, atleast_2d = _shaped(2, lambda shape: (*(1,) * (2 - len(shape)), *shape))
_three, atleast_3d = _shaped(3, lambda shape: ((1, 1, 1), (1, *shape, 1), (*shape, 1))[len(shape)])


@traced(np.dstack, numpy=lambda *xs: np.dstack(xs))
def dstack(*tup: Operand) -> Var:
    return concatenate.op.lower(*(_three.op.lower(x) for x in tup), axis=2)


@traced(np.column_stack, numpy=lambda *xs: np.column_stack(xs))
def column_stack(*tup: Operand) -> Var:
    arrays = [as_var(x) for x in tup]
    columns = [x if len(x.shape) > 1 else ops.reshape(x, shape=(x.type.size, 1)) for x in arrays]
    return concatenate.op.lower(*columns, axis=1)


@composed(np.append)
def append(arr: Any, values: Any, axis: int | None = None) -> Any:
    return np.concatenate([array(arr), array(values)], axis=axis)


@composed(np.block)
def block(arrays: Any) -> Any:
    """The innermost lists join along the last dimension, the next ones along the one before, and so on."""
    depth = _depth(arrays)
    rank = max(depth, *(len(array(x).shape) for x in _leaves(arrays)))
    return _joined(arrays, depth, rank)


def _depth(x: Any) -> int:
    if isinstance(x, tuple):
        raise TypeError("block takes lists of lists, not tuples")
    return 1 + _depth(x[0]) if isinstance(x, list) and x else 0


def _leaves(x: Any) -> list[Any]:
    return [leaf for each in x for leaf in _leaves(each)] if isinstance(x, list) else [x]


def _joined(x: Any, depth: int, rank: int) -> Any:
    if isinstance(x, list):
        return np.concatenate([_joined(each, depth - 1, rank) for each in x], axis=-depth)
    if depth:
        raise ValueError("List depths are mismatched")
    leaf = array(x)
    return leaf.reshape((*(1,) * (rank - len(leaf.shape)), *leaf.shape))


# -- Parts -----------------------------------------------------------------------------------------------


def _cut(x: Any, bounds: Sequence[int], axis: int) -> list[Any]:
    before = (("slice", None, None, None),) * axis
    return [getitem(x, key=(*before, ("slice", a, b, None))) for a, b in itertools.pairwise(bounds)]


@composed(np.array_split, view=True)
def array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    """As equal as can be, the first parts longer; or between the given positions."""
    at = normal_axis(axis, len(ary.shape))
    size, sections = ary.shape[at], indices_or_sections
    if np.ndim(sections):
        return _cut(ary, [0, *map(int, sections), size], at)
    if sections <= 0:
        raise ValueError("number sections must be larger than 0.")
    each, more = divmod(size, int(sections))
    return _cut(ary, [k * each + min(k, more) for k in range(int(sections) + 1)], at)


@composed(np.split, view=True)
def split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Any]:
    size = ary.shape[normal_axis(axis, len(ary.shape))]
    if not np.ndim(indices_or_sections) and size % indices_or_sections:
        raise ShapeError(f"cannot split a dimension of {size} into {indices_or_sections} equal parts")
    found: list[Any] = array_split(ary, indices_or_sections, axis)
    return found


@composed(np.hsplit, view=True)
def hsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    found: list[Any] = split(ary, indices_or_sections, 1 if len(ary.shape) > 1 else 0)
    return found


@composed(np.vsplit, view=True)
def vsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    if len(ary.shape) < 2:
        raise ValueError("vsplit only works on arrays of 2 or more dimensions")
    found: list[Any] = split(ary, indices_or_sections, 0)
    return found


@composed(np.dsplit, view=True)
def dsplit(ary: Any, indices_or_sections: Any) -> list[Any]:
    if len(ary.shape) < 3:
        raise ValueError("dsplit only works on arrays of 3 or more dimensions")
    found: list[Any] = split(ary, indices_or_sections, 2)
    return found


@composed(np.unstack, view=True)
def unstack(x: Any, /, *, axis: int = 0) -> tuple[Any, ...]:
    at = normal_axis(axis, len(x.shape))
    before = (("slice", None, None, None),) * at
    return tuple(getitem(x, key=(*before, ("int", k))) for k in range(x.shape[at]))


# -- In and out ------------------------------------------------------------------------------------------


@composed(np.delete)
def delete(arr: Any, obj: Any, axis: int | None = None) -> Any:
    rows, at = _laid_out(arr, axis)
    return np.take(rows, np.delete(np.arange(rows.shape[at]), seen(obj)), axis=at)


def _laid_out(x: Any, axis: int | None) -> tuple[Any, int]:
    """An array and the axis to work along; without an axis, the elements in a row."""
    return (np.ravel(x), 0) if axis is None else (x, normal_axis(axis, len(x.shape)))


@composed(np.insert)
def insert(arr: Any, obj: Any, values: Any, axis: int | None = None) -> Any:
    """The values behind the array, and all of it taken in the new order."""
    rows, at = _laid_out(array(arr), axis)
    size, place, given = rows.shape[at], seen(obj), array(values)
    given = given.reshape((*(1,) * (len(rows.shape) - len(given.shape)), *given.shape))
    if not isinstance(place, slice) and not np.ndim(place):
        given = np.moveaxis(given, 0, at)
        count = given.shape[at]
    else:
        count = len(np.insert(np.arange(size), place, 0)) - size
        count = given.shape[at] if count == 1 else count
    wanted = (*rows.shape[:at], count, *rows.shape[at + 1 :])
    whole = np.concatenate([rows, np.broadcast_to(given, wanted).astype(rows.dtype)], axis=at)
    return np.take(whole, np.insert(np.arange(size), place, np.arange(size, size + count)), axis=at)


@composed(np.resize)
def resize(a: Any, new_shape: Any) -> Any:
    """The elements again and again, until the new shape is full."""
    shape = (new_shape,) if isinstance(new_shape, int | np.integer) else tuple(new_shape)
    flat, size = np.ravel(a), int(np.prod(shape, dtype=int))
    if any(n < 0 for n in shape):
        raise ValueError("all elements of `new_shape` must be non-negative")
    if not flat.shape[0] or not size:
        return np.zeros_like(flat, shape=shape)
    return np.take(flat, np.arange(size) % flat.shape[0]).reshape(shape)


@composed(np.trim_zeros)
def trim_zeros(filt: Any, trim: str = "fb", axis: Any = None) -> Any:
    """Python looks where the zeros are."""
    inside = np.argwhere(seen(filt != 0))
    if not len(inside):
        return filt[(slice(0, 0),) * len(filt.shape)]
    axes = range(len(filt.shape)) if axis is None else np.atleast_1d(axis) % len(filt.shape)
    front, back = "f" in trim.lower(), "b" in trim.lower()
    window = tuple(
        slice(inside[:, k].min() if front else 0, inside[:, k].max() + 1 if back else None)
        if k in axes
        else slice(None)
        for k in range(len(filt.shape))
    )
    return filt[window]
