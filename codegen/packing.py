"""The right matrix of a product, packed into the panels that the micro-kernel reads.

A panel is as wide as some vectors, and its rows lie one after another: the micro-kernel reads memory in
order, and always whole vectors. A matrix whose rows lie in memory is copied; one whose columns do is
transposed in registers, a square of vectors at a time; any other is gathered. What lanes beyond the last
column hold is of no concern, for nobody stores what is made of it. Start with `packing`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import llvmlite.ir as ll

from tapejit.codegen.counting import WORD, VectorMemory, counting, in_pieces, least, shuffled
from tapejit.codegen.internal import Argument, internal
from tapejit.codegen.micro_kernel import TileShape


def packing(module: ll.Module, shape: TileShape) -> ll.Function:
    """`pack(depth, columns, y, down, across, panels)`: all panels, at `panels + column * depth`."""

    def write(builder: ll.IRBuilder, arguments: Sequence[Argument]) -> None:
        depth, columns, y, down, across, panels = arguments

        def panel(vectors: int, j: ll.Value) -> None:
            function = Packing(shape, vectors).function(module)
            first = builder.gep(y, [builder.mul(j, across)])
            place = builder.gep(panels, [builder.mul(j, depth)])
            builder.call(function, [depth, builder.sub(columns, j), first, down, across, place])

        in_panels(builder, shape, columns, panel)
        builder.ret_void()

    return internal(module, "pack", _kinds(shape), write)


def in_panels(
    builder: ll.IRBuilder, shape: TileShape, columns: ll.Value, body: Callable[[int, ll.Value], None]
) -> None:
    """`body(vectors, first column)` for panel after panel."""
    most = shape.vectors

    def share(left: ll.Value) -> ll.Value:
        """One vector more than a panel holds makes two even panels: a panel of one is slow."""
        even = builder.icmp_signed("==", left, WORD(most + 1))
        return builder.select(even, WORD((most + 1) // 2), left)

    vectors = builder.sdiv(builder.add(columns, WORD(shape.lanes - 1)), WORD(shape.lanes))
    widths = shape.widths
    in_pieces(builder, vectors, widths, share, lambda n, at: body(n, builder.mul(at, WORD(shape.lanes))))


@dataclass(frozen=True)
class Packing:
    """Packs one panel of `vectors` vectors."""

    shape: TileShape
    vectors: int

    def function(self, module: ll.Module) -> ll.Function:
        """`pack(depth, columns, y, down, across, panel)`, where there may be more columns than it takes."""
        return internal(module, f"pack_{self.vectors}", _kinds(self.shape), self._write)

    def _write(self, builder: ll.IRBuilder, arguments: Sequence[Argument]) -> None:
        depth, columns, y, down, across, panel = arguments
        with builder.if_else(builder.icmp_signed("==", across, WORD(1))) as (in_rows, otherwise):
            with in_rows:
                self._copied(builder, arguments)
            with otherwise:
                width = WORD(self.shape.lanes * self.vectors)
                with counting(builder, least(builder, width, columns), step=WORD(self.shape.lanes)) as j:
                    first = builder.gep(y, [builder.mul(j, across)])
                    given = [
                        depth,
                        builder.sub(columns, j),
                        first,
                        down,
                        across,
                        builder.gep(panel, [j]),
                        width,
                    ]
                    builder.call(_turning(builder.module, self.shape), given)
        builder.ret_void()

    def _copied(self, builder: ll.IRBuilder, arguments: Sequence[Argument]) -> None:
        """Row by row."""
        depth, columns, y, down, _, panel = arguments
        memory = VectorMemory(builder, self.shape.element, self.shape.lanes)
        width = memory.lanes * self.vectors
        cut = memory.first(builder.sub(columns, WORD(width - memory.lanes)))
        with counting(builder, depth) as k:
            row, packed = (
                builder.gep(y, [builder.mul(k, down)]),
                builder.gep(panel, [builder.mul(k, WORD(width))]),
            )
            for j in range(self.vectors):
                at, mask = WORD(memory.lanes * j), cut if j == self.vectors - 1 else None
                memory.store(memory.load(builder.gep(row, [at]), mask), builder.gep(packed, [at]))


def _kinds(shape: TileShape) -> list[ll.Type]:
    pointer = shape.element.as_pointer()
    return [WORD, WORD, pointer, WORD, WORD, pointer]


def _turning(module: ll.Module, shape: TileShape) -> ll.Function:
    """`turn(depth, columns, y, down, across, panel, width)`: one vector of columns into a panel so wide."""

    def write(builder: ll.IRBuilder, arguments: Sequence[Argument]) -> None:
        depth, columns, y, down, across, panel, width = arguments
        in_columns = builder.icmp_signed("==", down, WORD(1))
        whole = builder.select(in_columns, builder.and_(depth, WORD(-shape.lanes)), WORD(0))
        _squares(builder, shape, whole, arguments)
        with counting(builder, depth, whole) as k:
            row, packed = builder.gep(y, [builder.mul(k, down)]), builder.gep(panel, [builder.mul(k, width)])
            with counting(builder, least(builder, WORD(shape.lanes), columns)) as c:
                element = builder.load(builder.gep(row, [builder.mul(c, across)]))
                builder.store(element, builder.gep(packed, [c]))
        builder.ret_void()

    return internal(module, "turn", [*_kinds(shape), WORD], write)


def _squares(builder: ll.IRBuilder, shape: TileShape, depth: ll.Value, arguments: Sequence[Argument]) -> None:
    """So many rows of columns that lie in memory, square by square."""
    _, columns, y, _, across, panel, width = arguments
    memory, last = VectorMemory(builder, shape.element, shape.lanes), builder.sub(columns, WORD(1))
    starts = [
        builder.gep(y, [builder.mul(least(builder, WORD(c), last), across)]) for c in range(shape.lanes)
    ]
    with counting(builder, depth, step=WORD(shape.lanes)) as k:
        square = [memory.load(builder.gep(start, [k])) for start in starts]
        for i, vector in enumerate(transposed(builder, square)):
            at = builder.mul(builder.add(k, WORD(i)), width)
            memory.store(vector, builder.gep(panel, [at]))


def transposed(builder: ll.IRBuilder, vectors: Sequence[ll.Value]) -> list[ll.Value]:
    """The transpose of a square of vectors: of its blocks of one, of two, of four, ..."""
    lanes, found, size = len(vectors), list(vectors), 1
    while size < lanes:
        first = [k if not k & size else lanes + k - size for k in range(lanes)]
        second = [k + size if not k & size else lanes + k for k in range(lanes)]
        for k in (k for k in range(lanes) if not k & size):
            x, y = found[k], found[k + size]
            found[k], found[k + size] = shuffled(builder, x, y, first), shuffled(builder, x, y, second)
        size *= 2
    return found
