"""A product in the blocks of a band: what packs its right matrix, and what makes the rows of a block.

Start with `ProductRows`.
"""

from __future__ import annotations

from collections.abc import Mapping

from tapejit.codegen.call import operand, place
from tapejit.codegen.matrix import extents, groups
from tapejit.codegen.memory import Array, Storage, Target
from tapejit.codegen.name import Names
from tapejit.codegen.product_size import whole_size
from tapejit.codegen.root import Root
from tapejit.ir.function import Instr, Value


class ProductRows:
    """The lines of a product, in blocks of `passes` equal parts of its rows."""

    def __init__(
        self,
        root: Root,
        passes: int,
        target: Target,
        storage: Storage,
        definitions: Mapping[Value, Instr],
        names: Names,
    ):
        assert root.instr is not None
        self._instr, self._target = root.instr, target
        self.extent = passes
        _, self._rows, self._columns, self._inner = extents(root.instr)
        pairs = zip(root.instr.operands, groups(root.instr), strict=True)
        self._x, y = (operand(v, group, storage, definitions) for v, group in pairs)
        self._left, right = (place(m, storage, 1, self) for m in (self._x, y))
        self._right = f"{right}, {y.across}, {y.down}"
        self._home = storage[self._x.base]
        size = whole_size(self._columns, self._inner)
        self.panels = Array(names.fresh("panels"), size, root.value.type.dtype)
        self.reader = self

    def instrs(self) -> list[Instr]:
        return [self._instr]

    def packed(self) -> str:
        """The line before the blocks."""
        return f"matmul_pack({self._columns}, {self._inner}, {self._right}, {self.panels.name})"

    def lines(self) -> list[str]:
        """Those in a block, once it is settled what blocks have for themselves."""
        out, home, rows = self._target.storage, self._home, self._rows // self.extent
        assert isinstance(out, Array)
        assert isinstance(home, Array)
        down, across = self._x.down, self._x.across
        begin = "" if home.private else f" + first * {rows * down}"
        count = f"(last - first) * {rows}" if rows > 1 else "last - first"
        start = "0" if out.private else f"first * {rows * self._columns}"
        given = f"{count}, {self._columns}, {self._inner}, {self._left}{begin}, {down}, {across}"
        target = f"{out.name}, {start}, {self._target.accumulate}"
        return [f"matmul_packed({given}, {self.panels.name}, {target})"]
