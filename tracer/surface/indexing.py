"""Indexing with arrays: NumPy's advanced indices, read and written, as gathers at positions.

An index array enters a trace as an argument. It is checked against the array as soon as it is seen, which
demands it if it is still pending; a replayed call checks it again, in the program (`Within`). Whatever slips
through reads zeros: see `tapejit.ir.gather`. Start with `take` and `put`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tapejit.ir import ops
from tapejit.ir.builder import Var
from tapejit.ir.gather import gather, last_write, scatter_add
from tapejit.ir.types import TensorType
from tapejit.tracer.errors import BoundsError, UnsupportedError
from tapejit.tracer.handle import Handle
from tapejit.tracer.location import user_location
from tapejit.tracer.operand import constant
from tapejit.tracer.operation import Operand, Operation, aligned, cast
from tapejit.tracer.operation import broadcast_to as broadcast_var
from tapejit.tracer.seen import Within
from tapejit.tracer.surface import elementwise
from tapejit.tracer.surface.bounds import beyond
from tapejit.tracer.surface.composed import composed
from tapejit.tracer.surface.function import apply, traced
from tapejit.tracer.surface.shape import Entry, fitted, getitem, index_key, index_of, normal_axis

ARRAY: Entry = ("array",)
WHOLE: Entry = ("slice", None, None, None)


# -- What is asked for -----------------------------------------------------------------------------------


def is_advanced(index: Any) -> bool:
    """Whether an index holds arrays, lists, ranges or truth values."""
    kinds = (list, range, np.ndarray, Handle, bool, np.bool_)
    return isinstance(index, kinds) or (isinstance(index, tuple) and any(isinstance(i, kinds) for i in index))


@dataclass
class Request:
    """An advanced index: a hashable key, and for each `("array",)` in it an array of integers."""

    key: tuple[Entry, ...] = ()
    arrays: list[Handle] = field(default_factory=list)
    given: set[int] = field(default_factory=set)  # the ids of arrays that the user has, and may change
    masks: dict[int, tuple[int, ...]] = field(default_factory=dict)  # where in the key one begins: its shape


def request(x: Handle, index: Any) -> Request:
    """The index with truth values as positions, every position checked."""
    asked = Request()
    for item in index if isinstance(index, tuple) else (index,):
        array = _as_array(type(x), item)
        if array is None:
            asked.key += index_key(item)
            continue
        if array.type.dtype == "bool":
            asked.masks[len(asked.key)] = array.type.shape
        found = _positions(array)
        asked.given |= {id(each) for each in found if each is item}
        asked.key += (ARRAY,) * len(found)
        asked.arrays += found
    _check(x.type.shape, asked)
    return asked


def _as_array(face: type[Handle], item: Any) -> Handle | None:
    """An array among the indices; None for a basic index."""
    if isinstance(item, bool | np.bool_):
        raise UnsupportedError(
            f"indexing with a truth value at {user_location()} is not traced; use x[None] or np.where"
        )
    if isinstance(item, list | range | np.ndarray):
        array = np.asarray(item)
        is_empty = not isinstance(item, np.ndarray) and not array.size
        return constant(face, array.astype(np.int64) if is_empty or array.dtype.kind in "iu" else array)
    return item if isinstance(item, Handle) else None


def _positions(index: Handle) -> list[Handle]:
    """The integer arrays that an index array stands for. How many truth values hold is Python's to know."""
    if index.type.is_float:
        raise BoundsError(
            f"an index has to be of integers or truth values, not {index.type}, at {user_location()}; "
            "convert it: index.astype('int64')"
        )
    if index.type.dtype != "bool":
        return [index]
    if not index.type.rank:
        raise UnsupportedError(
            f"indexing with a truth value at {user_location()} is not traced; use np.where"
        )
    return [type(index).wrap(where) for where in np.nonzero(index.value())]


# -- Bounds ----------------------------------------------------------------------------------------------


