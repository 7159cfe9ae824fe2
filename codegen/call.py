"""Calls for a matrix product, or in a loop over a stack of them: our own (`product_function`) or BLAS."""

from __future__ import annotations

from collections.abc import Mapping

from tapejit.codegen.level import INDENT
from tapejit.codegen.matrix import PRODUCT_DTYPES, Groups, Matrix, extents, groups, matrices
from tapejit.codegen.memory import Array, Storage, Target
from tapejit.codegen.name import Names
from tapejit.codegen.product_size import FEW, panels_size
from tapejit.codegen.root import Root
from tapejit.ir.function import Instr, Value


def panels(root: Root, names: Names, general: bool = False) -> list[Array]:
    """What the call needs for itself: room for a packed operand."""
    dtype = root.value.type.dtype
    if dtype not in PRODUCT_DTYPES or root.instr is None:
        return []
    _, _, columns, inner = extents(root.instr)
    return [Array(names.fresh("panels"), panels_size(columns, inner, general), dtype)]


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
    x, y = (operand(v, group, storage, definitions) for v, group in pairs)
    places = [place(m, storage, count, root) for m in (x, y)]
    # The contracted dimension is the last group of both operands: the second is read turned.
    lies = (
        ((x.down, x.across), (y.across, y.down))
        if own
        else ((x.leading, x.transposed), (y.leading, not y.transposed))
    )
    given = [f"{where}, {first}, {second}" for where, (first, second) in zip(places, lies, strict=True)]
    start = f"i * {rows * columns}" if count > 1 else "0"
    more = [out.name, start, str(target.accumulate), *(array.name for array in own)]
    function = "matmul" if own else "gemm"
    call = f"{function}({rows}, {columns}, {inner}, {', '.join([*given, *more])})"
    return [f"for i in range({count}):", INDENT + call] if count > 1 else [call]


def operand(value: Value, group: Groups, storage: Storage, definitions: Mapping[Value, Instr]) -> Matrix:
    """How an operand lies in the memory of a program."""
    found = [m for m in matrices(value, group, definitions) if isinstance(storage.get(m.base), Array)]
    return found[-1]


def place(matrix: Matrix, storage: Storage, count: int, reader: object) -> str:
    """The memory and where the matrix begins in it."""
    home = storage[matrix.base]
    assert isinstance(home, Array)
    home.readers.add(reader)
    start = f"i * {matrix.step}" if count > 1 and matrix.step else ""
    start = f"{start} + {matrix.start}" if start and matrix.start else start or str(matrix.start)
    return f"{home.name}, {start}"
