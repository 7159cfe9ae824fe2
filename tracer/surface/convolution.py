"""`convolve` and `correlate` of two rows of numbers: products of all windows of one with the other."""

from __future__ import annotations

import numpy as np

from tapejit.ir import ops
from tapejit.ir.builder import Var
from tapejit.ir.gather import gather
from tapejit.tracer.errors import ShapeError
from tapejit.tracer.operation import Operand, as_var, common_dtype
from tapejit.tracer.surface.complex_number import conj
from tapejit.tracer.surface.function import traced


@traced(np.convolve)
def convolve(a: Operand, v: Operand, *, mode: str = "full") -> Var:
    x, y = _rows(a, v)
    if y.shape[0] > x.shape[0]:
        x, y = y, x
    return _windows_times(x, ops.reverse(y, axes=(0,)), mode)


@traced(np.correlate)
def correlate(a: Operand, v: Operand, *, mode: str = "valid") -> Var:
    x, y = _rows(a, v)
    y = conj(y)
    if y.shape[0] <= x.shape[0]:
        return _windows_times(x, y, mode)
    return ops.reverse(_windows_times(y, x, mode), axes=(0,))


def _rows(a: Operand, v: Operand) -> tuple[Var, Var]:
    """Both operands in their common dtype; a number is a row of one."""
    dtype = common_dtype(a, v)
    if dtype == "bool":
        raise ShapeError("truth values are not convolved; convert them: a.astype('int64')")
    first, second = (as_var(x, dtype) for x in (a, v))
    if any(len(x.shape) > 1 or 0 in x.shape for x in (first, second)):
        raise ShapeError(f"two rows with elements are needed, got shapes {first.shape} and {second.shape}")
    return ops.reshape(first, shape=(first.type.size,)), ops.reshape(second, shape=(second.type.size,))


def _windows_times(x: Var, y: Var, mode: str) -> Var:
    """Element k is the sum of x[start + k + j] y[j], where x is zero outside and not shorter than y."""
    count, width = x.shape[0], y.shape[0]
    spans = {
        "full": (1 - width, count + width - 1),
        "same": (-(width // 2), count),
        "valid": (0, count - width + 1),
    }
    if mode not in spans:
        raise ShapeError(f"mode must be one of {', '.join(spans)}, got {mode!r}")
    start, size = spans[mode]
    rows, columns = (ops.iota(builder=x.builder, dtype="i64", shape=(size, width), axis=k) for k in (0, 1))
    windows = gather(x, rows + columns + start, axis=0)
    return ops.dot_general(windows, y, contract=((1,), (0,)), batch=((), ()))
