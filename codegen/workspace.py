"""The memory of a program's temporaries: one piece, borrowed for a call, in which they share what they can.

Two temporaries share memory if no nest needs both: one is read for the last time before the other is made.
Pieces are kept by the runtime from call to call, so that large temporaries are not mapped anew each time.
Start with `in_workspace`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush

from tapejit.codegen.memory import Array, made, placed
from tapejit.codegen.mention import Mentions
from tapejit.codegen.name import Names

ALIGNMENT = 64
SMALLEST = 4096  # bytes: below, asking for memory costs less than the pages and caches that sharing saves

Life = tuple[int, int]  # the first and the last part of the program that needs a temporary


@dataclass(frozen=True)
class _Placed:
    """A temporary that is needed from part `first` to part `last` of the program."""

    array: Array
    begin: int
    size: int
    first: int
    last: int

    @property
    def end(self) -> int:
        return self.begin + self.size

    def meets(self, first: int, last: int) -> bool:
        return self.first <= last and first <= self.last


def in_workspace(
    parts: Sequence[Sequence[str]], arrays: Iterable[Array], smallest: int = SMALLEST
) -> list[list[str]]:
    """A program's parts, with those of `arrays` that have `smallest` bytes or more in a workspace."""
    mentions = Mentions(parts)
    lives = {array: mentions.life(array.name) for array in arrays if array.name in mentions}
    rooms = _placed({array: life for array, life in lives.items() if array.nbytes >= smallest})
    homes = {made(p.array): placed(p.array, p.begin) for p in rooms}
    found = [[_replaced(line, homes) for line in part] for part in parts]
    if not rooms:
        return found
    return [[f"work = borrow({max(p.end for p in rooms)})"], *found, ["give_back(work)"]]


def in_general_workspace(parts: Sequence[Sequence[str]], arrays: Sequence[Array], names: Names) -> list[str]:
    """The same for a general program: it counts what each needs when it runs, and none is too small.

    Temporaries follow one another as they are made; the place of one whose life is over serves the next.
    """
    rooms = _rooms(parts, arrays)
    if not rooms:
        return [line for part in parts for line in part]
    begins = [names.fresh("begin") for _ in rooms]
    counts = [
        f"{begin} = {_after(room, at)}" for begin, room, at in zip(begins[1:], rooms, begins, strict=False)
    ]
    homes = {made(a): placed(a, begin) for begin, room in zip(begins, rooms, strict=True) for a in room}
    lines = [_replaced(line, homes) for part in parts for line in part]
    whole = _after(rooms[-1], begins[-1])
    return [f"{begins[0]} = 0", *counts, f"work = borrow({whole})", *lines, "give_back(work)"]


def _rooms(parts: Sequence[Sequence[str]], arrays: Iterable[Array]) -> list[list[Array]]:
    """Temporaries that can share memory, none of which is needed together with another."""
    mentions = Mentions(parts)
    lives = {array: mentions.life(array.name) for array in arrays}
    rooms: list[list[Array]] = []
    for array in sorted(lives, key=lambda a: lives[a][0]):
        free = (room for room in rooms if lives[room[-1]][1] < lives[array][0])
        room = next(free, None)
        if room is None:
            rooms.append([array])
        else:
            room.append(array)
    return rooms


def _after(room: Sequence[Array], begin: str) -> str:
    """Source of where the next one begins."""
    sizes = ", ".join(str(a.nbytes) for a in room)
    size = f"max({sizes})" if len(room) > 1 else sizes
    return f"{begin} + ({size} + {ALIGNMENT - 1}) // {ALIGNMENT} * {ALIGNMENT}"


def _placed(lives: Mapping[Array, Life]) -> list[_Placed]:
    """Large ones side by side, small ones behind them."""
    large = {array: life for array, life in lives.items() if array.nbytes >= SMALLEST}
    found = _side_by_side(large)
    behind = max((p.end for p in found), default=0)
    return found + _in_turn({array: life for array, life in lives.items() if array not in large}, behind)


def _side_by_side(lives: Mapping[Array, Life]) -> list[_Placed]:
    """Each where it first fits, the largest first."""
    found: list[_Placed] = []
    for array in sorted(lives, key=lambda array: array.nbytes, reverse=True):
        others = sorted((p for p in found if p.meets(*lives[array])), key=lambda p: p.begin)
        begin, size = 0, _room(array)
        for other in others:
            if begin + size > other.begin:
                begin = max(begin, other.end)
        found.append(_Placed(array, begin, size, *lives[array]))
    return found


def _in_turn(lives: Mapping[Array, Life], begin: int) -> list[_Placed]:
    """Each where one of its size is needed no more, else behind all others, the first one at `begin`."""
    found: list[_Placed] = []
    free: dict[int, list[tuple[int, int]]] = {}  # by size: from when on, where
    for array, (first, last) in sorted(lives.items(), key=lambda life: life[1]):
        size = _room(array)
        places = free.setdefault(size, [])
        reused = bool(places) and places[0][0] < first
        place = heappop(places)[1] if reused else begin
        begin += 0 if reused else size
        heappush(places, (last, place))
        found.append(_Placed(array, place, size, first, last))
    return found


def _room(array: Array) -> int:
    return -(-array.nbytes // ALIGNMENT) * ALIGNMENT


def _replaced(line: str, homes: dict[str, str]) -> str:
    text = line.lstrip()
    return line[: len(line) - len(text)] + homes.get(text, text)
