"""A loop run in strips: for a stretch of its iterations one group of statements, then the next group.

That is loop distribution with scalar expansion: a variable that one group leaves for another has a row of
elements, one per *lane* (iteration of the strip), in a buffer that stays in cache. The groups come from
cutting a long body (`depth`). All rows of one dtype share an array, at distances that are known, so that
LLVM sees that they do not overlap. Start with `Strip.lines`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from tapejit.codegen.level import Level, Run, in_order, loop_lines, write
from tapejit.codegen.memory import Array
from tapejit.codegen.name import Names
from tapejit.codegen.piece import Piece, assigned, pieces, read_first

LANES = 512  # iterations of a strip: a row of doubles takes 4 KB
LEAST_LANES = 64  # of a loop that is worth it


@dataclass(eq=False)
class Group:
    """Levels inside the strip's loop that run for all lanes before what follows does."""

    chain: list[Level]

    @cached_property
    def parts(self) -> list[Piece]:
        return list(pieces(in_order(self.chain)))


@dataclass(frozen=True)
class _Row:
    """The elements of a variable, one per lane."""

    array: Array
    begin: int

    def at(self, lane: str) -> str:
        return f"{self.array.name}[{self.begin} + {lane}]" if self.begin else f"{self.array.name}[{lane}]"


class Strip:
    """The level of a loop over a strip, and the groups that take its place.

    `kept` are the names that are assigned outside the loop and go on from lane to lane.
    """

    def __init__(self, lane: Level, groups: Sequence[Group], kept: set[str], names: Names):
        self._lane, self._groups, self._names = lane, groups, names
        self._loads = _loads(groups)
        self._buffers: dict[str, Array] = {}  # by dtype
        self._rows = self._allotted({n: k for n, k in _lives(groups).items() if n not in kept})

    @property
    def buffers(self) -> list[Array]:
        return list(self._buffers.values())

    def lines(self, around: Run) -> Iterator[str]:
        """The groups one after another, each in a loop over the lanes."""
        for group in self._groups:
            yield from loop_lines(self._lane, self._body(group), around)

    def _body(self, group: Group) -> Iterator[str]:
        needed, own = read_first(group.parts), assigned(group.parts)
        for name, load in self._loads.items():
            if name in needed:
                yield from load.node.lines()
        for name, row in self._rows.items():
            if name in needed:
                yield f"{name} = {row.at(self._lane.counter)}"
        yield from write(group.chain)
        for name, row in self._rows.items():
            if name in own:
                yield f"{row.at(self._lane.counter)} = {name}"

    def _allotted(self, lives: Mapping[str, Sequence[int]]) -> dict[str, _Row]:
        """A row for each variable that one group assigns and another one mentions; rows are used again."""
        rows: dict[str, _Row] = {}
        ends: dict[str, list[int]] = {}  # by dtype, the group in which each row is used for the last time
        for name, groups in sorted(lives.items(), key=lambda item: item[1][0]):
            if len(groups) > 1 and name not in self._loads:
                dtype = self._names.dtypes[name]
                used = ends.setdefault(dtype, [])
                k = next((k for k, end in enumerate(used) if end < groups[0]), len(used))
                used[k : k + 1] = [groups[-1]]
                rows[name] = _Row(self._buffer(dtype), k * LANES)
        for dtype, used in ends.items():
            self._buffers[dtype].size = len(used) * LANES
        return rows

    def _buffer(self, dtype: str) -> Array:
        if dtype not in self._buffers:
            self._buffers[dtype] = Array(self._names.fresh("lanes"), 0, dtype)
        return self._buffers[dtype]


def _lives(groups: Sequence[Group]) -> dict[str, list[int]]:
    """In which groups each variable is mentioned that one of them assigns."""
    found: dict[str, list[int]] = {name: [] for group in groups for name in sorted(assigned(group.parts))}
    for k, group in enumerate(groups):
        for name in {n for part in group.parts for n in part.reads | part.writes} & found.keys():
            found[name].append(k)
    return found


def _loads(groups: Sequence[Group]) -> dict[str, Piece]:
    """What is only fetched from memory, by its name: each group that needs it does so itself."""
    parts = [part for group in groups for part in group.parts]
    made = assigned(parts)
    return {name: part for part in parts if part.is_load and not part.reads & made for name in part.writes}
