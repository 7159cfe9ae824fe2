"""A replay as one builtin function: machine code checks, allocates, runs and packs, without Python.

`shortcut_of` asks the runtime for an entry into the path's program (`runtime.entry`). Dicts, lists and tuples
of arrays and numbers go in and come out ready; other pytrees are taken apart and put together in Python.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from tapejit.result import Pack
from tapejit.runtime.entry_plan import Constant, EntryPlan, Given, GivenTree, Layout, Packed
from tapejit.runtime.program import Executable
from tapejit.structure import Structure, key_order
from tapejit.tree import flatten

FIXED = (int, float, bool, str, type(None))  # what a result may hold beside arrays
PLAIN = (dict, list, tuple)  # what machine code takes apart and puts together


def shortcut_of(
    program: Executable, plan: EntryPlan, structure: Structure, pack: Pack, count: int
) -> Callable[..., Any] | None:
    """A function of the call's positional arguments that gives its result, or `plan.missed`.

    `plan` is about the leaves of the arguments, whose structure this is, and `plan.layout` for this function
    to fill in; `count` is how many values `pack` takes.
    """
    layout = _layout(pack([_Place(k) for k in range(count)]))
    row = Packed(tuple, tuple(range(count)), tuple(range(count)))
    given = _arguments(structure, plan.given)
    plan = dataclasses.replace(plan, layout=row if layout is None else layout)
    whole = None if given is None else program.entry(dataclasses.replace(plan, given=given))
    entry = whole or program.entry(plan)
    if entry is None or (whole and layout is not None):
        return entry

    def answer(*args: Any) -> Any:
        leaves: Sequence[Any] = args
        if whole is None:
            leaves, found = flatten(args)
            if structure != found:
                return plan.missed
        result = entry(*leaves)
        return result if result is plan.missed or layout is not None else pack(result)

    return answer


def _arguments(structure: Structure, leaves: Sequence[Given]) -> list[Given] | None:
    """Each argument as it has to be; None if one has other parts than dicts, lists and tuples."""
    remaining = iter(leaves)
    found = [_given(child, remaining) for child in structure.spec.children()]
    return None if None in found else [given for given in found if given is not None]


def _given(spec: Any, leaves: Iterator[Given]) -> Given | None:
    if spec.is_leaf():
        return next(leaves)
    items = [_given(child, leaves) for child in spec.children()]
    if spec.type not in PLAIN or None in items:
        return None
    given = tuple(x for x in items if x is not None)
    return GivenTree(spec.type, tuple(spec.entries()), given, key_order(spec))


class _Place:
    """Stands for a value, to see where it goes."""

    def __init__(self, number: int):
        self.number = number


def _layout(packed: Any) -> Layout | None:
    """Where each value went, if the result has no other parts than dicts, lists and tuples."""
    if isinstance(packed, _Place):
        return packed.number
    kind = type(packed)
    if kind in FIXED:
        return Constant(packed)
    if kind not in PLAIN:
        return None
    keys = tuple(packed) if kind is dict else tuple(range(len(packed)))
    items = [_layout(packed[key]) for key in keys]
    return None if None in items else Packed(kind, keys, tuple(x for x in items if x is not None))
