"""Sums over tables that are their own mirror image: each pair is evaluated once and counts for both.

What point i has to do with point j, as a force, is what j has to do with i, or minus that. So a row runs over
the tiles left of the one on the diagonal only: there the sum of everything counts each element twice, and the
sum of a row leaves each element, or minus that, in the sum of the mirrored row as well. The tile on the
diagonal is run over whole, so that no loop ends within a register and the diagonal is no special case. Which
sums can be had so is found in the function (`halved_sums`); `Halves` is what their loops look like.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from tapejit.codegen.affine import LoopVar, Split, atom
from tapejit.codegen.condition import Check
from tapejit.codegen.level import Condition, Guard, Level, Node, Span, Statement
from tapejit.codegen.mirror import Image, images
from tapejit.codegen.name import Names
from tapejit.ir import ops
from tapejit.ir.emission import Scalar
from tapejit.ir.function import Function, Instr, Value
from tapejit.ir.work import source_cost

TILE = 64
LEAST = 8 * TILE  # rows: in smaller tables too much lies on the diagonal
UPDATE = 2  # what the sum of a mirrored row costs per element, less than in the row itself
EVERYTHING, ROWS = (0, 1), (1,)  # the axes of the sums


def halved_sums(function: Function, stored: Collection[Value]) -> dict[Value, int]:
    """The sign of the table's image, for each sum that runs over half of one; `stored` values have memory.

    Whatever else needs an element of tables of that size would run over all of it: then no sum is halved.
    """
    asked = [instr for instr in function.body if _leaves(instr)]
    if not asked:
        return {}
    own = images(function)
    signs = {instr.results[0]: _sign(instr, own) for instr in asked}
    whole = {_size(x) for instr in asked if not signs[instr.results[0]] for x in instr.operands}
    whole |= {_size(x) for x in (*stored, *function.results)}
    sizes = {_size(instr.operands[0]) for instr in asked} - whole
    pays = {n for n in sizes if _pays(function, asked, n)}
    return {instr.results[0]: signs[instr.results[0]] for instr in asked if _size(instr.operands[0]) in pays}


def _size(x: Value) -> int:
    """How many rows and columns a table has; 0 for what is none, or a small one."""
    shape = x.type.shape
    return shape[0] if len(shape) == 2 and shape[0] == shape[1] >= LEAST else 0


def _leaves(instr: Instr) -> bool:
    """It makes something else of the elements of a table."""
    sizes = {_size(x) for x in instr.operands} - {0}
    return bool(sizes) and any(_size(v) not in sizes for v in instr.results)


def _sign(instr: Instr, own: dict[Value, Image]) -> int:
    """That of the table's image, if the instruction is a sum over half of it; else 0."""
    x, result = instr.operands[0], instr.results[0]
    image = own.get(x)
    if instr.primitive is not ops.reduce_sum or not result.type.is_float or not image or image.value is not x:
        return 0
    axes = tuple(instr.attrs["axes"])
    return image.sign if axes == ROWS or (axes == EVERYTHING and image.sign > 0) else 0


def _pays(function: Function, sums: Sequence[Instr], n: int) -> bool:
    """Half of the work is worth more than the updates of mirrored rows."""
    sources = (
        instr.primitive.emission.source
        for instr in function.body
        if isinstance(instr.primitive.emission, Scalar) and _size(instr.results[0]) == n
    )
    rows = sum(_size(instr.operands[0]) == n and tuple(instr.attrs["axes"]) == ROWS for instr in sums)
    return sum(map(source_cost, sources)) > 2 * UPDATE * rows


class Halves:
    """The loops of a nest over half of a table, row by row: `columns` is the level of the inner loop."""

    def __init__(self, rows: LoopVar, columns: Level, names: Names):
        edge, extent = names.fresh("edge"), columns.variable.extent
        self.column = columns.variable
        self._twice = LoopVar("twice", 2)  # whether elements count for their images too
        columns.before.append(Statement(f"{edge} = {{0}}", (atom(Split(atom(rows), "//", TILE)) * TILE,)))
        columns.spans = (
            Span("0", edge, {self._twice: (1, 1)}),
            Span(edge, f"min({edge} + {TILE}, {extent})", {self._twice: (0, 0)}),
        )

    def where_twice(self, body: Sequence[Node], otherwise: Sequence[Node] = ()) -> Guard:
        """`body` in the loop over elements that count for their images, `otherwise` in the other."""
        condition = Condition("", checks=(Check(atom(self._twice), ">=", 1),))
        return Guard(condition, list(body), list(otherwise))

    def doubled(self, name: str, new: str) -> Guard:
        """Make `new` what an element adds to the sum of everything."""
        return self.where_twice([Statement(f"{new} = {name} + {name}")], [Statement(f"{new} = {name}")])
