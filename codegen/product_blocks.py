"""The blocks of a matrix product, for whoever runs blocks on threads. Start with `launched`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import llvmlite.ir as ll

from tapejit.codegen.counting import INDEX, WORD, least, rounded_up
from tapejit.codegen.internal import Argument

POINTER = ll.IntType(8).as_pointer()
BLOCK_FUNCTION = ll.FunctionType(WORD, [POINTER, WORD])  # of the arguments and the block; 0: all went well
LAUNCH = ll.FunctionType(WORD, [WORD, WORD, WORD])  # of a block function, its arguments, how many blocks

Body = Callable[[ll.IRBuilder, Sequence[ll.Value], ll.Value], None]  # from the arguments and the block


def launched(
    builder: ll.IRBuilder,
    macro: ll.Function,
    arguments: Sequence[Argument],
    extents: tuple[ll.Value, ll.Value],
    launch: ll.Value,
) -> None:
    """Have the macro-kernel's work done in blocks of so many rows and columns."""
    height, width = extents
    high = rounded_up(builder, arguments[0], height)

    def block_(inside: ll.IRBuilder, values: Sequence[ll.Value], block: ll.Value) -> None:
        *given, height, width, high = values
        i, j = inside.mul(inside.srem(block, high), height), inside.mul(inside.sdiv(block, high), width)
        inside.call(macro, _part(inside, given, (i, height), (j, width)))

    blocks = builder.mul(high, rounded_up(builder, arguments[1], width))
    in_blocks(builder, "block", [*arguments, height, width, high], blocks, launch, block_)


def in_blocks(
    builder: ll.IRBuilder,
    name: str,
    values: Sequence[ll.Value],
    blocks: ll.Value,
    launch: ll.Value,
    body: Body,
) -> None:
    """Launch so many blocks of a function of that name, which is given the values."""
    structure = ll.LiteralStructType([v.type for v in values])
    data = builder.alloca(structure)
    for k, value in enumerate(values):
        builder.store(value, builder.gep(data, [INDEX(0), INDEX(k)]))
    function = ll.Function(builder.module, BLOCK_FUNCTION, name)
    _write(function, structure, body)
    builder.call(launch, [builder.ptrtoint(function, WORD), builder.ptrtoint(data, WORD), blocks])


def _write(function: ll.Function, structure: ll.LiteralStructType, body: Body) -> None:
    function.linkage = "internal"
    builder = ll.IRBuilder(function.append_basic_block("entry"))
    packed, block = function.args
    data = builder.bitcast(packed, structure.as_pointer())
    count = len(structure.elements)
    body(builder, [builder.load(builder.gep(data, [INDEX(0), INDEX(k)])) for k in range(count)], block)
    builder.ret(WORD(0))


def _part(
    builder: ll.IRBuilder,
    arguments: Sequence[Argument],
    down: tuple[ll.Value, ll.Value],
    across: tuple[ll.Value, ll.Value],
) -> list[Argument]:
    """The macro-kernel's arguments for so many rows and columns from these on."""
    rows, columns, inner, x, x_down, x_across, y, y_step, y_down, out, out_down, more = arguments
    (i, height), (j, width) = down, across
    return [
        least(builder, height, builder.sub(rows, i)),
        least(builder, width, builder.sub(columns, j)),
        inner,
        builder.gep(x, [builder.mul(i, x_down)]),
        *(x_down, x_across),
        builder.gep(y, [builder.mul(j, y_step)]),
        *(y_step, y_down),
        builder.gep(out, [builder.add(builder.mul(i, out_down), j)]),
        *(out_down, more),
    ]
