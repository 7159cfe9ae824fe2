"""Colours for columns: those of one colour are found in one sweep."""

from __future__ import annotations

from typing import Any

import numpy as np

from tapejit.ir.sparsity import Pattern


def matrix_of(pattern: Pattern, columns: int) -> Any:
    """A pattern as a SciPy matrix of ones."""
    from scipy.sparse import csr_matrix  # not at import time

    ones = np.ones(len(pattern.columns), np.int32)
    return csr_matrix((ones, pattern.columns, pattern.starts), (len(pattern.starts) - 1, columns))


def apart(pattern: Any) -> np.ndarray:
    """Per column a colour, such that no row has two columns of one colour."""
    return greedy((pattern.T @ pattern).tocsr())


def greedy(conflicts: Any) -> np.ndarray:
    """Per column the smallest colour that none in conflict has; those in most conflicts choose first."""
    count = conflicts.shape[0]
    colours = np.full(count, -1)
    starts, others = conflicts.indptr, conflicts.indices
    for j in np.argsort(-np.diff(starts), kind="stable"):
        taken = np.unique(colours[others[starts[j] : starts[j + 1]]])
        taken = taken[taken >= 0]
        free = np.flatnonzero(taken != np.arange(len(taken)))
        colours[j] = free[0] if len(free) else len(taken)
    return colours


def seeds(colours: np.ndarray, dtype: Any) -> np.ndarray:
    """Per colour the sum of the unit vectors of its columns."""
    count = int(colours.max(initial=-1)) + 1
    return (colours == np.arange(count)[:, None]).astype(dtype)
