"""The innermost piece of a matrix product: a tile of the result, kept in vector registers.

A tile is a few rows of the left matrix times a *panel* of the right one, as many columns as some vectors
hold. Every step along the contracted dimension loads a row of the panel, and multiplies it with one
element of each row of the left matrix (the micro-kernel of Van Zee and van de Geijn, "BLIS: A framework
for rapidly instantiating BLAS functionality", 2015). The left matrix is read where it lies, whatever its
strides. Start with `MicroKernel.function`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import llvmlite.ir as ll

from tapejit.codegen.counting import FLAG, WORD, VectorMemory, splat
from tapejit.codegen.internal import Argument, internal
from tapejit.codegen.registers import Registers
from tapejit.codegen.shared_function import ELEMENTS

MANY = 32  # vector registers


@dataclass(frozen=True)
class TileShape:
    """The largest tile: `rows` by `vectors` of so many lanes."""

    element: ll.Type
    lanes: int
    rows: int
    vectors: int

    @classmethod
    def of(cls, dtype: str, registers: Registers) -> TileShape:
        """As many sums as hide an addition's latency, with registers left for a row of the panel."""
        lanes = registers.bytes // (8 if dtype == "f64" else 4)
        rows, vectors = (8, 3) if registers.count >= MANY else (6, 2)
        return cls(ELEMENTS[dtype], lanes, rows, vectors)

    @property
    def element_bytes(self) -> int:
        return 8 if self.element == ll.DoubleType() else 4

    @property
    def panel(self) -> int:
        """The columns of the widest panel."""
        return self.vectors * self.lanes

    @property
    def heights(self) -> tuple[int, ...]:
        """The rows that tiles may have: what is left over at the end is put together of the smaller ones."""
        return (self.rows, 4, 2, 1)

    @property
    def widths(self) -> tuple[int, ...]:
        """The vectors that panels may have."""
        return tuple(range(self.vectors, 0, -1))


@dataclass(frozen=True)
class MicroKernel:
    """The function of tiles of `rows` rows by `vectors` vectors."""

    shape: TileShape
    rows: int
    vectors: int

    def function(self, module: ll.Module) -> ll.Function:
        """`tile(inner, x, x_down, x_across, panel, panel_down, out, out_down, accumulate)`."""
        pointer = self.shape.element.as_pointer()
        kinds = [WORD, pointer, WORD, WORD, pointer, WORD, pointer, WORD, FLAG]
        return internal(module, f"tile_{self.rows}x{self.vectors}", kinds, self._write)

    def _write(self, builder: ll.IRBuilder, arguments: Sequence[Argument]) -> None:
        *given, out, out_down, accumulate = arguments
        memory = VectorMemory(builder, self.shape.element, self.shape.lanes)
        sums = self._sums(memory, given)
        with builder.if_else(accumulate) as arms:
            for arm, adds in zip(arms, (True, False), strict=True):
                with arm:
                    for i, row in enumerate(sums):
                        _put(memory, row, builder.gep(out, [builder.mul(out_down, WORD(i))]), adds)
        builder.ret_void()

    def _sums(self, memory: VectorMemory, arguments: Sequence[Argument]) -> list[list[ll.Value]]:
        """The tile, added up in registers."""
        (inner, x, x_down, x_across, panel, panel_down), builder = arguments, memory.builder
        rows = [builder.gep(x, [builder.mul(x_down, WORD(i))]) for i in range(self.rows)]
        before, body, after = (builder.block, *map(builder.append_basic_block, ("step", "summed")))
        builder.branch(body)
        builder.position_at_end(body)
        left, across, down = builder.phi(WORD), builder.phi(WORD), builder.phi(panel.type)
        sums = [[builder.phi(memory.type) for _ in range(self.vectors)] for _ in rows]
        places = [builder.gep(row, [across]) for row in rows]
        found = _with_product(memory, sums, places, down)
        less = builder.sub(left, WORD(1))
        joined = [
            (left, inner, less),
            (across, WORD(0), builder.add(across, x_across)),
            (down, panel, builder.gep(down, [panel_down])),
            *((old, memory.zero(), new) for olds, news in zip(sums, found, strict=True)
              for old, new in zip(olds, news, strict=True)),
        ]  # fmt: skip
        for phi, first, later in joined:
            phi.add_incoming(first, before)
            phi.add_incoming(later, body)
        builder.cbranch(builder.icmp_signed(">", less, WORD(0)), body, after)
        builder.position_at_end(after)
        return found


def _with_product(
    memory: VectorMemory, sums: list[list[ll.Value]], places: list[ll.Value], panel: ll.Value
) -> list[list[ll.Value]]:
    """The sums with one element of each row times a row of the panel."""
    builder, lanes = memory.builder, memory.lanes
    vectors = [memory.load(builder.gep(panel, [WORD(lanes * j)])) for j in range(len(sums[0]))]
    found = []
    for row, place in zip(sums, places, strict=True):
        x = splat(builder, builder.load(place), lanes)
        found.append([builder.fadd(s, builder.fmul(x, y)) for s, y in zip(row, vectors, strict=True)])
    return found


def _put(memory: VectorMemory, row: list[ll.Value], out: ll.Value, adds: bool) -> None:
    """Store a row of the tile, or add it to what is there."""
    builder = memory.builder
    for j, total in enumerate(row):
        place = builder.gep(out, [WORD(memory.lanes * j)])
        memory.store(builder.fadd(memory.load(place), total) if adds else total, place)
