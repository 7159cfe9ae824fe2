"""A loop run in strips: for a stretch of its iterations one group of statements, then the next group.

That is loop distribution with scalar expansion: a variable that one group leaves for another has a row of
elements, one per *lane* (iteration of the strip), in a buffer that stays in cache. The groups come from
cutting a long body (`depth`); from moving the loop inside those it contains (`across`): short rows are then
computed side by side, one per lane; or they are the phases of longer rows (`by_phase`). Start with
`Strip.lines`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from tapejit.codegen.depth import by_depth
from tapejit.codegen.lane_buffer import LaneBuffer, LaneRow
from tapejit.codegen.level import Branch, Group, Item, Level, Node, Run, in_order, loop_lines, runs, write
from tapejit.codegen.name import Names, words
from tapejit.codegen.piece import Piece, assigned, pieces, read_first
from tapejit.ir.work import ROOT

LANES = 512  # iterations of a strip: a row of doubles takes 4 KB
LEAST_LANES = 64  # of a loop that is worth it
FEW_LANES = 8  # below, statements get no loop of their own beside one that contains another


def groups(nodes: Iterable[Node]) -> list[Item]:
    """The nodes of a body, cut by depth."""
    stages = by_depth(list(pieces(nodes)))
    return [Group([Level(before=[part.node for part in stage])]) for stage in stages if stage]


def across(levels: Sequence[Level], inside: Sequence[Item] = ()) -> list[Item]:
    """The items of a chain of levels around `inside`: its loops, and between them a group for every body."""
    if not levels:
        return list(inside)
    level, *others = levels
    loop = [Branch(level, across(others, inside))] if level.loop is not None else []
    return [*groups(level.before), *loop, *groups(level.after)]


def by_phase(phases: Iterable[Sequence[Level]], lanes: int) -> list[Item]:
    """The items of phases over rows: what is done once per row for all lanes, loops inside rows lane by lane.

    What costs little per row, or would be done for few lanes, is done in front of the next loop.
    """
    items: list[Item] = []
    waiting: list[Node] = []
    for first, *inside in phases:
        waiting += first.before
        if inside:
            starts = _starts(waiting, [replace(first, before=[]), *inside])
            per_row = [node for node in waiting if node not in starts]
            cost = sum(part.cost for part in pieces(per_row) if not part.is_load)
            cheap = cost < ROOT or lanes < FEW_LANES
            items += [] if cheap else groups(per_row)
            items.append(Group([replace(first, before=waiting if cheap else starts), *inside]))
            waiting = []
    return [*items, *groups(waiting)]


def _starts(nodes: Iterable[Node], loops: Sequence[Level]) -> list[Node]:
    """Where registers of these loops start."""
    changed = assigned(pieces(in_order(loops)))
    return [part.node for part in pieces(nodes) if part.writes & changed]


class Strip:
    """The level of a loop over a strip, and the items over which it is distributed.

    `kept` are the names that are assigned outside the loop and go on from lane to lane.
    """

    def __init__(self, lane: Level, items: Sequence[Item], kept: set[str], buffer: LaneBuffer, names: Names):
        self._lane, self._items, self._names = lane, items, names
        self._parts = {g: list(pieces(in_order(g.chain))) for item in items for g in item.groups()}
        every = [part for parts in self._parts.values() for part in parts]
        self._fixed = _fixed(every, lane)
        self._loads = _loads(every, self._fixed)
        carried = self._carried(assigned(every) - kept - self._fixed - self._loads.keys())
        self._rows = _allotted(carried, names.dtypes, buffer)

    def lines(self, around: Run) -> Iterator[str]:
        """The groups one after another, each in a loop over the lanes."""
        for item in self._items:
            yield from self._item(item, around, around)

    def _item(self, item: Item, strip: Run, around: Run) -> Iterator[str]:
        """The lines of an item of a strip that runs as `strip` says, inside a loop that runs as `around`."""
        if isinstance(item, Group):
            yield from self._group(item, strip)
            return
        for run in runs(item.level, around):
            inside = [line for each in item.inside for line in self._item(each, strip, run)]
            yield from loop_lines(item.level, inside, run)

    def _group(self, group: Group, around: Run) -> Iterator[str]:
        """A loop over the lanes; around it what is the same for all of them."""
        if len(group.chain) > 1:
            body = self._body(self._parts[group], write(group.chain))
            yield from loop_lines(self._lane, body, around)
            return
        fixed, others = self._divided(self._parts[group])
        for part in fixed:
            yield from part.node.lines()
        sums = {part: self._names.fresh("total") for part in others if self._is_sum(part)}
        yield from (f"{name} = {part.target}" for part, name in sums.items())
        inside = [line for part in others for line in _lines(part, sums)]
        yield from loop_lines(self._lane, self._body(others, inside), around)
        yield from (f"{part.target} = {name}" for part, name in sums.items())

    def _divided(self, parts: Sequence[Piece]) -> tuple[list[Piece], list[Piece]]:
        """What is computed once for all lanes, and the rest."""
        fixed = [part for part in parts if part.writes and part.writes <= self._fixed]
        return fixed, [part for part in parts if not (part.writes and part.writes <= self._fixed)]

    def _is_sum(self, part: Piece) -> bool:
        """It adds to the same element in every lane."""
        varying = assigned(p for parts in self._parts.values() for p in parts) - self._fixed
        return part.is_update and words([part.target]).isdisjoint(varying | _own_names(self._lane))

    def _body(self, parts: Sequence[Piece], inside: Iterable[str]) -> Iterator[str]:
        """`inside`, between loads of what other groups left and stores of what they need."""
        needed, own = read_first(parts), assigned(parts)
        for name, load in self._loads.items():
            if name in needed:
                yield from load.node.lines()
        for name, row in self._rows.items():
            if name in needed:
                yield f"{name} = {row.at(self._lane.counter)}"
        yield from inside
        for name, row in self._rows.items():
            if name in own:
                yield f"{row.at(self._lane.counter)} = {name}"

    def _carried(self, names: set[str]) -> dict[str, tuple[int, int]]:
        """The first and the last item for each of the names that several groups mention."""
        places: dict[str, list[int]] = {name: [] for name in sorted(names)}
        for k, item in enumerate(self._items):
            for group in item.groups():
                for name in {n for part in self._parts[group] for n in part.reads | part.writes} & names:
                    places[name].append(k)
        return {name: (found[0], found[-1]) for name, found in places.items() if len(found) > 1}


def _allotted(
    lives: Mapping[str, tuple[int, int]], dtypes: Mapping[str, str], buffer: LaneBuffer
) -> dict[str, LaneRow]:
    """A row for each name; one that is not needed any more serves another name."""
    found: dict[str, LaneRow] = {}
    used: dict[str, list[tuple[int, LaneRow]]] = {}  # by dtype: until when
    for name, (first, last) in sorted(lives.items(), key=lambda item: item[1]):
        rows = used.setdefault(dtypes[name], [])
        k = next((k for k, (end, _) in enumerate(rows) if end < first), len(rows))
        found[name] = rows[k][1] if k < len(rows) else buffer.rows(dtypes[name])
        rows[k : k + 1] = [(last, found[name])]
    return found


def _fixed(parts: Sequence[Piece], lane: Level) -> set[str]:
    """The names that are the same for all lanes."""
    writers = Counter(name for part in parts for name in part.writes)
    found: set[str] = set()
    for part in parts:
        known = part.reads.isdisjoint((writers.keys() - found) | _own_names(lane))
        if known and part.writes and all(writers[name] == 1 for name in part.writes):
            found |= part.writes
    return found


def _loads(parts: Sequence[Piece], fixed: set[str]) -> dict[str, Piece]:
    """What is only fetched from memory, by its name: each group that needs it does so itself.

    Not what is overwritten: after another group it may be gone.
    """
    changing = (assigned(parts) - fixed).union(*(part.stores for part in parts))
    alone = (part for part in parts if part.is_load and not part.reads & changing)
    return {name: part for part in alone for name in part.writes - fixed}


def _own_names(lane: Level) -> set[str]:
    return {lane.variable.name, lane.counter}


def _lines(part: Piece, sums: Mapping[Piece, str]) -> Iterator[str]:
    """The node, adding to a variable if it is one of `sums`."""
    for line in part.node.lines():
        yield line.replace(part.target, sums[part]) if part in sums else line
