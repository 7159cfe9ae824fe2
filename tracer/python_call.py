"""A Python function as a node of the autograd graph, whose derivative is another Python function.

It stands among the segments of a record, and the reverse sweeps go through it: where they compute, the
derivative runs at once on arrays; where they record, it runs on a tape of its own, and what it does there is
differentiated in its turn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tapejit.tracer.errors import NOT_IN_GRAPH, AutogradError
from tapejit.tracer.handle import Handle, History
from tapejit.tracer.location import user_location
from tapejit.tracer.segment import Segment, Source
from tapejit.tracer.state import STATE
from tapejit.tracer.storage import Arguments
from tapejit.tracer.tape import Tape
from tapejit.tracer.trie import Reach

Pull = Callable[[Sequence[Handle], bool], Sequence[Handle | None]]
"""From the adjoints of the results to those of the inputs, None for zeros; whether that is recorded."""


def twin_of(x: Handle) -> Handle:
    """Another handle on the same array, with its place in the graph."""
    twin = type(x).wrap(x.materialise(), x.storage)
    twin._leaf, twin._history = x._leaf, x._history
    return twin


class PythonCall(Segment):
    """Values 0, 1, ... are the inputs, which nobody else holds; after them come the results."""

    __slots__ = ("_inputs", "_name", "_pull", "_results")

    def __init__(
        self, tape: Tape, name: str, inputs: Sequence[Handle], results: Sequence[Handle], pull: Pull
    ):
        arguments = Arguments()
        for x in inputs:
            arguments.add_array(x.materialise(), x.storage)
        sources = {i: Source(x, x._leaf, x._history, x) for i, x in enumerate(inputs) if x.tracked}
        super().__init__(tape, tape.trie.root, arguments, sources, {})
        self._name, self._pull = name, pull
        self._inputs = list(inputs)
        self._results = [(type(y), y.type) for y in results]
        for k, y in enumerate(results, len(inputs)):
            if y.type.is_inexact:
                y._history = History(self, k)
                self.kept |= {k}

    def release(self) -> None:
        super().release()
        self._pull, self._inputs = _freed, []

    def reach(self, heads: tuple[int, ...]) -> Reach:
        return Reach(frozenset((*heads, *self.sources)), tuple(self.sources))

    def computed(self, seeds: dict[int, np.ndarray | None], wrt: Sequence[int]) -> list[np.ndarray | None]:
        """The adjoints of the inputs `wrt`, computed at once."""
        before, STATE.tape = STATE.tape, None
        try:
            found = self._adjoints(seeds, wrt, False)
            return [None if x is None else x.materialise() for x in found]
        finally:
            STATE.tape = before

    def recorded(self, seeds: dict[int, Handle | None], wrt: Sequence[int]) -> list[Handle]:
        """The adjoints of the inputs `wrt` as arrays with a history."""
        tape = _PullTape(self.tape, self._name)
        before, STATE.tape = STATE.tape, tape
        try:
            found = self._adjoints(seeds, wrt, True)
        finally:
            STATE.tape, tape.active = before, None
        inputs = (self._inputs[i] for i in wrt)
        return [
            type(x).wrap(np.zeros(x.type.shape, x.type.numpy_dtype)) if bar is None else bar
            for x, bar in zip(inputs, found, strict=True)
        ]

    def _adjoints(self, seeds: dict[int, Any], wrt: Sequence[int], recorded: bool) -> list[Handle | None]:
        for x, data in zip(self._inputs, self.arguments.values, strict=True):
            x._elements = data  # of the time of the call, if the array was written to since
        bars = [self._bar(seeds, k) for k in range(len(self._results))]
        found = self._pull(bars, recorded)
        return [found[i] for i in wrt]

    def _bar(self, seeds: dict[int, Any], k: int) -> Handle:
        """The adjoint of result k as an array: ones for a head without one, zeros where none arrives."""
        face, type_ = self._results[k]
        index = len(self._inputs) + k
        seed = seeds.get(index)
        if isinstance(seed, Handle):
            return seed
        if seed is None:
            seed = np.full(type_.shape, 1 if index in seeds else 0, type_.numpy_dtype)
        return face.wrap(seed)


class _PullTape(Tape):
    """On it a derivative is recorded, which must not take numbers out of it."""

    __slots__ = ("_name",)

    def __init__(self, around: Tape, name: str):
        super().__init__(around.trie)
        self._name = name

    def note_escape(self, handle: Handle | None, seen: Any, inside: bool = False) -> None:
        if isinstance(seen, np.ndarray) and seen.dtype.kind in "fc" and handle is not None and handle.tracked:
            raise AutogradError(
                f"{self._name} has no derivative: under create_graph=True it is recorded, but at "
                f"{user_location()} it takes numbers out of an array by asnumpy(), float() or their kin; "
                "compute with arrays"
            )
        super().note_escape(handle, seen, inside)


def _freed(bars: Sequence[Handle], recorded: bool) -> Sequence[Handle | None]:
    raise AutogradError(NOT_IN_GRAPH)
