"""The matrix product of float32 and of float64 that programs share.

The right matrix is packed part by part, the left one read where it lies, whatever the strides of both.
Where the left one has few rows, packing costs more than it saves: then the right one is read where it
lies as well, if its rows do. A large part is divided into blocks for threads. Every element of the result
is added up in the same order, however the product is divided. Start with `MatrixProduct.defined`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import llvmlite.ir as ll

from tapejit.codegen.counting import FLAG, WORD, counting, least, rounded_up
from tapejit.codegen.internal import Argument, internal
from tapejit.codegen.macro_kernel import MacroKernel
from tapejit.codegen.micro_kernel import TileShape
from tapejit.codegen.packing_blocks import packing_together
from tapejit.codegen.product_blocks import LAUNCH, launched
from tapejit.codegen.product_size import DEPTH, FEW, WIDTH
from tapejit.codegen.shared_function import ELEMENTS, PREFIX

LEAST_WORK = 40_000_000  # multiplications times bytes of an element: 0.1 ms
BLOCK_WORK = 8_000_000
MOST_BLOCKS = 64
LEAST_ROWS = 48  # of a block
PRODUCT = "product"  # its name among the functions that are shared


def declared_product(module: ll.Module, dtype: str) -> ll.Function:
    """The function, in a program's module."""
    symbol = f"{PREFIX}{dtype}_{PRODUCT}"
    return module.globals.get(symbol) or ll.Function(module, product_type(ELEMENTS[dtype]), symbol)


@dataclass(frozen=True)
class MatrixProduct:
    """The functions for tiles of one shape."""

    shape: TileShape

    def defined(self, symbol: str) -> ll.Module:
        """A module with `symbol(rows, columns, inner, x, down, across, y, down, across, out, ...)`.

        The rest is `accumulate, panels, launch`: `out` is in C order, `panels` room for `panels_size`
        elements, and `launch` runs blocks.
        """
        module = ll.Module(symbol)
        function = ll.Function(module, product_type(self.shape.element), symbol)
        self._write(ll.IRBuilder(function.append_basic_block("entry")), function.args)
        return module

    def _write(self, builder: ll.IRBuilder, arguments: Sequence[Argument]) -> None:
        """Part after part of the right matrix, which `panels` hold."""
        rows, columns, inner, x, x_down, x_across, y, y_down, y_across, out, more, panels, launch = arguments
        depth = rounded_up(builder, inner, rounded_up(builder, inner, WORD(DEPTH)))
        with (
            counting(builder, columns, step=WORD(WIDTH)) as j,
            counting(builder, inner, step=depth) as k,
        ):
            sizes = [
                rows,
                least(builder, WORD(WIDTH), builder.sub(columns, j)),
                least(builder, depth, builder.sub(inner, k)),
            ]
            left = builder.gep(x, [builder.mul(k, x_across)])
            right = builder.gep(y, [_at(builder, (k, y_down), (j, y_across))])
            adds = builder.or_(more, builder.icmp_signed(">", k, WORD(0)))
            given = [left, x_down, x_across, right, y_down, y_across, builder.gep(out, [j]), columns, adds]
            builder.call(self._part(builder.module), [*sizes, *given, panels, launch])
        builder.ret_void()

    def _part(self, module: ll.Module) -> ll.Function:
        """`part(rows, columns, depth, *x, *y, out, out_down, accumulate, panels, launch)`."""
        pointer = self.shape.element.as_pointer()
        matrix = [pointer, WORD, WORD]
        return internal(
            module,
            "part",
            [*[WORD] * 3, *matrix, *matrix, pointer, WORD, FLAG, pointer, LAUNCH.as_pointer()],
            self._write_part,
        )

    def _write_part(self, builder: ll.IRBuilder, arguments: Sequence[Argument]) -> None:
        """What is read where it lies, then what is packed."""
        rows, columns, depth, *x, y, y_down, y_across, out, out_down, more, panels, launch = arguments
        unit, none = WORD(1), WORD(0)
        in_rows = builder.and_(
            builder.icmp_signed("==", y_across, unit), builder.icmp_signed("!=", y_down, none)
        )
        few = builder.and_(builder.icmp_signed("<=", rows, WORD(FEW)), in_rows)
        there = builder.select(few, builder.and_(columns, WORD(-self.shape.lanes)), none)
        divided = self._divided(builder.module)
        with builder.if_then(builder.icmp_signed(">", there, none)):
            builder.call(divided, [rows, there, depth, *x, y, unit, y_down, out, out_down, more, launch])
        rest = builder.sub(columns, there)
        with builder.if_then(builder.icmp_signed(">", rest, none)):
            first = builder.gep(y, [builder.mul(there, y_across)])
            pack = packing_together(builder.module, self.shape)
            builder.call(pack, [depth, rest, first, y_down, y_across, panels, launch])
            place = builder.gep(out, [there])
            builder.call(divided, [rows, rest, depth, *x, panels, depth, none, place, out_down, more, launch])
        builder.ret_void()

    def _divided(self, module: ll.Module) -> ll.Function:
        """`divided(..., launch)`: the macro-kernel, on its arguments, by threads if there is much to do."""
        macro = MacroKernel(self.shape).function(module)

        def write(builder: ll.IRBuilder, arguments: Sequence[Argument]) -> None:
            *given, launch = arguments
            products = builder.mul(builder.mul(*given[:2]), given[2])
            work = builder.mul(products, WORD(self.shape.element_bytes))
            with builder.if_else(builder.icmp_signed("<", work, WORD(LEAST_WORK))) as (alone, together):
                with alone:
                    builder.call(macro, given)
                with together:
                    blocks = least(builder, builder.sdiv(work, WORD(BLOCK_WORK)), WORD(MOST_BLOCKS))
                    launched(builder, macro, given, self._extents(builder, blocks, given), launch)
            builder.ret_void()

        return internal(module, "divided", [*macro.ftype.args, LAUNCH.as_pointer()], write)

    def _extents(
        self, builder: ll.IRBuilder, blocks: ll.Value, given: Sequence[Argument]
    ) -> tuple[ll.Value, ll.Value]:
        """The rows and columns of a block: all columns of what is packed, else all rows, which are few."""
        rows, columns, y_down = given[0], given[1], given[8]
        panel = WORD(self.shape.panel)
        height = builder.mul(
            rounded_up(builder, rounded_up(builder, rows, blocks), WORD(LEAST_ROWS)), WORD(LEAST_ROWS)
        )
        width = builder.mul(rounded_up(builder, rounded_up(builder, columns, blocks), panel), panel)
        packed = builder.icmp_signed("==", y_down, WORD(0))
        return builder.select(packed, height, rows), builder.select(packed, columns, width)


def product_type(element: ll.Type) -> ll.FunctionType:
    """The type of the function that is shared."""
    pointer = element.as_pointer()
    matrix = [pointer, WORD, WORD]
    kinds = [*[WORD] * 3, *matrix, *matrix, pointer, FLAG, pointer, LAUNCH.as_pointer()]
    return ll.FunctionType(ll.VoidType(), kinds)


def _at(builder: ll.IRBuilder, *steps: tuple[ll.Value, ll.Value]) -> ll.Value:
    """So many steps of such length, each."""
    (first, second) = (builder.mul(count, length) for count, length in steps)
    return builder.add(first, second)
