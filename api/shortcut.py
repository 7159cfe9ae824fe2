"""A replay as one builtin function: machine code checks, allocates, runs and packs, without Python.

`shortcut_of` asks the runtime for an entry into the path's program (`runtime.entry`). Results that are an
array, a number, or tuples of these come out of it ready; other pytrees are put together in Python.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from tapejit.runtime.entry import EntryPlan, Layout
from tapejit.runtime.program import Executable
from tapejit.tree import flatten

Pack = Callable[[Sequence[Any]], Any]  # arrays and scalars to the result of the call; a mere rearrangement


def shortcut_of(
    program: Executable, plan: EntryPlan, structure: Any, pack: Pack, count: int
) -> Callable[..., Any] | None:
    """A function of the call's positional arguments that gives its result, or `plan.missed`.

    `plan.layout` is for this function to fill in. `structure` is that of the arguments, None if each of them
    is a leaf; `count` is how many values `pack` takes.
    """
    layout = _layout(pack([_Place(k) for k in range(count)]))
    everything = tuple(range(count))
    entry = program.entry(dataclasses.replace(plan, layout=everything if layout is None else layout))
    if entry is None or (structure is None and layout is not None):
        return entry
    missed = plan.missed

    def answer(*args: Any) -> Any:
        leaves: Sequence[Any] = args
        if structure is not None:
            leaves, found = flatten(args)
            if found != structure:
                return missed
        result = entry(*leaves)
        return result if result is missed or layout is not None else pack(result)

    return answer


class _Place:
    """Stands for a value, to see where it goes."""

    def __init__(self, number: int):
        self.number = number


def _layout(packed: Any) -> Layout | None:
    """Where each value went, if the result has no other parts than tuples."""
    if isinstance(packed, _Place):
        return packed.number
    if type(packed) is not tuple:
        return None
    items = [_layout(item) for item in packed]
    return None if None in items else tuple(item for item in items if item is not None)
