"""A matrix product whose rows come in blocks: the right matrix is packed once, as a whole.

Then it is multiplied by some rows of the left one at a time. A nest that reads a large product takes it
into its blocks that way (`fusion`). Every bit is that of `product_function`. Start with
`PackedProduct.define`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import llvmlite.ir as ll

from tapejit.codegen.counting import FLAG, WORD, counting, least, rounded_up
from tapejit.codegen.macro_kernel import MacroKernel
from tapejit.codegen.micro_kernel import TileShape
from tapejit.codegen.packing_blocks import packing_together
from tapejit.codegen.product_blocks import LAUNCH
from tapejit.codegen.product_size import DEPTH
from tapejit.codegen.shared_function import ELEMENTS

PACK, MULTIPLY = ".pack", ".packed"  # what their symbols add to that of the product


def declared_part(module: ll.Module, product: str, part: str, dtype: str) -> ll.Function:
    """One of the two functions, in a program's module."""
    symbol, pointer = product + part, ELEMENTS[dtype].as_pointer()
    matrix = [pointer, WORD, WORD]
    kinds = {
        PACK: [WORD, WORD, *matrix, pointer, LAUNCH.as_pointer()],
        MULTIPLY: [*[WORD] * 3, *matrix, pointer, pointer, FLAG],
    }
    kind = ll.FunctionType(ll.VoidType(), kinds[part])
    return module.globals.get(symbol) or ll.Function(module, kind, symbol)


@dataclass(frozen=True)
class PackedProduct:
    """The functions for tiles of one shape."""

    shape: TileShape
    dtype: str

    def define(self, module: ll.Module, product: str) -> None:
        """Add to the module of `product` what packs and what multiplies.

        They are `pack(columns, inner, y, down, across, panels, launch)` and `packed(rows, columns, inner, x,
        down, across, panels, out, accumulate)`; `panels` is room for `whole_size` elements.
        """
        self._define_packing(declared_part(module, product, PACK, self.dtype))
        self._define_product(declared_part(module, product, MULTIPLY, self.dtype))

    def _define_packing(self, function: ll.Function) -> None:
        columns, inner, y, down, across, panels, launch = function.args
        builder = ll.IRBuilder(function.append_basic_block("entry"))
        pack = packing_together(builder.module, self.shape)
        with self._parts(builder, columns, inner) as (k, depth, begin):
            first = builder.gep(y, [builder.mul(k, down)])
            place = builder.gep(panels, [begin])
            builder.call(pack, [depth, columns, first, down, across, place, launch])
        builder.ret_void()

    def _define_product(self, function: ll.Function) -> None:
        rows, columns, inner, x, down, across, panels, out, accumulate = function.args
        builder = ll.IRBuilder(function.append_basic_block("entry"))
        macro = MacroKernel(self.shape).function(builder.module)
        with self._parts(builder, columns, inner) as (k, depth, begin):
            left = [builder.gep(x, [builder.mul(k, across)]), down, across]
            right = [builder.gep(panels, [begin]), depth, WORD(0)]
            adds = builder.or_(accumulate, builder.icmp_signed(">", k, WORD(0)))
            builder.call(macro, [rows, columns, depth, *left, *right, out, columns, adds])
        builder.ret_void()

    @contextmanager
    def _parts(
        self, builder: ll.IRBuilder, columns: ll.Value, inner: ll.Value
    ) -> Iterator[Sequence[ll.Value]]:
        """A loop over the parts in depth: where one begins, how deep it is, where its panels are."""
        lanes = WORD(self.shape.lanes)
        width = builder.mul(rounded_up(builder, columns, lanes), lanes)
        whole = rounded_up(builder, inner, rounded_up(builder, inner, WORD(DEPTH)))
        with counting(builder, inner, step=whole) as k:
            yield k, least(builder, whole, builder.sub(inner, k)), builder.mul(k, width)
