"""Arguments that a decorated function writes to: the caller's arrays show it, as in NumPy.

Inside the call an array argument is a value on the tape, and a write gives it another (`tracer.alias`). At
the end the values are copied into the caller's memory; a replay does the same with results of its program.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from tapejit.tracer.errors import InPlaceError
from tapejit.tracer.handle import Handle


def written_arguments(given: Sequence[Any], traced: Sequence[Any], where: str) -> dict[int, Handle]:
    """By position among the leaves: what stands for the arrays of `given` that were written to.

    InPlaceError if one of them overlaps another argument, which the trace did not see change.
    """
    pairs = enumerate(zip(given, traced, strict=True))
    written = {k: t for k, (g, t) in pairs if isinstance(g, np.ndarray) and _is_another(g, t)}
    if overlapping(given, written):
        raise InPlaceError(
            f"{where} writes to an argument that shares memory with another argument; pass a copy of one of "
            "them"
        )
    return written


def overlapping(leaves: Sequence[Any], written: Iterable[int]) -> bool:
    """Whether an array that is written to shares memory with another one."""
    arrays = [(k, x) for k, x in enumerate(leaves) if isinstance(x, np.ndarray)]
    return any(j != k and np.may_share_memory(leaves[k], x) for k in written for j, x in arrays)


def write_back(given: Sequence[Any], written: Mapping[int, Handle]) -> None:
    """Show the caller what was written."""
    for k, handle in written.items():
        np.copyto(given[k], handle.materialise())


def _is_another(given: np.ndarray, traced: Any) -> bool:
    """Whether an argument's array stands for something else now than the memory that was given."""
    if not isinstance(traced, Handle) or not given.size:
        return False
    return traced._elements is None or not np.may_share_memory(traced._elements, given)
