"""The blocks of a matrix product, for whoever runs blocks on threads. Start with `launched`."""

from __future__ import annotations

from collections.abc import Sequence

import llvmlite.ir as ll

from tapejit.codegen.counting import INDEX, WORD, least, rounded_up
from tapejit.codegen.internal import Argument

POINTER = ll.IntType(8).as_pointer()
BLOCK_FUNCTION = ll.FunctionType(WORD, [POINTER, WORD])  # of the arguments and the block; 0: all went well
LAUNCH = ll.FunctionType(WORD, [WORD, WORD, WORD])  # of a block function, its arguments, how many blocks


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
    values = [*arguments, height, width, high]
    structure = ll.LiteralStructType([v.type for v in values])
    data = builder.alloca(structure)
    for k, value in enumerate(values):
        builder.store(value, builder.gep(data, [INDEX(0), INDEX(k)]))
    function = _block_function(builder.module, macro, structure)
    blocks = builder.mul(high, rounded_up(builder, arguments[1], width))
    builder.call(launch, [builder.ptrtoint(function, WORD), builder.ptrtoint(data, WORD), blocks])


def _block_function(module: ll.Module, macro: ll.Function, structure: ll.LiteralStructType) -> ll.Function:
    function = ll.Function(module, BLOCK_FUNCTION, "block")
    function.linkage = "internal"
    builder = ll.IRBuilder(function.append_basic_block("entry"))
    packed, block = function.args
    data = builder.bitcast(packed, structure.as_pointer())
    values = [builder.load(builder.gep(data, [INDEX(0), INDEX(k)])) for k in range(len(structure.elements))]
    *arguments, height, width, high = values
    i, j = builder.mul(builder.srem(block, high), height), builder.mul(builder.sdiv(block, high), width)
    builder.call(macro, _part(builder, arguments, (i, height), (j, width)))
    builder.ret(WORD(0))
    return function


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
