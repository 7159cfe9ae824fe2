"""Arrays that share memory in NumPy, as values on a tape: a write to one of them is seen in all.

Outside a record, views share NumPy's memory and nothing has to be done. Inside, arrays are values. A view
knows its `View`: the array it was taken from and the steps that lead from there. A write to it writes that
array too, step by step back, and every other view of it is taken anew. Start with `rewrite`.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from tapejit.ir.builder import Var
from tapejit.ir.transforms.adjoint import backpropagate
from tapejit.tracer.errors import InPlaceError, ReadOnlyError
from tapejit.tracer.location import user_location
from tapejit.tracer.operation import Operand, Operation, aligned
from tapejit.tracer.storage import Storage

if TYPE_CHECKING:
    from tapejit.tracer.handle import Handle
    from tapejit.tracer.tape import Tape

Step = tuple[
    Operation, tuple[tuple[str, Any], ...]
]  # an operation of one array that gives a view, and its statics


@dataclass(frozen=True, eq=False, slots=True)
class View:
    """An array is `steps` applied to `root`."""

    root: weakref.ref[Handle]
    steps: tuple[Step, ...]

    def of(self, data: np.ndarray) -> np.ndarray:
        """The view of `data` in place of the root's."""
        for op, statics in self.steps:
            data = np.asarray(op.numpy(data, **dict(statics)))
        return data


def note_view(view: Handle, source: Handle, step: Step) -> None:
    """Remember that `view` was taken from `source`, and that they share their memory."""
    above = source._view
    view._view = (
        View(weakref.ref(source), (step,)) if above is None else View(above.root, (*above.steps, step))
    )
    view._storage = source.storage
    source.storage.share(source, view)


def rewrite(tape: Tape, handle: Handle, new: Handle) -> None:
    """Let `handle` have the value `new`, which was just recorded, and all that shares its memory see it."""
    if handle._storage is not None:
        for copy in [h for h in handle._storage.living() if not _shares(h)]:
            copy._view = copy._storage = None
    relatives = [] if handle._storage is None else handle._storage.living()
    root = _root(handle)
    others = [h for h in relatives if h is not handle and h is not root]
    views = [h for h in others if _root(h) is root]
    _refuse_strangers([h for h in others if _root(h) is not root])
    if root is not handle:
        tape.rebind(root, _written_through(tape, root, _steps(handle), new))
    tape.rebind(handle, new)
    for view in views:
        tape.rebind(view, _taken(tape, root, _steps(view)))
    _share([root, handle, *views])


def same_view(value: Any, source: Handle, step: Step) -> bool:
    """Whether `value` is what `step` sees of `source`, as after `x[i] += y`: to write it changes nothing."""
    view = getattr(value, "_view", None)
    if view is None or view.steps != (step,) or view.root() is not source:
        return False
    return value._storage is source._storage and _shares(value)


def settle_views(handles: Iterable[Handle]) -> None:
    """Give views of arrays that have data memory in these, as NumPy would."""
    for handle in handles:
        root = _root(handle)
        if root is not handle and root._data is not None and root._storage is handle._storage:
            assert handle._view is not None
            seen = handle._view.of(root._data)
            handle._data = seen if np.may_share_memory(seen, root._data) else handle._data


# -- Relations -------------------------------------------------------------------------------------------


def _root(handle: Handle) -> Handle:
    """The array whose memory `handle` is in; itself if it has its own, or if nobody holds the other."""
    root = None if handle._view is None else handle._view.root()
    return handle if root is None else root


def _shares(handle: Handle) -> bool:
    """Whether NumPy would give `handle` the memory of its root, and not a copy."""
    root, view = _root(handle), handle._view
    if root is handle or view is None:
        return True
    memory = np.zeros(root.type.shape, root.type.numpy_dtype) if root._data is None else root._data
    seen = view.of(memory)
    return np.may_share_memory(seen, memory) or not seen.size


def _steps(view: Handle) -> tuple[Step, ...]:
    assert view._view is not None
    return view._view.steps


def refuse_read_only(handle: Handle) -> None:
    """ReadOnlyError for an array that NumPy would not write to."""
    data = handle._data
    if data is None and _root(handle) is not handle:
        root, view = _root(handle), handle._view
        assert view is not None
        data = view.of(np.zeros(root.type.shape, root.type.numpy_dtype))
    if data is not None and data.ndim and not data.flags.writeable:
        raise ReadOnlyError(f"in-place write at {user_location()}: assignment destination is read-only")


def _refuse_strangers(strangers: Sequence[Handle]) -> None:
    """Arrays that share memory in a way that is not known stop a write."""
    for other in strangers:
        raise InPlaceError(
            f"in-place write at {user_location()} to an array that shares memory with another one "
            f"({other.type}), inside record(); copy one of them first: x.copy()"
        )


def _share(handles: Sequence[Handle]) -> None:
    """These, which are values on a tape now, are one another's relatives."""
    distinct = list(dict.fromkeys(handles))
    if len(distinct) > 1:
        storage = Storage()
        storage.share(*distinct)
        for handle in distinct:
            handle._storage = storage


# -- Values ----------------------------------------------------------------------------------------------


def _taken(tape: Tape, root: Handle, steps: Sequence[Step]) -> Handle:
    """The view of the root as it is now."""
    value: Any = root
    for op, statics in steps:
        value = tape.record(op, (value,), statics)
    found: Handle = value
    return found


def _written_through(tape: Tape, root: Handle, steps: Sequence[Step], new: Handle) -> Handle:
    """The root after its view at `steps` was given the value `new`."""
    above = [root]
    for op, statics in steps[:-1]:
        above.append(tape.record(op, (above[-1],), statics))
    value: Any = new
    for source, (op, statics) in zip(above[::-1], steps[::-1], strict=True):
        value = tape.record(writer(op), (source, value), statics)
    found: Handle = value
    return found


@cache
def writer(op: Operation) -> Operation:
    """The operation `(source, value) -> source`, with `value` where `op` looks."""
    if not op.differentiable:
        raise InPlaceError(
            f"in-place write at {user_location()} to what {op.name}() gave of an array, inside record(); "
            "copy it first: x.copy()"
        )
    lower = op.write or _rearranged(op)
    return Operation(f"write through {op.name}", lower, _write_now(op))


def _rearranged(op: Operation) -> Callable[..., Var]:
    """`op` only moves elements, so that its transpose moves them back."""

    def lower(source: Var, value: Operand, **statics: Any) -> Var:
        builder = source.builder
        start = len(builder.function.body)
        moved = op.lower(source, **statics)
        (new,) = aligned(value, dtype=source.dtype)
        if moved.value is source.value:
            return new
        body = builder.function.body[start:]
        env = {v: Var(builder, v) for instr in body for v in (*instr.operands, *instr.results)}
        return backpropagate(builder, list(body), env, {moved.value: new})[source.value]

    return lower


def _write_now(op: Operation) -> Callable[..., np.ndarray]:
    def write(source: np.ndarray, value: Any, **statics: Any) -> np.ndarray:
        result = source.copy()
        op.numpy(result, **statics)[...] = value
        return result

    return write