def _check(shape: tuple[int, ...], asked: Request) -> None:
    """BoundsError unless every position is inside the dimension that it is for."""
    used = sum(kind in ("int", "slice", "array") for kind, *_ in asked.key)
    if used > len(shape):
        raise BoundsError(f"too many indices for shape {shape} at {user_location()}: {used}")
    pending, axis = iter(asked.arrays), 0
    for k, (kind, *_) in enumerate(asked.key):
        if k in asked.masks:
            _check_mask(asked.masks[k], shape, axis)
        if kind == "array":
            index = next(pending)
            check_positions(index, shape[axis], axis, id(index) in asked.given)
        axis += len(shape) - used if kind == "rest" else kind != "new"


def _check_mask(mask: tuple[int, ...], shape: tuple[int, ...], axis: int) -> None:
    if mask != shape[axis : axis + len(mask)]:
        raise BoundsError(
            f"a mask of shape {mask} does not fit {shape} from dimension {axis} on, at {user_location()}"
        )


def check_positions(index: Handle, size: int, axis: int, given: bool) -> None:
    """BoundsError unless all positions are from -size below size; `given` as for `beyond`."""
    wrong = beyond(index, Within(-size, size - 1), given)
    if wrong.size:
        raise BoundsError(
            f"index {wrong[0]} is out of bounds for dimension {axis} of size {size}, at {user_location()}"
        )


# -- Lowering --------------------------------------------------------------------------------------------


def _normal(index: Operand, size: int) -> Var:
    """Positions in i64, those from the end counted from the beginning."""
    assert isinstance(index, Var)
    wide = cast(index, "i64")
    return ops.select(ops.lt(wide, wide.like(0)), wide + size, wide)


def _select(x: Var, indices: Sequence[Operand], key: tuple[Entry, ...]) -> Var:
    """The elements of `x` at an advanced index."""
    filled = _with_rest(key, len(x.shape))
    arrays = iter(indices)
    whole = tuple(WHOLE if kind in ("array", "int") else (kind, *rest) for kind, *rest in filled)
    window: Var = getitem.op.lower(x, key=whole)
    places = [k for k, (kind, *_) in enumerate(filled) if kind in ("array", "int")]
    positions = []
    for k in places:
        kind, *rest = filled[k]
        found = next(arrays) if kind == "array" else window.builder.full(TensorType("i64"), rest[0])
        positions.append(_normal(found, window.shape[k]))
    if not places:
        return window
    if len(places) == 1:
        return gather(window, positions[0], axis=places[0])
    flat, front = _joined(window, places), aligned(*positions, dtype="i64")
    found = gather(flat, _offsets(front, [window.shape[k] for k in places]), axis=0)
    return _put_back(found, len(front[0].shape), places[0]) if _side_by_side(key) else found


def _with_rest(key: tuple[Entry, ...], rank: int) -> list[Entry]:
    """The key with a slice for every dimension that it leaves out; one entry per dimension of the window."""
    used = sum(kind in ("int", "slice", "array") for kind, *_ in key)
    spare: list[Entry] = [WHOLE] * (rank - used)
    if ("rest",) not in key:
        return [*key, *spare]
    at = key.index(("rest",))
    return [*key[:at], *spare, *key[at + 1 :]]


def _joined(x: Var, places: Sequence[int]) -> Var:
    """The dimensions `places` in front, as one."""
    others = [k for k in range(len(x.shape)) if k not in places]
    moved = ops.transpose(x, perm=(*places, *others))
    count = math.prod(x.shape[k] for k in places)
    return ops.reshape(moved, shape=(count, *(x.shape[k] for k in others)))


def _offsets(positions: Sequence[Var], sizes: Sequence[int]) -> Var:
    """Positions in several dimensions as positions in all of them, row-major."""
    total = positions[0]
    for position, size in zip(positions[1:], sizes[1:], strict=True):
        total = total * size + position
    return total


