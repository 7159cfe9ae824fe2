"""Arrays as sets: which elements are kept, and in what order, is Python's to know; they are taken from there.

Python looks at the ranks of the elements, which are integers, so gradients flow to those that were kept.
Start with `ranks`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tapejit.tracer.surface.composed import composed, seen


def ranks(x: Any, equal_nan: bool = True) -> Any:
    """For every element its place among the different ones in order: `np.unique` says the same of these."""
    flat = np.ravel(x)
    order = np.argsort(flat, kind="stable")
    ordered = flat[order]
    differs = ordered[1:] != ordered[:-1]
    if equal_nan and ordered.dtype.kind == "f":
        differs = differs & ~(np.isnan(ordered[1:]) & np.isnan(ordered[:-1]))
    steps = np.concatenate([np.zeros(min(flat.shape[0], 1), np.int64), np.cumsum(differs)])
    return np.reshape(steps[np.argsort(order, kind="stable")], np.shape(x))


def _ranks_of_two(x: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
    """The ranks of both among the elements of either, seen by Python."""
    first, second = np.ravel(x), np.ravel(y)
    both = np.asarray(seen(ranks(np.concatenate([first, second]))))
    return both[: first.shape[0]], both[first.shape[0] :]


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
    find: Any = np.unique
    wanted = {"return_inverse": return_inverse, "return_counts": return_counts}
    found = find(seen(ranks(ar, equal_nan)), return_index=True, axis=axis, **wanted)
    values = np.take(np.ravel(ar) if axis is None else ar, found[1], axis=axis or 0)
    rest = found[1:] if return_index else found[2:]
    return (values, *rest) if rest else values


@composed(np.unique_values)
def unique_values(x: Any) -> Any:
    return unique(x, equal_nan=False)


def _named(function: Any) -> Any:
    """`unique_counts` and kin: the values traced, the rest as NumPy has it."""

    @composed(function)
    def run(x: Any) -> Any:
        return function(seen(ranks(x, equal_nan=False)))._replace(values=unique_values(x))

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
    first, second = _ranks_of_two(ar1, ar2)
    _, index, other = np.intersect1d(first, second, assume_unique, return_indices=True)
    values = np.take(np.ravel(ar1), index)
    return (values, index, other) if return_indices else values


@composed(np.setdiff1d)
def setdiff1d(ar1: Any, ar2: Any, assume_unique: bool = False) -> Any:
    kept = np.ravel(ar1) if assume_unique else np.unique(ar1)
    first, second = _ranks_of_two(kept, ar2)
    return kept[np.isin(first, second, invert=True)]


@composed(np.setxor1d)
def setxor1d(ar1: Any, ar2: Any, assume_unique: bool = False) -> Any:
    parts = [np.ravel(x) if assume_unique else np.unique(x) for x in (ar1, ar2)]
    first, second = _ranks_of_two(*parts)
    alone = np.isin(np.concatenate([first, second]), np.setxor1d(first, second, assume_unique=True))
    return np.sort(np.concatenate(parts)[alone])
