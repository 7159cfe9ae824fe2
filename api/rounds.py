"""Rounds of a `while` loop in a recorded call: stretches of segments that repeat, and may be repeated.

Segments repeat when they are the same steps of the trie, saw the same truth values, and take what they
read from the round before or from outside, in the same way each time. They are a loop, and not a
coincidence, when the Python around them was in the same state after every round (`tracer.frame`).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from tapejit.tracer.handle import Handle
from tapejit.tracer.seen import Escape
from tapejit.tracer.segment import Cut, Made
from tapejit.tracer.tape import MAX_PERIOD
from tapejit.tracer.trie import trace_of

Ref = Made | Handle
Source = int | Made | Literal["constant"]  # a slot, a value made in the same round, or neither changes it


@dataclass(frozen=True)
class Rounds:
    """`period` cuts from `start` on that repeat up to `stop`, exclusive."""

    start: int
    stop: int
    period: int
    slots: tuple[Made, ...]  # what one round hands to the next: position in the round, value number
    entry: tuple[Ref, ...]  # what the first round finds there
    sources: dict[tuple[int, int], Source]  # per position and input
    tests: tuple[tuple[tuple[int, bool], ...], ...]  # per position: value number, truth

    def source(self, position: int, i: int) -> Source:
        """Where an input of the round's cut at `position` comes from."""
        return self.sources[(position, i)]


def find_rounds(cuts: Sequence[Cut], escapes: Sequence[Escape], used: Sequence[Ref]) -> list[Rounds]:
    """The loops in a call, in order; `used` are its results."""
    call = _Call(cuts, escapes, used)
    found, start = [], 0
    while start < len(cuts):
        loop = next(filter(None, (call.loop(start, p) for p in range(1, MAX_PERIOD + 1))), None)
        if loop is not None:
            found.append(loop)
        start = loop.stop if loop is not None else start + 1
    return found


