"""Arrays that outlive the call that traced them: appended to a list, set as an attribute, bound to a global.

They have a value in the call that traces, but not in those that run no Python. So when a traced call is over,
what is left of its arrays becomes `Expired`: using one raises an error that says where it was made.
"""

from __future__ import annotations

import gc
import threading
import time
import weakref
from collections.abc import Iterator
from typing import TYPE_CHECKING, NoReturn

from tapejit.tracer.errors import EscapedArrayError
from tapejit.tracer.handle import Handle
from tapejit.tracer.location import user_location
from tapejit.tracer.segment import Segment
from tapejit.tracer.trie import Node, trace_of

if TYPE_CHECKING:
    from tapejit.tracer.tape import Tape


_OLDEST = 2  # the generation of garbage that `gc.collect()` collects, with all younger ones
_ATTEMPTS, _PAUSE = 20, 0.005  # to collect garbage while another thread does; seconds


class Expired:
    """What an array belongs to once the call that made it is over."""

    def __init__(self, function: str, made: str):
        self._function, self._made = function, made

    def demand(self) -> NoReturn:
        """Raise the error: there is no value."""
        raise EscapedArrayError(
            f"an array made at {self._made}, inside {self._function}, is used after the call, at "
            f"{user_location()}: it was stored outside while the function was traced, and calls that run no "
            "Python would not store it; return it from the function instead (as an auxiliary result: has_aux)"
        )

    cut = demand


class Leftovers:
    """Watches the arrays of one traced call."""

    def __init__(self) -> None:
        self._made: list[tuple[weakref.ref[Handle], Node, int]] = []
        self._given: list[tuple[weakref.ref[Handle], str]] = []

    def watch(self, handle: Handle, node: Node, index: int) -> None:
        """An array made by the segment that ends at `node`, which may be held after it."""
        self._made.append((weakref.ref(handle), node, index))

    def watch_argument(self, handle: Handle, name: str) -> None:
        """An array that the function was given."""
        self._given.append((weakref.ref(handle), f"the argument {name}"))

    def expire(self, function: str, collect: bool) -> list[str]:
        """Let all arrays that are left expire; where they were made, as far as that is known.

        `collect`: what only a cycle of garbage holds does not count. None is known to be held for good while
        another thread keeps this one from collecting garbage.
        """
        self._abandon_segments()
        sure = not collect or not any(True for _ in self._left()) or _collected()
        places = []
        for handle, made in self._left():
            handle._tape, handle._elements, handle._leaf, handle._history = (
                Expired(function, made),
                None,
                None,
                None,
            )
            places.append(made)
        return places if sure else []

    def _abandon_segments(self) -> None:
        """What nobody computed any more holds its arrays, and they hold it: a circle that is ours to open."""
        for handle, _ in self._left():
            if isinstance(handle._tape, Segment):
                handle._tape.abandon()

    def _left(self) -> Iterator[tuple[Handle, str]]:
        for ref, node, index in self._made:
            handle = ref()
            if handle is not None:
                yield handle, _place(node, index)
        for argument, name in self._given:
            handle = argument()
            if handle is not None:
                yield handle, name


def _collected() -> bool:
    """Collect all garbage; whether that was done, for nothing happens while another thread is at it."""
    mine, begun = threading.get_ident(), []

    def note(phase: str, info: dict[str, int]) -> None:
        if threading.get_ident() == mine and info["generation"] == _OLDEST:
            begun.append(phase)

    gc.callbacks.append(note)
    try:
        for _ in range(_ATTEMPTS):
            gc.collect()
            if begun:
                break
            time.sleep(_PAUSE)
    finally:
        gc.callbacks.remove(note)
    return bool(begun)


def _place(node: Node, index: int) -> str:
    """The user's line that made a value of a trace."""
    trace = trace_of(node)
    value = trace.values[index]
    made = (instr.location for instr in trace.function.body if value in instr.results)
    return next(made, None) or "an unknown line"


def watch_pending(tape: Tape) -> None:
    """Watch the arrays that are pending on `tape`, whose call is over."""
    for index, ref in enumerate(tape.values):
        handle = None if ref is None else ref()
        if handle is not None and handle._tape is tape and tape.leftovers is not None:
            tape.leftovers.watch(handle, tape.node, index)
