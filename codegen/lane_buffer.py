"""The buffer of a strip: rows of one element per lane, all of one dtype in one array.

Their distances are numbers in the source, so LLVM sees that they do not overlap. A *tile* is the part of an
array that belongs to the rows of a strip, turned: what one row holds side by side lies a row of lanes apart,
so that a loop over lanes reads and writes neighbours. Start with `LaneBuffer`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tapejit.codegen.affine import Affine, LoopVar, atom
from tapejit.codegen.level import Group, Level, Statement
from tapejit.codegen.memory import Array
from tapejit.codegen.name import Names, loop_name


@dataclass(frozen=True)
class LaneRow:
    """One element per lane, `begin` elements into `array`."""

    array: Array
    begin: int

    def at(self, lane: str) -> str:
        return f"{self.array.name}[{self.begin} + {lane}]" if self.begin else f"{self.array.name}[{lane}]"


class LaneBuffer:
    """Hands out rows for `lanes` elements."""

    def __init__(self, lanes: int, names: Names):
        self.pitch, self._names = lanes, names
        self._arrays: dict[tuple[str, int], Array] = {}  # by dtype and how many rows belong together

    @property
    def arrays(self) -> list[Array]:
        return list(self._arrays.values())

    def rows(self, dtype: str, count: int = 1) -> LaneRow:
        """The first of `count` new rows that follow one another."""
        key = dtype, count
        if key not in self._arrays:
            self._arrays[key] = Array(self._names.fresh("lanes"), 0, dtype)
        array = self._arrays[key]
        array.size += count * self.pitch
        return LaneRow(array, array.size - count * self.pitch)


@dataclass(frozen=True)
class Lane:
    """The loop over a strip: the variable that indexes whole arrays, the one that counts lanes.

    `pitch` is the distance of rows in its buffer.
    """

    index: LoopVar
    counter: LoopVar
    pitch: int

    def place(self, row: LaneRow, column: Affine) -> Affine:
        """Where in the buffer the element of this lane is, `column` rows after `row`."""
        return column * self.pitch + atom(self.counter) + row.begin


@dataclass(frozen=True)
class Tile:
    """The rows of a strip of `array`, `width` elements each, turned, from `row` on."""

    array: Array
    width: int
    row: LaneRow
    reads: bool
    writes: bool

    def copied(self, lane: Lane, back: bool, depth: int) -> Group:
        """The loops that fetch it, or bring it back."""
        column = LoopVar(loop_name(depth), self.width)
        inside = lane.place(self.row, atom(column))
        outside = atom(lane.index) * self.width + atom(column)
        texts = [f"{self.row.array.name}[{{0}}]", f"{self.array.name}[{{1}}]"]
        line = Statement(" = ".join(texts[::-1] if back else texts), (inside, outside))
        return Group([Level(column), Level(before=[line])])


def turned(statement: Statement, array: Array, row: LaneRow, lane: Lane, place: Affine) -> None:
    """Make a load or store of `array` one of the lanes from `row` on, at what is `place` in one row."""
    statement.template = statement.template.replace(f"{array.name}[{{0}}]", f"{row.array.name}[{{0}}]")
    statement.holes = (lane.place(row, place),)
    statement.array = row.array


def tiles(
    users: Sequence[Statement], lane: Lane, dtypes: Mapping[Array, str], whole: set[Array], buffer: LaneBuffer
) -> Iterator[Tile]:
    """Turn all loads and stores of each array of which every row has elements of its own, several ones.

    `whole` are the arrays whose rows the statements write as a whole.
    """
    for array, dtype in dtypes.items():
        about = [s for s in users if s.array is array and array.needed]
        width = _width(about, lane.index)
        if width:
            parts = [s.template.partition(" = ") for s in about]
            writes = any(left.startswith(f"{array.name}[") for left, _, _ in parts)
            reads = any(f"{array.name}[" in right for _, _, right in parts)
            row = buffer.rows(dtype, width)
            for s in about:
                turned(s, array, row, lane, _in_row(s.holes[0], lane.index, width))
            yield Tile(array, width, row, reads or (writes and array not in whole), writes)


def _width(about: Sequence[Statement], index: LoopVar) -> int:
    """How many elements belong to one iteration of `index`; 0 if it is one, or they overlap."""
    widths = {s.holes[0].coefficient(index) if len(s.holes) == 1 else 0 for s in about}
    width = widths.pop() if len(widths) == 1 else 0
    return width if width > 1 and all(_fits(s.holes[0], index, width) for s in about) else 0


def _fits(place: Affine, index: LoopVar, width: int) -> bool:
    inside = _in_row(place, index, width)
    return index not in inside.loops and inside.span[0] >= 0 and inside.span[1] < width


def _in_row(place: Affine, index: LoopVar, width: int) -> Affine:
    return place + atom(index) * -width
