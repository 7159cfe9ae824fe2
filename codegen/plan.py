"""Which values get memory, and the roots that fill it.

A value is *stored* when loops complete it as a whole: folds, products, concatenations, results, and
whatever is too expensive to evaluate again where it is needed. All others are *virtual*: evaluated
at an index inside the loops that need them. Start with `make_plan`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from tapejit.codegen.cost import costly_values
from tapejit.codegen.root import Kind, Root, roots_of, store
from tapejit.ir.function import Function, Instr, Value
from tapejit.ir.primitive import Constant, IndexMap, Padded, Reinterpret, Scalar
from tapejit.ir.signature import Signature

ON_DEMAND = (Scalar, Constant, IndexMap, Padded, Reinterpret)


@dataclass(frozen=True)
class Plan:
    """The roots in an order in which they can run, and what they define."""

    function: Function
    signature: Signature
    definitions: dict[Value, Instr]
    stored: frozenset[Value]  # parameters not among them
    roots: tuple[Root, ...]

    @cached_property
    def roots_by_value(self) -> dict[Value, list[int]]:
        """The positions of the roots that complete each stored value."""
        found: dict[Value, list[int]] = {v: [] for v in self.stored}
        for k, root in enumerate(self.roots):
            if root.instr is not None:
                found[root.value].append(k)
        return found


def make_plan(function: Function, signature: Signature) -> Plan:
    """Decide what is stored, and collect the roots in program order."""
    homes = _homes(function, signature)
    kept = costly_values(function) | {v for v in homes if isinstance(v, Value)}
    roots: list[Root] = []
    stored: set[Value] = set()
    for instr in function.body:
        roots_here = _roots(instr, kept, homes)
        roots += roots_here
        stored |= {root.value for root in roots_here}
    for slot, value in enumerate(function.results):
        if value not in stored or homes.get(value) != slot:
            roots.append(store(Kind.COPY, value, slot, None))
    defined = {v: instr for instr in function.body for v in instr.results}
    return Plan(function, signature, defined, frozenset(stored), tuple(roots))


def _roots(instr: Instr, kept: set[Value], homes: dict[Value, int]) -> list[Root]:
    value = instr.results[0]
    if not isinstance(instr.primitive.emission, ON_DEMAND):
        return roots_of(instr, homes.get(value))
    if value in kept and isinstance(instr.primitive.emission, Scalar):
        return [store(Kind.DEFINE, value, homes.get(value), instr)]
    return []


def _homes(function: Function, signature: Signature) -> dict[Value, int]:
    """The result slot in which a value may live: one that nothing else is added to.

    A slot that accumulates serves as well if nobody reads the value: the root then adds to it.
    """
    read = {v for instr in function.body for v in instr.operands}
    homes: dict[Value, int] = {}
    for slot, value in enumerate(function.results):
        alone = value not in read and function.results.count(value) == 1
        if value not in homes and (alone or not signature.accumulate[slot]):
            homes[value] = slot
    return {v: slot for v, slot in homes.items() if v not in function.params}
