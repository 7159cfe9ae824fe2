"""Rounds of a `while` that go different ways: an `if` in the body, a `break`, two tests per round.

Rounds are stretches between visits of Python to the same state: the same places in the code, the same local
variables but for arrays that the trace made (`tracer.frame`). What those variables hold is handed from round
to round in *slots*. As Python does the same from the same state as long as it sees the same truth values, the
rounds met are a tree of tests, and any sequence of them can run natively.
"""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tapejit.rounds import Ref
from tapejit.tracer.frame import Frames, Position
from tapejit.tracer.handle import Handle
from tapejit.tracer.seen import Escape
from tapejit.tracer.segment import Cut, Made
from tapejit.tracer.tape import MAX_PERIOD
from tapejit.tracer.trie import trace_of

MAX_WAYS = 8  # different rounds of one loop
LONGEST = 3 * MAX_PERIOD  # cuts of a round

Outcome = tuple[tuple[int, bool], ...]  # value number in its cut, truth
Source = int | Made | Handle  # a slot, a value made in the same round (position, value number), or neither


@dataclass(frozen=True)
class Way:
    """One way through a round. Tests are of slots at first, then of values of each cut but the last."""

    cuts: tuple[Cut, ...]
    first: Outcome  # slot, truth
    tests: tuple[Outcome, ...]  # after each cut but the last
    sources: tuple[dict[int, Source], ...]  # per cut and input
    after: tuple[Source, ...]  # per slot

    def key(self) -> Hashable:
        """What tells it from other ways, in any call."""
        return (self.first, tuple(cut.node for cut in self.cuts), self.tests)


@dataclass(frozen=True)
class Turning:
    """A loop between the states after `start` and after `stop` cuts."""

    start: int
    stop: int
    entry: tuple[Ref, ...]  # per slot: what it holds at first
    last: tuple[Ref, ...]  # and in the end
    ways: tuple[Way, ...]


@dataclass(frozen=True)
class _Visit:
    """Python at a state: after so many cuts, with these values in the slots."""

    after: int
    skeleton: Any
    slots: tuple[Ref, ...]


def find_turning(cuts: Sequence[Cut], escapes: Sequence[Escape], used: Sequence[Ref]) -> list[Turning]:
    """The loops in a call whose rounds go different ways, in order; `used` are its results."""
    call = _Call(cuts, escapes, used)
    found, start = [], 0
    for visits in call.returns():
        loop = call.loop(visits) if visits[0].after >= start else None
        if loop is not None:
            found.append(loop)
            start = loop.stop
    return found


