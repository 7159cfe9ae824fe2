"""A matrix product by tiles: a block of rows of the left matrix times panel after panel of the right one.

See Goto and van de Geijn, "Anatomy of high-performance matrix multiplication", 2008. A block of rows
stays in the second cache while panels pass, and a panel in the first one, or near it, while the rows of
the block do. Start with `MacroKernel.function`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import llvmlite.ir as ll

from tapejit.codegen.counting import FLAG, WORD, VectorMemory, counting, in_pieces, least, splat
from tapejit.codegen.internal import Argument, internal
from tapejit.codegen.micro_kernel import MicroKernel, TileShape
from tapejit.codegen.packing import in_panels

BLOCK = 96  # rows


@dataclass(frozen=True)
class MacroKernel:
    """The functions of one tile shape."""

    shape: TileShape

    def function(self, module: ll.Module) -> ll.Function:
        """`macro(rows, columns, inner, x, x_down, x_across, y, y_step, y_down, out, out_down, accumulate)`.

        The panel that begins at column j lies at `y + j * y_step`, its rows `y_down` apart, or as far as the
        panel is wide if that is 0.
        """
        pointer = self.shape.element.as_pointer()
        kinds = [*[WORD] * 3, pointer, WORD, WORD, pointer, WORD, WORD, pointer, WORD, FLAG]
        return internal(module, "macro", kinds, self._write)

    def _write(self, builder: ll.IRBuilder, arguments: Sequence[Argument]) -> None:
        rows, columns, inner, x, x_down, x_across, y, y_step, y_down, out, out_down, more = arguments
        packed = builder.icmp_signed("==", y_down, WORD(0))
        with counting(builder, rows, step=WORD(BLOCK)) as i:
            count = least(builder, WORD(BLOCK), builder.sub(rows, i))
            block = builder.gep(x, [builder.mul(i, x_down)])
            below = builder.gep(out, [builder.mul(i, out_down)])

            def panel(vectors: int, j: ll.Value) -> None:
                down = builder.select(packed, WORD(vectors * self.shape.lanes), y_down)
                at = builder.gep(y, [builder.mul(j, y_step)])
                place, left = builder.gep(below, [j]), builder.sub(columns, j)
                operands = [count, left, inner, block, x_down, x_across, at, down, place, out_down, more]
                builder.call(self._panel(builder.module, vectors), operands)

            in_panels(builder, self.shape, columns, panel)
        builder.ret_void()

    def _panel(self, module: ll.Module, vectors: int) -> ll.Function:
        """`panel(rows, columns, inner, x, x_down, x_across, panel, down, out, out_down, accumulate)`."""
        pointer = self.shape.element.as_pointer()
        kinds = [*[WORD] * 3, pointer, WORD, WORD, pointer, WORD, pointer, WORD, FLAG]
        width = vectors * self.shape.lanes

        def write(builder: ll.IRBuilder, arguments: Sequence[Argument]) -> None:
            rows, columns, inner, x, x_down, x_across, panel, down, out, out_down, more = arguments
            aside = builder.alloca(self.shape.element, WORD(self.shape.rows * width))
            cut = builder.icmp_signed("<", columns, WORD(width))

            def tile(size: int, i: ll.Value) -> None:
                at = builder.gep(x, [builder.mul(i, x_down)])
                place = builder.gep(out, [builder.mul(i, out_down)])
                function = MicroKernel(self.shape, size, vectors).function(builder.module)
                given = [inner, at, x_down, x_across, panel, down]
                with builder.if_else(cut) as (some, all_):
                    with some:
                        builder.call(function, [*given, aside, WORD(width), FLAG(0)])
                        taken = [WORD(size), columns, aside, place, out_down, more]
                        builder.call(self._taken(builder.module, vectors), taken)
                    with all_:
                        builder.call(function, [*given, place, out_down, more])

            in_pieces(builder, rows, self.shape.heights, lambda left: left, tile)
            builder.ret_void()

        return internal(module, f"panel_{vectors}", kinds, write)

    def _taken(self, module: ll.Module, vectors: int) -> ll.Function:
        """`take(rows, columns, tile, out, out_down, accumulate)`: from a tile what columns the result has."""
        pointer = self.shape.element.as_pointer()
        whole = (vectors - 1) * self.shape.lanes

        def write(builder: ll.IRBuilder, arguments: Sequence[Argument]) -> None:
            rows, columns, tile, out, out_down, more = arguments
            memory = VectorMemory(builder, self.shape.element, self.shape.lanes)
            cut, adds = memory.first(builder.sub(columns, WORD(whole))), splat(builder, more, memory.lanes)
            with counting(builder, rows) as i:
                row = builder.gep(tile, [builder.mul(i, WORD(whole + memory.lanes))])
                place = builder.gep(out, [builder.mul(i, out_down)])
                for j in range(vectors):
                    at, last = WORD(j * memory.lanes), j == vectors - 1
                    total, there = memory.load(builder.gep(row, [at])), builder.gep(place, [at])
                    old = memory.load(there, builder.and_(cut, adds) if last else adds)
                    memory.store(builder.fadd(old, total), there, cut if last else None)
            builder.ret_void()

        return internal(module, f"take_{vectors}", [WORD, WORD, pointer, pointer, WORD, FLAG], write)
