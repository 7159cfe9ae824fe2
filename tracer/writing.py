"""Writing into arrays: assignment, updates in place, and NumPy's functions that write.

Outside a record the memory is written, after whoever still reads it kept a copy. Inside, a write is an
operation that gives a new value, and the array stands for that from then on, together with all arrays that
share its memory (`tracer.alias`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import numpy as np

from tapejit.tracer import alias
from tapejit.tracer.errors import DtypeError, InPlaceError, ShapeError, UnsupportedError
from tapejit.tracer.handle import Handle
from tapejit.tracer.location import user_location
from tapejit.tracer.operation import Operation
from tapejit.tracer.state import STATE
from tapejit.tracer.surface import elementwise, indexing, order, shape
from tapejit.tracer.surface.function import apply, run_now


class Writes(Handle):
    """What an array has of NumPy's ways to write into it."""

    __slots__ = ()

    def __setitem__(self, index: Any, value: Any) -> None:
        if STATE.tape is None:
            data = self.writable()
            with np.errstate(all="ignore"):
                data[indexing.concrete(index)] = _data(value)
        elif indexing.is_advanced(index):
            self.rebind(indexing.put(self, index, value))
        else:
            statics = (("key", shape.index_key(index)),)
            if not alias.same_view(value, self, (shape.getitem.op, statics)):
                self.rebind(apply(shape.setitem.op, (self, value), statics, type(self)))

    def add_at(self, index: Any, value: Any) -> None:
        """`np.add.at(self, index, value)`: added as often as an element is named."""
        if STATE.tape is None:
            np.add.at(self.writable(), indexing.concrete(index), _data(value))
        else:
            self.rebind(indexing.put(self, index, value, indexing.ADD))

    def update(self, op: Operation, other: Any) -> Any:
        """`self = op(self, other)` in place."""
        if STATE.tape is None and self._takes(op, other):
            data = self.writable()
            with np.errstate(all="ignore"):
                op.numpy(data, _data(other), out=data)
            return self
        run = run_now if STATE.tape is None else apply
        return self.become(run(op, (self, other), (), type(self)))

    def become(self, result: Any) -> Any:
        """Overwrite all elements with those of a new array, which must fit."""
        if STATE.tape is None:
            return self.assign(result)
        dtype = self.type.numpy_dtype
        if result.dtype != dtype and np.can_cast(result.dtype, dtype, "same_kind"):
            result = elementwise.astype(result, dtype=dtype)
        self.rebind(result)
        return self

    def _takes(self, op: Operation, other: Any) -> bool:
        """Whether `op` of this array and `other` surely has this array's type: it needs no memory then."""
        if not isinstance(op.numpy, np.ufunc) or not self.type.is_inexact:
            return False
        return other.type == self.type if isinstance(other, Handle) else type(other) in (float, int)

    def assign(self, source: Any) -> Self:
        """Overwrite all elements with those of `source`, which must fit; returns this array."""
        new = source if isinstance(source, Handle) else np.asarray(source)
        dtype, mine = (new.type.numpy_dtype if isinstance(new, Handle) else new.dtype), self.type.numpy_dtype
        if not np.can_cast(dtype, mine, "same_kind"):
            raise TypeError(f"cannot write {dtype} into an array of {mine} in place, at {user_location()}")
        self[...] = source
        return self

    def fill(self, value: Any) -> None:
        """Set every element to one number."""
        self[...] = np.asarray(value)[()] if not isinstance(value, Handle) else value

    def sort(self, axis: int = -1, kind: str | None = None) -> None:
        """Sort in place, along one axis."""
        self[...] = order.sort(self, axis=axis, kind=kind)

    def partition(self, kth: Any, axis: int = -1) -> None:
        """Put the element number `kth` in its sorted place, smaller ones before it."""
        self[...] = order.partition(self, kth, axis=axis)

    def put(self, indices: Any, values: Any, mode: str = "raise") -> None:
        """`x.flat[indices] = values`, the values repeated as needed."""
        put(self, indices, values, mode)

    def writable(self) -> np.ndarray:
        """The data, after whoever still reads it kept a copy."""
        data = self.materialise()
        if self._storage is not None:
            self._storage.before_write()
        return data

    def rebind(self, result: Handle) -> None:
        """Inside a record an in-place write gives this handle a new value on the tape."""
        tape, where = STATE.tape, user_location()
        root = self._view.sources[0]() if self._view is not None else None
        for written in (self, root):
            if written is not None and written._leaf is not None and written._leaf.req != "null":
                raise InPlaceError(
                    f"in-place write at {where} to an array with attach_grad() inside record(): its "
                    "gradient would be that of the overwritten value; write it outside record(), or compute "
                    "a new array"
                )
        alias.refuse_read_only(self)
        if result.type != self.type:
            kind = ShapeError if result.type.shape != self.type.shape else DtypeError
            raise kind(f"in-place write at {where}: {result.type} does not fit into {self.type}")
        assert tape is not None
        alias.rewrite(tape, self, result)


