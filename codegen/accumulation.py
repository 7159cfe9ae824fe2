"""Sums of many arrays that are completed one after another: each is added as soon as it is there.

Evaluated on demand, such a sum would read all of them at the end, and memory would hold all of them until
then. This is the gradient of whatever all steps of an unrolled loop read. Start with `partial_sums`.
"""

from __future__ import annotations

from collections import Counter

from tapejit.ir.emission import OnDemand
from tapejit.ir.function import Function, Instr, Value

MANY = 6  # summands: fewer are read in one pass
_SUMS = ("add", "sub")


def partial_sums(function: Function) -> set[Value]:
    """The sums so far that are better stored: those of many arrays, none of them evaluated on demand."""
    uses = Counter(v for instr in function.body for v in instr.operands) + Counter(function.results)
    count: dict[Value, int] = {}  # of the completed arrays in a sum
    parts: dict[Value, list[Value]] = {}  # of a sum, which nothing else reads
    for instr in function.body:
        for value in instr.results:
            if value.type.size > 1 and not isinstance(instr.primitive.emission, OnDemand):
                count[value] = 1
            elif instr.primitive.name in _SUMS and value.type.size > 1:
                parts[value] = [v for v in _own(instr, value) if uses[v] == 1]
                count[value] = sum(count.get(v, 0) for v in parts[value])
    found: set[Value] = set()
    for value in reversed(parts):
        if count[value] >= MANY or value in found:
            found.update([value], (v for v in parts[value] if v in parts and count[v] > 1))
    return found


def _own(instr: Instr, value: Value) -> list[Value]:
    """The operands that are as large as the sum itself: no numbers, nothing repeated."""
    return [v for v in instr.operands if v.type.size == value.type.size]
