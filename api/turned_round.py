"""One round of a loop whose rounds go different ways, as IR: a tree of `cond`s. See `tapejit.turning`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tapejit.ir import ops
from tapejit.ir.builder import Var
from tapejit.ir.control import cond
from tapejit.ir.function import Function
from tapejit.ir.types import TensorType
from tapejit.segment_ir import inlined, parameters, region, truth
from tapejit.tracer.segment import Cut, Made
from tapejit.turning import Outcome, Source, Turning, Way

Constant = tuple[int, int, int]  # way, position, argument of the segment


def constants_of(loop: Turning) -> Iterator[tuple[Cut, int | None, int, TensorType]]:
    """What rounds read that is neither a slot nor made in the round: cut, input, argument and type."""
    for number, position, k in _constants(loop):
        cut = loop.ways[number].cuts[position]
        i, type_ = list(parameters(cut))[k]
        yield cut, i, k, type_


def turned_round(loop: Turning, state: Sequence[Var], consts: Sequence[Var]) -> tuple[Sequence[Var], Var]:
    """The state after one more round, and whether that round goes a way that is known."""
    found = _Round(loop, list(_constants(loop)), _Known(tuple(state), tuple(consts), {}))
    *after, ok = found.decide(range(len(loop.ways)), 0, 0)
    return after, ok


def _constants(loop: Turning) -> Iterator[Constant]:
    for number, way in enumerate(loop.ways):
        for position, cut in enumerate(way.cuts):
            for k, (i, _) in enumerate(parameters(cut)):
                if i is None or not isinstance(way.sources[position][i], int | tuple):
                    yield number, position, k


@dataclass(frozen=True)
class _Known:
    """The values at one point of a round."""

    state: tuple[Var, ...]
    consts: tuple[Var, ...]
    made: dict[Made, Var]

    def flat(self) -> list[Var]:
        """All of them, in an order that `like` undoes."""
        return [*self.state, *self.consts, *self.made.values()]

    def like(self, values: Sequence[Var]) -> _Known:
        """The same in a region that has `values` for parameters."""
        first, second = len(self.state), len(self.state) + len(self.consts)
        made = dict(zip(self.made, values[second:], strict=True))
        return _Known(tuple(values[:first]), tuple(values[first:second]), made)

    def of(self, source: Source) -> Var:
        """A slot, or a value made in the round."""
        assert isinstance(source, int | tuple)
        return self.state[source] if isinstance(source, int) else self.made[source]


@dataclass(frozen=True)
class _Round:
    loop: Turning
    constants: list[Constant]
    known: _Known

    def decide(self, ways: Sequence[int], position: int, element: int) -> list[Var]:
        """From test `element` at `position` on: the state after the round, and whether it is known."""
        yes, no = self._sides(ways, position, element)
        if not yes and not no:
            return self._advance(ways, position)
        index, _ = self._outcome((yes or no)[0], position)[element]
        subject = self.known.of(index if position == 0 else (position - 1, index))
        if not yes or not no:
            *after, ok = self.decide(yes or no, position, element + 1)
            return [*after, ops.logical_and(truth(subject, bool(yes)), ok)]
        regions = tuple(self._region(side, position, element + 1) for side in (yes, no))
        return list(cond.several(truth(subject, True), *self.known.flat(), regions=regions))

    def _outcome(self, number: int, position: int) -> Outcome:
        way: Way = self.loop.ways[number]
        return way.first if position == 0 else way.tests[position - 1] if position < len(way.cuts) else ()

    def _sides(self, ways: Sequence[int], position: int, element: int) -> tuple[list[int], list[int]]:
        """The ways on which the test was true, and those on which it was false; none if there is no test."""
        tested = [n for n in ways if len(self._outcome(n, position)) > element]
        seen = {n: self._outcome(n, position)[element][1] for n in tested}
        return [n for n in tested if seen[n]], [n for n in tested if not seen[n]]

    def _region(self, ways: Sequence[int], position: int, element: int) -> Function:
        def make(values: Sequence[Var]) -> Sequence[Var]:
            inside = _Round(self.loop, self.constants, self.known.like(values))
            return inside.decide(ways, position, element)

        return region("way", self.known.flat(), make)

    def _advance(self, ways: Sequence[int], position: int) -> list[Var]:
        """The next segment, which is the same on all ways, and on to its tests."""
        number, way = ways[0], self.loop.ways[ways[0]]
        builder = self.known.state[0].builder
        if position == len(way.cuts):
            return [*map(self.known.of, way.after), builder.full(TensorType("bool"), True)]
        cut = way.cuts[position]
        args = [self._argument(number, position, k, i) for k, (i, _) in enumerate(parameters(cut))]
        made = self.known.made | inlined(builder, cut, position, args)
        further = _Round(self.loop, self.constants, _Known(self.known.state, self.known.consts, made))
        return further.decide(ways, position + 1, 0)

    def _argument(self, number: int, position: int, k: int, i: int | None) -> Var:
        source = None if i is None else self.loop.ways[number].sources[position][i]
        if isinstance(source, int | tuple):
            return self.known.of(source)
        return self.known.consts[self.constants.index((number, position, k))]
