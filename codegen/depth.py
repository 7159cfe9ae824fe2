"""A loop body cut by the depth of its function calls, so that no call waits for another of the same loop.

Sixteen sines, each of the one before, take as long as sixteen times the time in which one is ready: the
processor looks ahead over a few hundred instructions, and the next element is further away. In a loop per
sine the elements are independent. Calls that need k others on the longest way go to stage k; what is cheap
goes where the fewest values have to be handed from stage to stage. Start with `by_depth`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from tapejit.codegen.piece import Piece
from tapejit.ir.work import CALL

Stage = list[Piece]
LEAST_COST = 4 * CALL  # of a body: the processor looks ahead to the next elements over one that costs less
MOST_COST = 2 * CALL  # of stages that are put together again


def by_depth(parts: Sequence[Piece]) -> list[Stage]:
    """The parts of a body in stages; each stage may run for all elements before the next one begins."""
    if _cost(parts) < LEAST_COST or not _in_order(parts):
        return [list(parts)]
    stage = _earliest(parts)
    _sink(parts, stage)
    return _merged([[p for p in parts if stage[p] == k] for k in sorted(set(stage.values()))])


def _in_order(parts: Sequence[Piece]) -> bool:
    """Each variable is assigned once, and one that is carried from lane to lane is read by its own only."""
    writers = Counter(name for part in parts for name in part.writes)
    carried = {name for part in parts for name in part.writes & part.reads}
    read = {name for part in parts for name in part.reads - part.writes}
    return max(writers.values(), default=0) < 2 and not carried & read


def _earliest(parts: Sequence[Piece]) -> dict[Piece, int]:
    """The number of calls on the longest way to each part, the part included, but at least one."""
    made: dict[str, int] = {}
    found: dict[Piece, int] = {}
    for part in parts:
        level = max((made.get(name, 0) for name in part.reads), default=0) + (part.cost >= CALL)
        made.update(dict.fromkeys((*part.writes, *part.stores), level))
        found[part] = max(level, 1)
    return found


def _sink(parts: Sequence[Piece], stage: dict[Piece, int]) -> None:
    """Move each cheap part to where it is first needed, unless something would have to wait for it there."""
    readers = _readers(parts)
    made = {name for part in parts for name in part.writes if not part.is_load}
    stored = {name for part in parts for name in part.stores}
    for part in reversed(parts):
        own = {reader for name in part.writes for reader in readers[name] if reader is not part}
        if not own or part.cost >= CALL or part.writes & part.reads or part.reads & stored:
            continue
        first = min(stage[reader] for reader in own)
        if all(_waits(readers[name], part, first, stage) for name in part.reads & made):
            stage[part] = first


def _readers(parts: Iterable[Piece]) -> Mapping[str, list[Piece]]:
    found: defaultdict[str, list[Piece]] = defaultdict(list)
    for part in parts:
        for name in part.reads:
            found[name].append(part)
    return found


def _waits(readers: Iterable[Piece], besides: Piece, first: int, stage: Mapping[Piece, int]) -> bool:
    """Whether another of the readers comes in stage `first` or later."""
    return any(stage[reader] >= first for reader in readers if reader is not besides)


def _merged(stages: Sequence[Stage]) -> list[Stage]:
    """Neighbours put together where both together are cheap."""
    found: list[Stage] = []
    for each in stages:
        if found and _cost(found[-1]) + _cost(each) <= MOST_COST:
            found[-1] = found[-1] + each
        else:
            found.append(each)
    return found


def _cost(stage: Iterable[Piece]) -> int:
    return sum(part.cost for part in stage)
