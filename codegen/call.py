"""Calls of BLAS: one `gemm` for a matrix product, in a loop over a stack of them."""

from __future__ import annotations

from collections.abc import Mapping

from tapejit.codegen.level import INDENT
from tapejit.codegen.matrix import Groups, Matrix, extents, groups, matrices
from tapejit.codegen.memory import Array, Storage, Target
from tapejit.codegen.root import Root
from tapejit.ir.function import Instr, Value


def gemm_lines(root: Root, target: Target, storage: Storage, definitions: Mapping[Value, Instr]) -> list[str]:
    """`gemm(rows, columns, inner, x, y, out, accumulate)`; x and y as memory, start, leading, transposed."""
    instr, out = root.instr, target.storage
    assert instr is not None
    assert isinstance(out, Array)
    count, rows, columns, inner = extents(instr)
    pairs = zip(instr.operands, groups(instr), strict=True)
    x, y = (_operand(v, group, storage, definitions) for v, group in pairs)
    x_text = _text(x, storage, count, x.transposed)
    # The contracted dimension is the last group of both operands; for the second that is its transpose.
    y_text = _text(y, storage, count, not y.transposed)
    start = f"i * {rows * columns}" if count > 1 else "0"
    call = f"gemm({rows}, {columns}, {inner}, {x_text}, {y_text}, {out.name}, {start}, {target.accumulate})"
    return [f"for i in range({count}):", INDENT + call] if count > 1 else [call]


def _operand(value: Value, group: Groups, storage: Storage, definitions: Mapping[Value, Instr]) -> Matrix:
    found = [m for m in matrices(value, group, definitions) if isinstance(storage.get(m.base), Array)]
    return found[-1]


def _text(matrix: Matrix, storage: Storage, count: int, transposed: bool) -> str:
    home = storage[matrix.base]
    assert isinstance(home, Array)
    home.readers.add(matrix)
    start = f"i * {matrix.step}" if count > 1 and matrix.step else ""
    start = f"{start} + {matrix.start}" if start and matrix.start else start or str(matrix.start)
    return f"{home.name}, {start}, {matrix.leading}, {transposed}"
