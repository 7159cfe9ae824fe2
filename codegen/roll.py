"""Parts of a program that follow one another in rounds become a loop again.

From round to round only the places of temporaries in the workspace differ, and numbers; a table holds these.
So a thousand steps compile as quickly as ten. See docs/decisions/0018-repeated-nests.md. Start with `rolled`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from tapejit.codegen.level import INDENT
from tapejit.codegen.memory import PLACED, Array, placed
from tapejit.codegen.mention import Mentions, given_in
from tapejit.codegen.name import Names
from tapejit.codegen.skeleton import Skeleton, is_float, skeleton_of

FEWEST = 4  # rounds
LONGEST = 64  # parts of a round


@dataclass(frozen=True)
class Place:
    """Where a temporary lies in the workspace."""

    begin: str
    size: int
    dtype: str

    def line(self, name: str, begin: str) -> str:
        """What finds a temporary like this one under a name."""
        return placed(Array(name, self.size, self.dtype), begin)


Places = dict[str, Place]


@dataclass(frozen=True)
class Part:
    """A part without the lines that place its temporaries."""

    comments: tuple[str, ...]
    skeleton: Skeleton
    places: tuple[Place | None, ...]  # of those of its variables that are temporaries
    own: tuple[bool, ...]  # which variables it gives a value, and nobody else uses
    closed: bool  # it gives none that others use

    @cached_property
    def key(self) -> object:
        """Equal for parts that may be rounds of one loop."""
        found = zip(self.skeleton.names, self.places, self.own, strict=True)
        variables = [(p.size, p.dtype) if p else own or name for name, p, own in found]
        return self.skeleton.key, tuple(variables), self.closed or id(self)


def rolled(parts: Sequence[Sequence[str]], local: Collection[str], names: Names) -> list[str]:
    """The lines of a program whose temporaries are in a workspace, with loops for what comes in rounds.

    Each part means its own by the names in `local`.
    """
    found_places = filter(None, (PLACED.fullmatch(line) for part in parts for line in part))
    places = {m["name"]: Place(m["begin"], int(m["size"]), m["dtype"]) for m in found_places}
    mentions = Mentions([[line for line in part if not PLACED.fullmatch(line)] for part in parts], local)
    found = [_part(k, part, places, mentions) for k, part in enumerate(parts)]
    keys = [part.key for part in found]
    lines: list[str] = []
    known: set[str] = set()  # temporaries that are in sight
    k = 0
    while k < len(parts):
        length, rounds = _rounds(keys, k)
        if rounds:
            lines += _Loop(found[k : k + length * rounds], length, names).lines()
        else:
            lines += _written(found[k], places, known)
        k += length * max(rounds, 1)
    return lines


def _part(k: int, part: Sequence[str], places: Places, mentions: Mentions) -> Part:
    comments = tuple(line for line in part if line.startswith("#"))
    rest = [line for line in part if not line.startswith("#") and not PLACED.fullmatch(line)]
    skeleton, given = skeleton_of(rest), given_in(rest)
    own = tuple(name in given and mentions.stay_in(k, name) for name in skeleton.names)
    closed = all(mentions.stay_in(k, name) for name in given)
    return Part(comments, skeleton, tuple(places.get(name) for name in skeleton.names), own, closed)


def _rounds(keys: Sequence[object], start: int) -> tuple[int, int]:
    """How many parts a round has that begins at `start`, and how many rounds there are; 1 and 0 if none."""
    best = 1, 0
    for length in range(1, min(LONGEST, (len(keys) - start) // FEWEST) + 1):
        first, count = keys[start : start + length], 1
        while keys[start + count * length : start + (count + 1) * length] == first:
            count += 1
        if count >= FEWEST and count * length > best[0] * best[1]:
            best = length, count
    return best


def _written(part: Part, places: Places, known: set[str]) -> Iterator[str]:
    """The lines of a part, after those that place its temporaries, if none did before."""
    yield from part.comments
    for name in part.skeleton.names:
        if name in places and name not in known:
            known.add(name)
            yield places[name].line(name, places[name].begin)
    yield from part.skeleton.filled(part.skeleton.numbers).split("\n")


class _Loop:
    """Rounds as a loop."""

    def __init__(self, parts: Sequence[Part], length: int, names: Names):
        self._rounds = [parts[k : k + length] for k in range(0, len(parts), length)]
        self._names = names
        self._round = names.fresh("round")
        self._tables: dict[tuple[str, ...], str] = {}  # what stands for numbers, one per round
        self._rows: dict[tuple[tuple[str, ...], Place], str] = {}  # the temporaries of a round

    def lines(self) -> Iterator[str]:
        body = [line for parts in zip(*self._rounds, strict=True) for line in self._body(parts)]
        for column, name in self._tables.items():
            yield f"{name} = ({', '.join(column)})"
        yield f"for {self._round} in range({len(self._rounds)}):"
        yield from (INDENT + line for line in body)

    def _body(self, parts: Sequence[Part]) -> Iterator[str]:
        """One part of a round."""
        first = parts[0]
        yield from first.comments
        variables = list(first.skeleton.names)
        for k, place in enumerate(first.places):
            if place is not None:
                begins = tuple(found.begin for part in parts if (found := part.places[k]))
                if (begins, place) not in self._rows:
                    row = self._rows[begins, place] = self._names.fresh("row")
                    yield place.line(row, self._number(begins))
                variables[k] = self._rows[begins, place]
        columns = zip(*(part.skeleton.numbers for part in parts), strict=True)
        text = first.skeleton.filled([self._number(column) for column in columns], variables)
        yield from text.split("\n")

    def _number(self, column: tuple[str, ...]) -> str:
        """Source of a number that is another one in each round."""
        if len(set(column)) == 1:
            return column[0]
        if (step := _step(column)) is not None:
            times = f" * {abs(step)}" if abs(step) != 1 else ""
            return f"{column[0]} {'+' if step > 0 else '-'} {self._round}{times}"
        if column not in self._tables:
            self._tables[column] = self._names.fresh("each")
        return f"{self._tables[column]}[{self._round}]"


def _step(column: Sequence[str]) -> int | None:
    """How far whole numbers are apart that are evenly so."""
    if any(map(is_float, column)):
        return None
    numbers = list(map(int, column))
    steps = {after - before for before, after in pairwise(numbers)}
    return steps.pop() if len(steps) == 1 else None
