"""The state of the user's Python at a truth test: is it where it was one round of a loop ago?

Two equal states mean that Python will do the same again as long as it sees the same truth values, so
that a loop of theirs can become a native loop. What cannot be compared safely makes a state None:
iterators of `for` loops and of built-ins that call back (`map`, `sorted`), generators, objects with a
life of their own.
"""

from __future__ import annotations

import builtins
import dis
import functools
import sys
from dataclasses import dataclass
from inspect import CO_OPTIMIZED
from types import BuiltinFunctionType, CellType, CodeType, FrameType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from tapejit.tracer.handle import Handle
from tapejit.tracer.location import is_users_file, user_frame
from tapejit.tracer.number import Number

if TYPE_CHECKING:
    from tapejit.tracer.tape import Tape

Frames = tuple[Any, ...]  # compared by ==

_CONSTANT = (int, float, complex, str, bytes, bool, type(None), np.generic)
_BY_IDENTITY = (ModuleType, type, np.ufunc)
# What may call the user's functions from C, in a loop that no frame shows: built-ins, under any name,
# and functions and methods known by their names.
_CALLING_BACK = (map, filter, sorted, min, max)
_CALLING_BACK_NAMES = frozenset({
    "sort", "reduce", "accumulate", "starmap", "vectorize", "apply_along_axis", "apply_over_axes",
    "frompyfunc", "fromfunction", "fromiter", "piecewise",
})  # fmt: skip
_DEEPEST = 4  # containers in containers that are looked into
_LARGEST = 4096  # bytes of an array that is compared by its contents
_OUTERMOST = "_traced_call"  # the method of a decorated function that runs the user's code


@dataclass(frozen=True, eq=False, slots=True)
class Position:
    """A value of the trace held by a variable: one that stayed, or one that this round made anew."""

    cut: int
    age: int  # cuts since
    index: int

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Position) or self.index != other.index:
            return False
        return self.cut == other.cut or self.age == other.age

    __hash__ = None  # type: ignore[assignment]  # not transitive


class _Incomparable(Exception):
    """A local variable whose state cannot be told."""


def frames_of(tape: Tape) -> Frames | None:
    """The frames from the user's innermost one out to the call that `tape` records.

    None if one of them cannot be compared.
    """
    frame = user_frame()
    states: list[Any] = []
    try:
        while frame is not None and not _is_call(frame, tape):
            if is_users_file(frame.f_code.co_filename):
                if states and _may_call_back(frame):
                    return None
                states.append(_frame_state(frame, tape))
            frame = frame.f_back
    except _Incomparable:
        return None
    return tuple(states)


def _is_call(frame: FrameType, tape: Tape) -> bool:
    return frame.f_code.co_name == _OUTERMOST and frame.f_locals.get("tape") is tape


def _frame_state(frame: FrameType, tape: Tape) -> Any:
    if _inside_for(frame.f_code, frame.f_lasti):
        raise _Incomparable
    snapshot = frame.f_locals
    try:
        local = [(name, _state(x, tape)) for name, x in snapshot.items()]
    finally:
        if sys.version_info < (3, 13) and frame.f_code.co_flags & CO_OPTIMIZED:
            snapshot.clear()  # a function's: a cache on the frame, which would keep dead arrays alive
    return (frame.f_code, frame.f_lasti, local)


def _state(x: Any, tape: Tape, depth: int = 0) -> Any:
    """Something that is equal for equal states of one local variable."""
    if isinstance(x, Handle):
        made = tape.origin(x)
        age = len(tape.cuts or ())
        return Position(made[0], age - made[0], made[1]) if isinstance(made, tuple) else id(x)
    if isinstance(x, Number):
        return (Number, repr(x.expression), repr(x.value))
    if isinstance(x, _CONSTANT):
        return (type(x), repr(x))
    if isinstance(x, _BY_IDENTITY) and x not in _CALLING_BACK:
        return id(x)
    if isinstance(x, BuiltinFunctionType) and isinstance(x.__self__, ModuleType | None):
        return id(x)
    if isinstance(x, FunctionType) and depth < _DEEPEST:
        return (id(x), *_captures(x, tape, depth + 1))
    if isinstance(x, np.ndarray) and x.nbytes <= _LARGEST and x.dtype != object:
        return (id(x), x.dtype.str, x.shape, x.tobytes())
    if isinstance(x, list | tuple) and depth < _DEEPEST:
        return (type(x), *(_state(item, tape, depth + 1) for item in x))
    if isinstance(x, dict) and depth < _DEEPEST:
        return (dict, *((repr(k), _state(item, tape, depth + 1)) for k, item in x.items()))
    raise _Incomparable


def _captures(function: FunctionType, tape: Tape, depth: int) -> list[Any]:
    """The state that a function keeps between its calls: its closure and its defaults."""
    if not is_users_file(function.__code__.co_filename):
        return []
    kept = (*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values())
    cells = [_content(cell) for cell in function.__closure__ or ()]
    return [id(x) if x is function else _state(x, tape, depth) for x in (*kept, *cells)]


def _content(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not assigned yet
        return None


def _may_call_back(frame: FrameType) -> bool:
    """Whether the function calls something that calls Python from an iterator that is not to be seen."""
    if not _CALLING_BACK_NAMES.isdisjoint(frame.f_code.co_names):
        return True
    found = (frame.f_globals.get(name, getattr(builtins, name, None)) for name in _globals_of(frame.f_code))
    return any(x is hidden for x in found for hidden in _CALLING_BACK)


@functools.cache
def _globals_of(code: CodeType) -> frozenset[str]:
    return frozenset(i.argval for i in dis.get_instructions(code) if i.opname == "LOAD_GLOBAL")


def _inside_for(code: CodeType, offset: int) -> bool:
    """Whether `offset` is in the body of a `for` loop, whose iterator is not to be seen."""
    return any(start < offset < stop for start, stop in _for_loops(code))


@functools.cache
def _for_loops(code: CodeType) -> tuple[tuple[int, int], ...]:
    return tuple((i.offset, i.argval) for i in dis.get_instructions(code) if i.opname == "FOR_ITER")