class _Call:
    def __init__(self, cuts: Sequence[Cut], escapes: Sequence[Escape], used: Sequence[Ref]):
        self._cuts, self._used = cuts, used
        self._after: list[list[Escape]] = [[] for _ in range(len(cuts) + 1)]
        for escape in escapes:
            self._after[escape.after].append(escape)

    def returns(self) -> Iterator[list[_Visit]]:
        """Stretches of visits to one state, the first met first."""
        groups: list[list[_Visit]] = []
        for visit in self._visits():
            for group in groups:
                if group[-1].skeleton == visit.skeleton and visit.after - group[-1].after <= LONGEST:
                    group.append(visit)
                    break
            else:
                groups.append([visit])
        return (group for group in groups if len(group) > 3)

    def _visits(self) -> Iterator[_Visit]:
        for after, escapes in enumerate(self._after):
            if escapes and escapes[-1].frames is not None and all(map(_is_truth, escapes)):
                skeleton, held = _without_positions(escapes[-1].frames)
                tested = [e.what for e in escapes if isinstance(e.what, tuple)]
                yield _Visit(after, (skeleton, len(tested)), (*held, *tested))

    def loop(self, visits: Sequence[_Visit]) -> Turning | None:
        """The loop that these visits are the heads of; None if it has but one way, or cannot be told."""
        rounds: dict[Any, list[tuple[_Visit, _Visit]]] = {}
        for begin, end in itertools.pairwise(visits):
            key = self._key(begin, end)
            if key is None:
                return None
            rounds.setdefault(key, []).append((begin, end))
        if not 1 < len(rounds) <= MAX_WAYS or len({self._types(v) for v in visits}) > 1:
            return None
        ways = [self._way(key, rounds) for key in rounds]
        if any(way is None for way in ways):
            return None
        found = Turning(
            visits[0].after,
            visits[-1].after,
            visits[0].slots,
            visits[-1].slots,
            tuple(way for way in ways if way is not None),
        )
        return found if self._covers(found) else None

    def _key(self, begin: _Visit, end: _Visit) -> Any:
        """What tells one way from another: its first truth values, then segments and truth values."""
        steps: list[Any] = [tuple(e.seen for e in self._after[begin.after])]
        for number in range(begin.after, end.after):
            outcome = self._outcome(number) if number + 1 < end.after else ()
            if outcome is None:
                return None
            steps.append((self._cuts[number].node, outcome))
        return tuple(steps)

    def _outcome(self, number: int) -> Outcome | None:
        """What Python saw after a cut, if it is all truth values of that cut."""
        escapes = self._after[number + 1]
        seen = [(e.what, e.seen) for e in escapes if isinstance(e.what, tuple) and isinstance(e.seen, bool)]
        if not seen or len(seen) < len(escapes) or any(what[0] != number for what, _ in seen):
            return None
        return tuple((what[1], truth) for what, truth in seen)

    def _types(self, visit: _Visit) -> tuple[Any, ...]:
        return tuple(self._type(ref) for ref in visit.slots)

    def _type(self, ref: Ref) -> Any:
        return trace_of(self._cuts[ref[0]].node).values[ref[1]].type if isinstance(ref, tuple) else ref.type

    def _way(self, key: Any, rounds: dict[Any, list[tuple[_Visit, _Visit]]]) -> Way | None:
        """The rounds of one kind as a way; None if those with the same beginning read differently."""
        begin, end = rounds[key][0]
        numbers = range(begin.after, end.after)
        sources = []
        for position, number in enumerate(numbers):
            alike = [r for other, each in rounds.items() if _same_until(key, other, position) for r in each]
            if any(self._cuts[b.after + position].node is not self._cuts[number].node for b, _ in alike):
                return None
            found = {i: self._common(alike, position, i) for i in self._cuts[number].inputs}
            if None in found.values() or not self._same_numbers(alike, position):
                return None
            sources.append({i: s for i, s in found.items() if s is not None})
        after = [self._common_after(rounds[key], slot) for slot in range(len(end.slots))]
        if None in after:
            return None
        first = len(begin.slots) - len(self._after[begin.after])
        return Way(
            tuple(self._cuts[number] for number in numbers),
            tuple((first + k, bool(e.seen)) for k, e in enumerate(self._after[begin.after])),
            tuple(self._outcome(number) or () for number in numbers[:-1]),
            tuple(sources),
            tuple(s for s in after if s is not None),
        )

    def _same_numbers(self, rounds: Sequence[tuple[_Visit, _Visit]], position: int) -> bool:
        """Whether the Python numbers among the operands are the same in all rounds."""
        return len({tuple(_numbers(self._cuts[begin.after + position])) for begin, _ in rounds}) == 1

    def _common(self, rounds: Sequence[tuple[_Visit, _Visit]], position: int, i: int) -> Source | None:
        """Where an input comes from, in all rounds alike."""
        choices = [_sources(self._cuts[begin.after + position].inputs[i], begin) for begin, _ in rounds]
        return next((s for s in choices[0] if all(s in other for other in choices)), None)

    def _common_after(self, rounds: Sequence[tuple[_Visit, _Visit]], slot: int) -> Source | None:
        """Where a slot's next value comes from, in all rounds alike."""
        choices = [_sources(end.slots[slot], begin, slot) for begin, end in rounds]
        return next((s for s in choices[0] if all(s in other for other in choices)), None)

    def _covers(self, loop: Turning) -> bool:
        """Whether what is used of the loop afterwards is in its slots."""
        later: list[Any] = list(self._used)
        for cut in self._cuts[loop.stop :]:
            later.extend(cut.inputs.values())
        later.extend(e.what for escapes in self._after[loop.stop :] for e in escapes)
        inside = (r for r in later if isinstance(r, tuple) and loop.start <= r[0] < loop.stop)
        return all(r in loop.last for r in inside)


def _same_until(key: Any, other: Any, position: int) -> bool:
    """Whether two ways are the same up to the segment at a position."""
    return len(other) > position + 1 and key[: position + 1] == other[: position + 1]


def _is_truth(escape: Escape) -> bool:
    return isinstance(escape.seen, bool) and isinstance(escape.what, tuple)


def _sources(ref: Ref, begin: _Visit, slot: int | None = None) -> list[Source]:
    """All that a reference may mean in a round that begins at a visit, the likeliest first."""
    if not isinstance(ref, tuple):
        held = [k for k, other in enumerate(begin.slots) if other is ref]
        return [*held, ref]
    if ref[0] >= begin.after:
        return [(ref[0] - begin.after, ref[1])]
    same = [k for k, other in enumerate(begin.slots) if isinstance(other, tuple) and other == ref]
    return sorted(same, key=lambda k: k != slot)


def _numbers(cut: Cut) -> Iterator[str]:
    inputs = trace_of(cut.node).inputs
    return (repr((type(x), x)) for x, i in zip(cut.values, inputs, strict=True) if i is None)


def _without_positions(frames: Frames) -> tuple[Any, list[Made]]:
    """The state of Python without the values of the trace, and these in order."""
    held: list[Made] = []

    def walk(x: Any) -> Any:
        if isinstance(x, Position):
            held.append((x.cut, x.index))
            return Position
        if isinstance(x, tuple | list):
            return [walk(item) for item in x]
        return x

    return walk(frames), held