def _data(value: Any) -> Any:
    return value.materialise() if isinstance(value, Handle) else value


# -- NumPy's functions that write into their first argument ------------------------------------------------


def copyto(dst: Any, src: Any, casting: str = "same_kind", where: Any = True) -> None:
    """NumPy's `copyto`."""
    target = _target(dst, "copyto")
    dtype = getattr(src, "dtype", None)
    if dtype is not None and not np.can_cast(dtype, target.type.numpy_dtype, casting):  # type: ignore[arg-type]
        raise TypeError(f"Cannot cast {dtype} to {target.type.numpy_dtype} by the rule '{casting}'")
    if where is True:
        target[...] = src
    else:
        chosen = elementwise.where(where, src, target)
        target[...] = elementwise.astype(chosen, dtype=target.type.numpy_dtype)


def put(a: Any, ind: Any, v: Any, mode: str = "raise") -> None:
    """NumPy's `put`."""
    target = _target(a, "put")
    index = _positions(ind, target.type.size, mode)
    flat = shape.reshape(target, shape=(-1,))
    flat[index] = _repeated(v, len(index))
    target[...] = shape.reshape(flat, shape=target.type.shape)


def _positions(ind: Any, size: int, mode: str) -> np.ndarray:
    index = np.asarray(_data(ind)).ravel()
    if mode == "clip":
        return np.clip(index, 0, size - 1)
    return index % max(size, 1) if mode == "wrap" else index


def _repeated(v: Any, count: int) -> Any:
    """The first `count` of the values, which begin again as often as it takes."""
    values = shape.reshape(v, shape=(-1,)) if isinstance(v, Handle) else np.asarray(v).ravel()
    size = values.shape[0]
    return values if size == count else values[np.arange(count) % max(size, 1)] if count else values[:0]


def place(arr: Any, mask: Any, vals: Any) -> None:
    """NumPy's `place`: the values in order, where the mask is true."""
    target = _target(arr, "place")
    where = np.flatnonzero(_data(mask))
    put(target, where, vals)


def putmask(a: Any, mask: Any, values: Any) -> None:
    """NumPy's `putmask`: each value stays at its own place."""
    target = _target(a, "putmask")
    spread = _repeated(values, target.type.size)
    if not isinstance(spread, Handle):
        spread = spread.astype(target.type.numpy_dtype)
    chosen = elementwise.where(mask, spread.reshape(target.type.shape), target)
    target[...] = elementwise.astype(chosen, dtype=target.type.numpy_dtype)


def put_along_axis(arr: Any, indices: Any, values: Any, axis: int | None = -1) -> None:
    """NumPy's `put_along_axis`."""
    target = _target(arr, "put_along_axis")
    if axis is None:
        return put(target, indices, values)
    index = np.asarray(_data(indices))
    at = axis % target.type.rank
    grid = np.ogrid[tuple(slice(n) for n in target.type.shape)]
    target[tuple(index if d == at else places for d, places in enumerate(grid))] = values
    return None


def fill_diagonal(a: Any, val: Any, wrap: bool = False) -> None:
    """NumPy's `fill_diagonal`."""
    target = _target(a, "fill_diagonal")
    marks = np.zeros(target.type.shape, np.int8)
    np.fill_diagonal(marks, 1, wrap)
    put(target, np.flatnonzero(marks), val)


def accumulate_at(function: np.ufunc, a: Any, indices: Any, b: Any) -> None:
    """`np.add.at` and `np.subtract.at`."""
    target = _target(a, f"{function.__name__}.at")
    target.add_at(indices, b if function is np.add else np.negative(b))


def written(out: tuple[Any, ...], results: Any, name: str) -> Any:
    """The arrays of a call's `out`, after its results were written there."""
    call = f"{name.removeprefix('np.')}(..., out=...)"
    if len(out) == 1:
        return _target(out[0], call).assign(results)
    pairs = zip(out, results, strict=True)
    return tuple(r if o is None else _target(o, call).assign(r) for o, r in pairs)


def _target(x: Any, name: str) -> Any:
    if not isinstance(x, Writes):
        raise UnsupportedError(
            f"np.{name} at {user_location()}: what is written to must be an array of tapejit, "
            f"not {type(x).__name__}"
        )
    return x


WRITING: dict[Any, Callable[..., None]] = {
    np.copyto: copyto,
    np.put: put,
    np.place: place,
    np.putmask: putmask,
    np.put_along_axis: put_along_axis,
    np.fill_diagonal: fill_diagonal,
}
