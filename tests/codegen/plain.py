"""Run emitted source as plain Python: slow per element, but hundreds of programs take no compile time.

Memory is stricter than native code's: every index is checked, and a temporary begins as junk.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tapejit.codegen.emit import compile_source
from tapejit.ir.function import Function
from tapejit.ir.signature import Signature, signature_of

JUNK = 77


class Row:
    """Elements in a row; outside of it nothing is read or written."""

    def __init__(self, elements: np.ndarray):
        self.elements = elements

    def __getitem__(self, at: Any) -> Any:
        if isinstance(at, slice):
            return Row(self.elements[self._checked(at)])
        if not self.elements.size:  # read before a loop that never runs; LLVM drops it
            return self.elements.dtype.type(JUNK)
        return self.elements[self._checked(at)]

    def __setitem__(self, at: int, element: Any) -> None:
        self.elements[self._checked(at)] = element

    def _checked(self, at: Any) -> Any:
        first, last = (at.start, at.stop) if isinstance(at, slice) else (at, at + 1)
        if not 0 <= first <= last <= self.elements.size:
            raise IndexError(f"{at} is outside of {self.elements.size} elements")
        return at


def empty(size: int, dtype: type) -> Row:
    return Row(np.full(size, JUNK, dtype))


def gemm(
    rows,
    columns,
    inner,
    x,
    x_start,
    x_leading,
    x_turned,
    y,
    y_start,
    y_leading,
    y_turned,
    out,
    start,
    accumulate,
):
    def element(memory, begin, leading, turned, i, j):
        return memory[begin + (j * leading + i if turned else i * leading + j)]

    for i in range(rows):
        for j in range(columns):
            at = start + i * columns + j
            total = out[at] if accumulate else 0
            for k in range(inner):
                left = element(x, x_start, x_leading, x_turned, i, k)
                total = total + left * element(y, y_start, y_leading, y_turned, k, j)
            out[at] = total


def matmul(
    rows,
    columns,
    inner,
    x,
    x_start,
    x_down,
    x_across,
    y,
    y_start,
    y_down,
    y_across,
    out,
    start,
    accumulate,
    panels,
):
    for i in range(rows):
        for j in range(columns):
            at = start + i * columns + j
            total = out[at] if accumulate else 0
            for k in range(inner):
                left = x[x_start + i * x_down + k * x_across]
                total = total + left * y[y_start + k * y_down + j * y_across]
            out[at] = total


def matmul_pack(columns, inner, y, start, down, across, panels):
    for k in range(inner):
        for j in range(columns):
            panels[k * columns + j] = y[start + k * down + j * across]


def matmul_packed(rows, columns, inner, x, start, down, across, panels, out, out_start, accumulate):
    y = (panels, 0, columns, 1)
    matmul(rows, columns, inner, x, start, down, across, *y, out, out_start, accumulate, None)


def rounding(a, b):
    total = a + b
    return (a - (total - (total - a))) + (b - (total - a))


def row_of(work, begin, size, dtype):
    return Row(work[begin : begin + size * np.dtype(dtype).itemsize].view(dtype))


def parallel(blocks, function, arguments):
    """Last block first: the order must not matter."""
    for block in reversed(range(blocks)):
        function(block, *arguments)


NAMESPACE = {
    "flat": lambda array: Row(array.reshape(-1)),
    "empty": empty,
    "gemm": gemm,
    "matmul": matmul,
    "matmul_pack": matmul_pack,
    "matmul_packed": matmul_packed,
    "parallel": parallel,
    "borrow": lambda size: np.full(size, JUNK, np.uint8),
    "give_back": lambda work: None,
    "row_of": row_of,
    "check_signals": lambda: None,
    "f64": np.float64,
    "f32": np.float32,
    "i64": np.int64,
    "i32": np.int32,
    "inf": np.inf,
    "nan": np.nan,
    "select": lambda condition, x, y: x if condition else y,
    "plus": lambda x, y: x + y,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "sign": np.sign,
    "rounding": rounding,
    "wins_max": lambda x, best: x > best,
    "wins_min": lambda x, best: x < best,
    "compensated": lambda total, lost: total + lost,
}


def run_plainly(
    function: Function, *args: np.ndarray, signature: Signature | None = None, held: int = 7
) -> list[np.ndarray]:
    """The results of `function`, for operations on whole numbers; result arrays hold `held` before.

    Of a result with a home it is what that parameter holds afterwards; the arguments stay as they are.
    """
    signature = signature or signature_of(function)
    namespace = dict(NAMESPACE)
    exec(compile_source(function, signature), namespace)
    outs = [np.full(v.type.shape, held, v.type.numpy_dtype) for v in function.results]
    given = [x[()] if plain else x.copy() for x, plain in zip(args, signature.by_value, strict=True)]
    with np.errstate(over="ignore"):  # wild indices wrap around
        namespace["program"](*given, *outs)
    return [
        given[signature.overwritten[k]] if k in signature.overwritten else out for k, out in enumerate(outs)
    ]
