"""Arrays as sets: which elements are kept, and in what order, is Python's to know; they are taken from there.

So gradients flow to the elements that were kept.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tapejit.tracer.surface.composed import composed, seen


@composed(np.unique)
def unique(
    ar: Any,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    *,
    equal_nan: bool = True,
    sorted: bool = True,
) -> Any:
    wanted = {"return_inverse": return_inverse, "return_counts": return_counts}
    find: Any = np.unique
    found = find(seen(ar), return_index=True, axis=axis, equal_nan=equal_nan, **wanted)
    index = found[1]
    values = np.take(np.ravel(ar) if axis is None else ar, index, axis=axis or 0)
    rest = found[1:] if return_index else found[2:]
    return (values, *rest) if rest else values


@composed(np.unique_values)
def unique_values(x: Any) -> Any:
    return np.take(np.ravel(x), np.unique(seen(x), return_index=True, equal_nan=False)[1])


def _named(function: Any) -> Any:
    """`unique_counts` and kin: the values traced, the rest as NumPy has it."""

    @composed(function)
    def run(x: Any) -> Any:
        return function(seen(x))._replace(values=unique_values(x))

    return run


unique_all = _named(np.unique_all)
unique_counts = _named(np.unique_counts)
unique_inverse = _named(np.unique_inverse)


@composed(np.union1d)
def union1d(ar1: Any, ar2: Any) -> Any:
    return np.unique(np.concatenate([np.ravel(ar1), np.ravel(ar2)]))


@composed(np.intersect1d)
def intersect1d(ar1: Any, ar2: Any, assume_unique: bool = False, return_indices: bool = False) -> Any:
    """The elements of the first array."""
    _, index, other = np.intersect1d(seen(ar1), seen(ar2), assume_unique, return_indices=True)
    values = np.take(np.ravel(ar1), index)
    return (values, index, other) if return_indices else values


@composed(np.setdiff1d)
def setdiff1d(ar1: Any, ar2: Any, assume_unique: bool = False) -> Any:
    kept = np.ravel(ar1) if assume_unique else np.unique(ar1)
    return kept[np.isin(seen(kept), seen(ar2), invert=True)]


@composed(np.setxor1d)
def setxor1d(ar1: Any, ar2: Any, assume_unique: bool = False) -> Any:
    parts = [np.ravel(x) if assume_unique else np.unique(x) for x in (ar1, ar2)]
    every = np.concatenate(parts)
    values = seen(every)
    alone = np.isin(values, np.setxor1d(seen(parts[0]), seen(parts[1]), assume_unique=True))
    return np.sort(every[alone])
