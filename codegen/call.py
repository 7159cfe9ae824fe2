"""Calls for a matrix product, or in a loop over a stack of them: our own (`product_function`) or BLAS."""

from __future__ import annotations

from collections.abc import Mapping

from tapejit.codegen.level import INDENT
from tapejit.codegen.matrix import PRODUCT_DTYPES, Groups, Matrix, extents, groups, matrices
from tapejit.codegen.memory import Array, Storage, Target
from tapejit.codegen.name import Names
from tapejit.codegen.product_size import FEW, panels_size, whole_size
from tapejit.codegen.root import Root
from tapejit.ir.function import Instr, Value


def panels(root: Root, names: Names, general: bool = False) -> list[Array]:
    """What the call needs for itself: room for a packed operand."""
    dtype = root.value.type.dtype
    if dtype not in PRODUCT_DTYPES or root.instr is None:
        return []
    _, _, columns, inner = extents(root.instr)
    return [Array(names.fresh("panels"), panels_size(columns, inner, general), dtype)]


class ProductRows:
    """A product in the blocks of a nest: what packs its right matrix, and what makes the rows of a block."""

    def __init__(
        self, root: Root, target: Target, storage: Storage, definitions: Mapping[Value, Instr], names: Names
    ):
        assert root.instr is not None
        assert isinstance(target.storage, Array)
        _, self._rows, self._columns, self._inner = extents(root.instr)
        pairs = zip(root.instr.operands, groups(root.instr), strict=True)
        self._x, y = (_operand(v, group, storage, definitions) for v, group in pairs)
        self._left, self._right = (
            _place(self._x, storage, 1),
            f"{_place(y, storage, 1)}, {y.across}, {y.down}",
        )
        self._target = target
        size = whole_size(self._columns, self._inner)
        self.panels = Array(names.fresh("panels"), size, root.value.type.dtype)

    def packed(self) -> str:
        """The line before the blocks."""
        return f"matmul_pack({self._columns}, {self._inner}, {self._right}, {self.panels.name})"

    def multiplied(self, outermost: int) -> str:
        """The line in a block, once it is settled whether that keeps its part of the product for itself."""
        out, rows = self._target.storage, self._rows // outermost
        assert isinstance(out, Array)
        left = f"{self._left} + first * {rows * self._x.down}, {self._x.down}, {self._x.across}"
        count = f"(last - first) * {rows}" if rows > 1 else "last - first"
        start = "0" if out.private else f"first * {rows * self._columns}"
        given = f"{count}, {self._columns}, {self._inner}, {left}, {self.panels.name}"
        return f"matmul_packed({given}, {out.name}, {start}, {self._target.accumulate})"


def reason(root: Root) -> str:
    """How a product is done, for people."""
    own = panels(root, Names())
    if not own:
        return "BLAS, which divides it over its threads"
    _, rows, _, _ = extents(root.instr) if root.instr else (0, 0, 0, 0)
    few = f"; a right matrix that lies in rows is not, for {rows} rows" if rows <= FEW else ""
    size = own[0].size * root.value.type.numpy_dtype.itemsize
    return f"tiles in registers, in blocks if large; packs {size:,} bytes at a time{few}"


def product_lines(
    root: Root, target: Target, storage: Storage, definitions: Mapping[Value, Instr], own: list[Array]
) -> list[str]:
    """`matmul(rows, columns, inner, x, y, out, accumulate, panels)`, x and y as memory, start, strides.

    By BLAS `gemm(rows, columns, inner, x, y, out, accumulate)`: memory, start, leading, transposed.
    """
    instr, out = root.instr, target.storage
    assert instr is not None
    assert isinstance(out, Array)
    count, rows, columns, inner = extents(instr)
    pairs = zip(instr.operands, groups(instr), strict=True)
    x, y = (_operand(v, group, storage, definitions) for v, group in pairs)
    places = (_place(m, storage, count) for m in (x, y))
    # The contracted dimension is the last group of both operands: the second is read turned.
    lies = (
        ((x.down, x.across), (y.across, y.down))
        if own
        else ((x.leading, x.transposed), (y.leading, not y.transposed))
    )
    given = [f"{place}, {first}, {second}" for place, (first, second) in zip(places, lies, strict=True)]
    start = f"i * {rows * columns}" if count > 1 else "0"
    more = [out.name, start, str(target.accumulate), *(array.name for array in own)]
    function = "matmul" if own else "gemm"
    call = f"{function}({rows}, {columns}, {inner}, {', '.join([*given, *more])})"
    return [f"for i in range({count}):", INDENT + call] if count > 1 else [call]


def _operand(value: Value, group: Groups, storage: Storage, definitions: Mapping[Value, Instr]) -> Matrix:
    found = [m for m in matrices(value, group, definitions) if isinstance(storage.get(m.base), Array)]
    return found[-1]


def _place(matrix: Matrix, storage: Storage, count: int) -> str:
    """The memory and where the matrix begins in it."""
    home = storage[matrix.base]
    assert isinstance(home, Array)
    home.readers.add(matrix)
    start = f"i * {matrix.step}" if count > 1 and matrix.step else ""
    start = f"{start} + {matrix.start}" if start and matrix.start else start or str(matrix.start)
    return f"{home.name}, {start}"