def _side_by_side(key: Sequence[Entry]) -> bool:
    """Whether nothing stands between the arrays, not even a `...` for no dimension."""
    places = [k for k, (kind, *_) in enumerate(key) if kind in ("array", "int")]
    return places == list(range(places[0], places[-1] + 1))


def _put_back(found: Var, rank: int, at: int) -> Var:
    """The index's dimensions, which are in front, where the arrays stood."""
    front, rest = list(range(rank)), list(range(rank, len(found.shape)))
    return ops.transpose(found, perm=(*rest[:at], *front, *rest[at:]))


def _written(x: Var, value: Operand, indices: Sequence[Operand], key: tuple[Entry, ...]) -> Var:
    """x with `value` at an advanced index; of several values for one element the last counts."""
    places, flat = _places(x, indices, key)
    owner = last_write(places, axis=0, size=x.type.size)
    given = gather(_spread(x, value, flat.shape), owner, axis=0)
    kept = ops.reshape(x, shape=(x.type.size,))
    return ops.reshape(ops.select(ops.ge(owner, owner.like(0)), given, kept), shape=x.shape)


def _added(x: Var, value: Operand, indices: Sequence[Operand], key: tuple[Entry, ...]) -> Var:
    """x with `value` added at an advanced index, as often as an element is named."""
    places, flat = _places(x, indices, key)
    total = scatter_add(_spread(x, value, flat.shape), places, axis=0, size=x.type.size)
    return x + ops.reshape(total, shape=x.shape)


def _places(x: Var, indices: Sequence[Operand], key: tuple[Entry, ...]) -> tuple[Var, Var]:
    """Where in the flat `x` the elements of an advanced index are: in a row, and in their shape."""
    numbers = ops.iota(builder=x.builder, dtype="i64", shape=(x.type.size,), axis=0)
    chosen = _select(ops.reshape(numbers, shape=x.shape), indices, key)
    return ops.reshape(chosen, shape=(chosen.type.size,)), chosen


def _spread(x: Var, value: Operand, shape: tuple[int, ...]) -> Var:
    """The value in the dtype of x, repeated to `shape`, in a row."""
    given = fitted(aligned(value, dtype=x.dtype)[0], shape)
    return ops.reshape(given, shape=(math.prod(shape),))


# -- Operations ------------------------------------------------------------------------------------------


def _filled(key: tuple[Entry, ...], arrays: Sequence[Any]) -> tuple[Any, ...]:
    """The NumPy index of a request."""
    remaining = iter(arrays)
    return tuple(next(remaining) if entry == ARRAY else index_of((entry,))[0] for entry in key)


def _get_now(x: np.ndarray, *indices: np.ndarray, key: tuple[Entry, ...]) -> np.ndarray:
    found: np.ndarray = x[_filled(key, indices)]
    return found


def _put_now(x: np.ndarray, value: Any, *indices: np.ndarray, key: tuple[Entry, ...]) -> np.ndarray:
    result = x.copy()
    result[_filled(key, indices)] = value
    return result


def _add_now(x: np.ndarray, value: Any, *indices: np.ndarray, key: tuple[Entry, ...]) -> np.ndarray:
    result = x.copy()
    np.add.at(result, _filled(key, indices), value)
    return result


GET = Operation("getitem", lambda x, *indices, key: _select(x, indices, key), _get_now)
PUT = Operation("setitem", lambda x, value, *indices, key: _written(x, value, indices, key), _put_now)
ADD = Operation("add.at", lambda x, value, *indices, key: _added(x, value, indices, key), _add_now)


def take(x: Handle, index: Any) -> Any:
    """`x[index]` for an advanced index."""
    asked = request(x, index)
    return apply(GET, (x, *asked.arrays), (("key", asked.key),), type(x))


def put(x: Handle, index: Any, value: Any, op: Operation = PUT) -> Any:
    """What `x` is after `x[index] = value`, for an advanced index."""
    if op is PUT and _is_mask(x, index) and np.size(value) == 1:
        chosen = elementwise.where(index, np.reshape(value, ()) if np.ndim(value) else value, x)
        return elementwise.astype(chosen, dtype=x.type.numpy_dtype)
    asked = request(x, index)
    return apply(op, (x, value, *asked.arrays), (("key", asked.key),), type(x))


