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
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tapejit.ir.builder import Var
from tapejit.ir.transforms.adjoint import backpropagate
from tapejit.tracer.errors import InPlaceError, ReadOnlyError
from tapejit.tracer.location import user_location
from tapejit.tracer.operation import Operand, Operation, aligned
from tapejit.tracer.storage import Storage

if TYPE_CHECKING:
    from tapejit.ir.types import TensorType
    from tapejit.tracer.handle import Handle
    from tapejit.tracer.tape import Tape

OVERLAP_WORK = 10_000  # what to find out whether two views overlap may cost; else they do
Step = tuple[
    Operation, tuple[tuple[str, Any], ...]
]  # an operation of one array that gives a view, and its statics


@dataclass(frozen=True, eq=False, slots=True)
class View:
    """An array is `steps` of the first of `sources`, which is of this type; step k was taken of source k."""

    sources: tuple[weakref.ref[Handle], ...]
    steps: tuple[Step, ...]
    type: TensorType | None  # None: it was an array with data

    def copies(self, data: np.ndarray) -> int:
        """After how many steps NumPy has made its last copy; 0 if the view is in the memory of `data`."""
        copied = 0
        for count, (op, statics) in enumerate(self.steps, 1):
            seen = np.asarray(op.numpy(data, **dict(statics)))
            if seen.size and not np.may_share_memory(seen, data):
                copied = count
            data = seen
        return copied


def note_view(view: Handle, source: Handle, step: Step) -> None:
    """Remember that `view` was taken from `source`, and that they may share their memory."""
    above, here = source._view or View((), (), source._type), weakref.ref(source)
    view._view = View((*above.sources, here), (*above.steps, step), above.type)
    view._storage = source.storage
    source.storage.share(source, view)


def rewrite(tape: Tape, handle: Handle, new: Handle) -> None:
    """Let `handle` have the value `new`, which was just recorded, and all that shares its memory see it."""
    living = [handle] if handle._storage is None else handle._storage.living()
    _refuse_orphans(handle, living)
    places = [(h, _place(h)) for h in living]
    mine = _place(handle)
    family = [(h, place) for h, place in places if place.root is mine.root and h is not handle]
    _refuse_strangers(mine.root, [h for h, place in places if place.root is not mine.root])
    if mine.root is not handle:
        tape.rebind(mine.root, _written_through(tape, mine.root, mine.steps, new))
    tape.rebind(handle, new)
    for view, place in family:
        if view is not mine.root:
            tape.rebind(view, _taken(tape, mine.root, place.steps))
    _share([handle, *(h for h, _ in family)])


def same_view(value: Any, source: Handle, step: Step) -> bool:
    """Whether `value` is what `step` sees of `source`, as after `x[i] += y`: to write it changes nothing."""
    view = getattr(value, "_view", None)
    if view is None or value._storage is not source._storage:
        return False
    mine, others = _place(value), _place(source)
    return mine.root is others.root and mine.steps == (*others.steps, step)


def settle_views(handles: Iterable[Handle]) -> None:
    """Give views of arrays that have data memory in these, as NumPy would."""
    for handle in handles:
        if handle._view is None:
            continue
        place = _place(handle)
        data = place.root._elements
        if place.steps and data is not None and place.root._storage is handle._storage:
            handle._elements = _seen(place.steps, data)


# -- Relations -------------------------------------------------------------------------------------------


class Place(NamedTuple):
    """Where the memory of an array is: what the steps see of another one; no steps if it is its own."""

    root: Handle
    steps: tuple[Step, ...]


def _place(handle: Handle) -> Place:
    """Its place in the first array on the way that somebody holds, after the last copy NumPy would make."""
    view = handle._view
    if view is None:
        return Place(handle, ())
    memory = _memory(view)
    copied = 0 if memory is None else view.copies(memory)
    for k in range(copied, len(view.steps)):
        source = view.sources[k]()
        if source is not None:
            return Place(source, view.steps[k:])
    return Place(handle, ())


def _memory(view: View) -> np.ndarray | None:
    """Memory as that of the root of a view; None if nobody can tell any more."""
    root = view.sources[0]()
    if root is not None and root._elements is not None:
        return root._elements
    type_ = view.type if root is None else root.type
    return None if type_ is None else np.zeros(type_.shape, type_.numpy_dtype)


def _seen(steps: Sequence[Step], data: np.ndarray) -> np.ndarray:
    for op, statics in steps:
        data = np.asarray(op.numpy(data, **dict(statics)))
    return data


def refuse_read_only(handle: Handle) -> None:
    """ReadOnlyError for an array that NumPy would not write to."""
    view, data = handle._view, handle._elements
    memory = None if data is not None or view is None else _memory(view)
    if view is not None and memory is not None:
        data = _seen(view.steps, memory)
    if data is not None and data.ndim and not data.flags.writeable:
        raise ReadOnlyError(f"in-place write at {user_location()}: assignment destination is read-only")


def _refuse_orphans(handle: Handle, living: Sequence[Handle]) -> None:
    """Views of an array that nobody holds stop a write to one another where they overlap."""
    view = handle._view
    if view is None or view.sources[0]() is not None:
        return
    for other in living:
        kin = other._view is not None and other._view.sources[0] is view.sources[0]
        if kin and _heir(other) is not _heir(handle) and _overlap(handle, other):
            _refuse(other)


def _heir(handle: Handle) -> Handle:
    """The first living array on the way to a view."""
    assert handle._view is not None
    return next((h for h in (source() for source in handle._view.sources) if h is not None), handle)


def _overlap(one: Handle, other: Handle) -> bool:
    """Whether two views of one array have elements in common."""
    pair, views = (one._elements, other._elements), (one._view, other._view)
    if pair[0] is None or pair[1] is None:
        assert views[0] is not None
        assert views[1] is not None
        if views[0].type is None:
            return True
        memory = np.zeros(views[0].type.shape, views[0].type.numpy_dtype)
        pair = _seen(views[0].steps, memory), _seen(views[1].steps, memory)
    try:
        return np.shares_memory(*pair, max_work=OVERLAP_WORK)  # type: ignore[arg-type]
    except np.exceptions.TooHardError:
        return True


def _refuse_strangers(written: Handle, others: Sequence[Handle]) -> None:
    """Arrays in the same memory, it is not known how, stop a write."""
    for other in others:
        known = written._elements is not None and other._elements is not None
        if known and np.may_share_memory(written._elements, other._elements):
            _refuse(other)


def _refuse(other: Handle) -> None:
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

    def lower(source: Var, value: Operand, /, **statics: Any) -> Var:
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
    def write(source: np.ndarray, value: Any, /, **statics: Any) -> np.ndarray:
        result = source.copy()
        op.numpy(result, **statics)[...] = value
        return result

    return write