class _Call:
    """The cuts of a call, with what Python saw after each."""

    def __init__(self, cuts: Sequence[Cut], escapes: Sequence[Escape], used: Sequence[Ref]):
        self._cuts, self._used = cuts, used
        self._after: list[list[Escape]] = [[] for _ in range(len(cuts) + 1)]
        for escape in escapes:
            self._after[escape.after].append(escape)

    def loop(self, start: int, period: int) -> Rounds | None:
        """The loop that begins at cut `start`; None unless three rounds prove it."""
        stop = start + period
        while self._repeats(stop, period):
            stop += period
        if stop - start < 3 * period or not self._same_state(start, stop, period):
            return None
        sources = self._sources(start, stop, period)
        if sources is None:
            return None
        slots = tuple(dict.fromkeys(s for s in sources.values() if isinstance(s, tuple) and s[0] < 0))
        numbered = {s: n for n, s in enumerate(slots)}
        loop = Rounds(
            start,
            stop,
            period,
            tuple((s[0] + period, s[1]) for s in slots),
            tuple(self._entry(start, sources, slot) for slot in slots),
            {key: numbered.get(s, s) if isinstance(s, tuple) else s for key, s in sources.items()},
            tuple(self._tests(start + position) for position in range(period)),
        )
        return loop if slots and self._covers(loop) else None

    def _repeats(self, at: int, period: int) -> bool:
        """Whether the round at `at` has the steps and the outcomes of the round before."""
        if at + period > len(self._cuts):
            return False
        return all(
            self._cuts[k].node is self._cuts[k - period].node
            and self._outcome(k) == self._outcome(k - period)
            for k in range(at, at + period)
        )

    def _outcome(self, number: int) -> object:
        """What Python saw after a cut, all of it truth values of that cut; otherwise unlike anything."""
        escapes = self._after[number + 1]
        if not escapes or not all(isinstance(e.seen, bool) and _is_from(e, number) for e in escapes):
            return object()
        return [(e.what[1], e.seen) for e in escapes if isinstance(e.what, tuple)]

    def _tests(self, number: int) -> tuple[tuple[int, bool], ...]:
        return tuple(
            (e.what[1], e.seen)
            for e in self._after[number + 1]
            if isinstance(e.what, tuple) and isinstance(e.seen, bool)
        )

    def _same_state(self, start: int, stop: int, period: int) -> bool:
        """Whether Python was in the same state at the end of every round but the first."""
        frames = [self._after[k][-1].frames for k in range(start + 2 * period, stop + 1, period)]
        return None not in frames and all(a == b for a, b in itertools.pairwise(frames))

    def _sources(self, start: int, stop: int, period: int) -> dict[tuple[int, int], Source] | None:
        """Per position and input where it comes from (slots before 0); None if rounds differ."""
        found: dict[tuple[int, int], Source] = {}
        for at in range(start + period, stop, period):
            for position in range(period):
                for i, ref in self._cuts[at + position].inputs.items():
                    source = self._source(ref, at, position, i, period)
                    if source is None or found.setdefault((position, i), source) != source:
                        return None
        return found if self._numbers_stay(start, stop, period) else None

    def _source(self, ref: Ref, at: int, position: int, i: int, period: int) -> Source | None:
        before = self._cuts[at - period + position].inputs[i]
        if not isinstance(ref, tuple):
            return "constant" if ref is before or self._equal(at + position, i, period) else None
        if isinstance(before, tuple) and ref == before:
            return "constant"
        offset = ref[0] - at
        return (offset, ref[1]) if -period <= offset < period else None

    def _equal(self, number: int, i: int, period: int) -> bool:
        """Whether an array from outside has the same contents as one round before."""
        now, before = (self._value(k, i) for k in (number, number - period))
        return (
            isinstance(now, np.ndarray)
            and isinstance(before, np.ndarray)
            and now.dtype == before.dtype
            and now.tobytes() == before.tobytes()
        )

    def _value(self, number: int, i: int) -> object:
        cut = self._cuts[number]
        return cut.values[trace_of(cut.node).inputs.index(i)]

    def _numbers_stay(self, start: int, stop: int, period: int) -> bool:
        """Whether the Python numbers among the operands are those of the round before."""
        return all(
            _numbers(self._cuts[k]) == _numbers(self._cuts[k - period]) for k in range(start + period, stop)
        )

    def _entry(self, start: int, sources: dict[tuple[int, int], Source], slot: Made) -> Ref:
        """What the first round reads where later ones read `slot`."""
        position, i = next(key for key, source in sources.items() if source == slot)
        return self._cuts[start + position].inputs[i]

    def _covers(self, loop: Rounds) -> bool:
        """Whether what is used of the loop afterwards is what its last round hands on."""
        last = loop.stop - loop.period
        handed = {(last + position, index) for position, index in loop.slots}
        later: list[Any] = list(self._used)
        for cut in self._cuts[loop.stop :]:
            later.extend(cut.inputs.values())
        later.extend(e.what for escapes in self._after[loop.stop + 1 :] for e in escapes)
        inside = (r for r in later if isinstance(r, tuple) and loop.start <= r[0] < loop.stop)
        return all(r in handed for r in inside) and self._one_entry(loop)

    def _one_entry(self, loop: Rounds) -> bool:
        """Whether all readers of a slot found the same in the first round."""
        return all(
            _same(self._cuts[loop.start + position].inputs[i], loop.entry[source])
            for (position, i), source in loop.sources.items()
            if isinstance(source, int)
        )


def _same(first: Ref, second: Ref) -> bool:
    """Whether two references are one: arrays compare by identity, not by their elements."""
    return first == second if isinstance(first, tuple) and isinstance(second, tuple) else first is second


def _is_from(escape: Escape, number: int) -> bool:
    return isinstance(escape.what, tuple) and escape.what[0] == number


def _numbers(cut: Cut) -> list[str]:
    inputs = trace_of(cut.node).inputs
    return [repr((type(x), x)) for x, i in zip(cut.values, inputs, strict=True) if i is None]