def _is_mask(x: Handle, index: Any) -> bool:
    """A mask of the whole array: its count does not matter to what is written everywhere."""
    is_array = isinstance(index, Handle | np.ndarray)
    return is_array and index.dtype == bool and index.shape == x.type.shape and bool(x.type.rank)


@traced(name="take_along_axis", numpy=np.take_along_axis)
def _take_along(arr: Var, indices: Var, *, axis: int) -> Var:
    return along(arr, _normal(indices, arr.shape[axis]), axis)


def along(x: Var, index: Var, axis: int) -> Var:
    """Element `index[..., k, ...]` along `axis` for every k; the other dimensions broadcast."""
    size, count = x.shape[axis], index.shape[axis]
    others = np.broadcast_shapes(_without(x.shape, axis), _without(index.shape, axis))
    table = broadcast_var(x, (*others[:axis], size, *others[axis:]))
    places = broadcast_var(index, (*others[:axis], count, *others[axis:]))
    rest = [k for k in range(len(table.shape)) if k != axis]
    parts = [
        places if k == axis else ops.iota(builder=x.builder, dtype="i64", shape=places.shape, axis=k)
        for k in (*rest, axis)
    ]
    flat = _joined(table, [*rest, axis])
    return gather(flat, _offsets(parts, [table.shape[k] for k in (*rest, axis)]), axis=0)


def _without(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    return (*shape[:axis], *shape[axis + 1 :])


@composed(np.take_along_axis)
def take_along_axis(arr: Any, indices: Any, axis: int | None = -1) -> Any:
    """NumPy's `take_along_axis`."""
    if axis is None:
        arr, axis = arr.reshape(-1), 0
    at = normal_axis(axis, len(arr.shape))
    face = type(arr) if isinstance(arr, Handle) else type(indices)
    arr, index = (x if isinstance(x, Handle) else constant(face, x) for x in (arr, indices))
    if index.type.is_float or len(index.type.shape) != len(arr.type.shape):
        raise BoundsError(
            f"take_along_axis at {user_location()} needs integers of as many dimensions as {arr.type}, "
            f"got {index.type}"
        )
    check_positions(index, arr.type.shape[at], at, index is indices)
    return _take_along(arr, index, axis=at)


@composed(np.take)
def take_of(a: Any, indices: Any, axis: int | None = None, out: Any = None, mode: str = "raise") -> Any:
    """NumPy's `take`; with `mode` "clip" or "wrap" no position is outside."""
    face = next(type(x) for x in (a, indices) if isinstance(x, Handle))
    a = a if isinstance(a, Handle) else constant(face, a)
    a = a.reshape(-1) if axis is None else a
    at = normal_axis(axis or 0, len(a.shape))
    index = indices if isinstance(indices, Handle) else constant(face, indices)
    if mode not in ("raise", "clip", "wrap") or index.type.is_float:
        raise UnsupportedError(f"np.take at {user_location()}: with these arguments it is not traced")
    if mode == "raise":
        check_positions(index, a.shape[at], at, index is indices)
    return _take(a, index, axis=at, mode=mode)


@traced(name="take", numpy=np.take)
def _take(a: Var, indices: Var, *, axis: int, mode: str) -> Var:
    size, index = a.shape[axis], cast(indices, "i64")
    if mode == "raise":
        return gather(a, _normal(index, size), axis=axis)
    if mode == "wrap":
        return gather(a, ops.mod(index, index.like(max(size, 1))), axis=axis)
    clipped = ops.maximum(ops.minimum(index, index.like(size - 1)), index.like(0))
    return gather(a, clipped, axis=axis)


def concrete(index: Any) -> Any:
    """An index as NumPy takes it."""
    if isinstance(index, tuple):
        return tuple(map(concrete, index))
    return index.value() if isinstance(index, Handle) else index
