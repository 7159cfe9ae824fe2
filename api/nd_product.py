"""Products of the `nd` face. `dot` contracts the last dimension of the first operand with the first
dimension of the second, which for vectors and matrices is NumPy's `dot`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tapejit.ir.builder import Var
from tapejit.nd_reduction import at_least_1d
from tapejit.tracer.surface import product
from tapejit.tracer.surface.function import traced
from tapejit.tracer.surface.shape import swapaxes


def _contracted(rank_a: int, rank_b: int, transpose_a: bool, transpose_b: bool) -> tuple[Any, Any]:
    return (0 if transpose_a else rank_a - 1,), (rank_b - 1 if transpose_b else 0,)


def _dot_now(lhs: Any, rhs: Any, *, transpose_a: bool = False, transpose_b: bool = False) -> np.ndarray:
    axes = _contracted(np.ndim(lhs), np.ndim(rhs), transpose_a, transpose_b)
    return np.atleast_1d(np.tensordot(lhs, rhs, axes))


@traced(name="dot", numpy=_dot_now)
def dot(lhs: Var, rhs: Var, *, transpose_a: bool = False, transpose_b: bool = False) -> Var:
    axes = _contracted(len(lhs.shape), len(rhs.shape), transpose_a, transpose_b)
    return at_least_1d(product.tensordot.op.lower(lhs, rhs, axes=axes))


def batch_dot(lhs: Any, rhs: Any, transpose_a: bool = False, transpose_b: bool = False) -> Any:
    """Products of matrices, one per index of the leading dimension."""
    return product.matmul(
        swapaxes(lhs, -1, -2) if transpose_a else lhs, swapaxes(rhs, -1, -2) if transpose_b else rhs
    )
