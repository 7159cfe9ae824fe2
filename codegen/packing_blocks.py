"""A large right matrix, packed in blocks of columns, for whoever runs blocks on threads.

Blocks are whole panels, and the last one has at least one whole panel: so the panels are those of the matrix
packed at once. Start with `packing_together`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import llvmlite.ir as ll

from tapejit.codegen.counting import WORD, least, rounded_up
from tapejit.codegen.internal import Argument, internal
from tapejit.codegen.micro_kernel import TileShape
from tapejit.codegen.packing import packing
from tapejit.codegen.product_blocks import LAUNCH, in_blocks

BLOCK_BYTES = 2**18  # some 20 µs; waking a thread takes 6
MOST_BLOCKS = 64


def packing_together(module: ll.Module, shape: TileShape) -> ll.Function:
    """`pack_together(depth, columns, y, down, across, panels, launch)`: by threads if it is much."""
    pack = packing(module, shape)

    def write(builder: ll.IRBuilder, arguments: Sequence[Argument]) -> None:
        *given, launch = arguments
        panels = builder.sdiv(given[1], WORD(shape.panel))
        size = builder.mul(builder.mul(given[0], given[1]), WORD(shape.element_bytes))
        wanted = least(builder, builder.sdiv(size, WORD(BLOCK_BYTES)), WORD(MOST_BLOCKS))
        blocks = least(builder, wanted, panels)
        with builder.if_else(builder.icmp_signed("<", blocks, WORD(2))) as (alone, together):
            with alone:
                builder.call(pack, given)
            with together:
                each = rounded_up(builder, panels, blocks)
                count = rounded_up(builder, panels, each)
                values = [*given, builder.mul(each, WORD(shape.panel)), builder.sub(count, WORD(1))]
                in_blocks(builder, "pack_block", values, count, launch, partial(_pack_block, pack))
        builder.ret_void()

    return internal(module, "pack_together", [*pack.ftype.args, LAUNCH.as_pointer()], write)


def _pack_block(
    pack: ll.Function, builder: ll.IRBuilder, values: Sequence[ll.Value], block: ll.Value
) -> None:
    """So many columns; the last block has the rest."""
    depth, columns, y, down, across, panels, width, last = values
    j = builder.mul(block, width)
    rest = builder.select(builder.icmp_signed("==", block, last), builder.sub(columns, j), width)
    first, place = builder.gep(y, [builder.mul(j, across)]), builder.gep(panels, [builder.mul(j, depth)])
    builder.call(pack, [depth, rest, first, down, across, place])
