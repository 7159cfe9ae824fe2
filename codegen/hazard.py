"""Whether a parameter is overwritten before something that reads it has run, or before something may fail.

The check is about finished nests, so whatever placed them, a result that is not safe goes a worse way, and
the worst is safe always: all that is written last comes from temporaries. Start with `safer_ways`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from tapejit.codegen.affine import Affine, LoopVar, atom
from tapejit.codegen.dependence import Needs, reads_of_parameters
from tapejit.codegen.element import Elements
from tapejit.codegen.index import Index
from tapejit.codegen.level import Node, Statement
from tapejit.codegen.memory import Array, Storage
from tapejit.codegen.name import Names
from tapejit.codegen.nesting import Nest
from tapejit.codegen.overwrite import Way, Ways
from tapejit.codegen.plan import Plan
from tapejit.codegen.root import Kind, Root
from tapejit.ir.function import Value


def safer_ways(plan: Plan, nests: Sequence[Nest]) -> Ways:
    """The plan's ways of results into parameters, worse ones for those that are not safe in these nests."""
    if not plan.ways:
        return plan.ways
    check = _Check(plan, nests)
    ways = dict(plan.ways)
    for slot, way in plan.ways.items():
        for raised, least in check.raised(slot, way):
            ways[raised] = max(ways[raised], least)
    return ways


class _Place(NamedTuple):
    """Where a root runs: the number of its nest, and that of the phase."""

    nest: int
    phase: int


class _Check:
    """What is known of some nests."""

    def __init__(self, plan: Plan, nests: Sequence[Nest]):
        self._plan, self._nests = plan, nests
        self._places = dict(_places(nests))
        self._reads = dict(zip(plan.roots, reads_of_parameters(plan), strict=True))
        self._fails = max((self._places[r].nest for r in plan.roots if _may_fail(r, plan)), default=-1)

    def raised(self, slot: int, way: Way) -> Iterator[tuple[int, Way]]:
        """Results that have to go another way than they do, for the sake of the parameter of this one."""
        parameter = self._plan.signature.overwritten[slot]
        for writer in (root for root in self._plan.roots if root.slot == slot):
            if self._places[writer].nest <= self._fails:
                yield slot, _later(way)
            for reader, needs in self._reads.items():
                if self._meets(writer, reader, needs, parameter):
                    yield self._remedy(slot, way, reader)

    def _remedy(self, slot: int, way: Way, reader: Root) -> tuple[int, Way]:
        """What avoids that a result overtakes this reader of its parameter."""
        if reader.slot == slot:
            return slot, Way.HERE_KEPT if way is Way.HERE else Way.KEPT
        if way >= Way.APART and reader.slot in self._plan.ways:
            assert reader.slot is not None
            return reader.slot, Way.KEPT
        return slot, _later(way)

    def _meets(self, writer: Root, reader: Root, needs: Needs, parameter: int) -> bool:
        """Whether the reader might find in the parameter what the writer left there."""
        bit = 1 << parameter
        if not (needs.aligned | needs.scattered) & bit:
            return False
        first, then = self._places[reader], self._places[writer]
        if first.nest < then.nest or (reader.slot == writer.slot and self._reads_own(reader, parameter)):
            return False
        if first.nest > then.nest or first.phase > then.phase or writer.start:
            return True
        if first.phase < then.phase:
            return not needs.aligned & bit or bool(needs.scattered & bit)
        return self._plan.way(writer) < Way.LAST or not self._reads_own(reader, parameter, writer)

    def _reads_own(self, reader: Root, parameter: int, writer: Root | None = None) -> bool:
        """Whether all that a root reads of a parameter is the element that a writer in its loops writes."""
        if writer is not None and (writer.size != reader.size or self._is_window(reader, writer)):
            return False
        writer = writer or reader
        value, loops = self._plan.function.params[parameter], _loops(reader)
        places = _places_read(reader, value, reader.positions(loops), self._plan)
        return places <= {writer.index(writer.positions(loops)).flat}

    def _is_window(self, *roots: Root) -> bool:
        """Whether one of them runs over a part of its phase's loops only."""
        phases = (self._nests[nest].phases[k] for nest, k in map(self._places.__getitem__, roots))
        return any(root in phase.begins for root, phase in zip(roots, phases, strict=True))


def _later(way: Way) -> Way:
    """Where nothing is overtaken that would be on this way."""
    return Way.LAST if way < Way.LAST else Way.APART


def _places(nests: Sequence[Nest]) -> Iterator[tuple[Root, _Place]]:
    for number, nest in enumerate(nests):
        for root, phase in nest.phase_of.items():
            yield root, _Place(number, phase)


def _may_fail(root: Root, plan: Plan) -> bool:
    """It raises errors, looks for signals, or tells whether anything may be written."""
    return root.kind is Kind.CONTROL or root.slot in plan.signature.guards


def _loops(root: Root) -> list[Affine]:
    """One for each long dimension of its space."""
    return [atom(LoopVar(f"i{k}", n)) for k, n in enumerate(root.space) if n != 1]


def _places_read(root: Root, value: Value, space: Sequence[Affine], plan: Plan) -> set[Affine]:
    """The elements of a parameter from which an element of a root is computed."""
    found: list[Node] = []
    arrays: Mapping[Value, Array] = {v: Array(f"m{k}") for k, v in enumerate(_stored(plan))}
    storage: Storage = dict(arrays)
    elements = Elements(plan, storage, Names(()))
    elements.place = lambda _: found
    if root.kind is Kind.DEFINE:
        elements.define(root.value, Index(root.value.type.shape, space))
    else:
        for operand in root.operands:
            elements.element(operand.value, operand.index(space))
    every: Iterator[Statement] = (s for node in found for s in node.statements())
    return {s.holes[0] for s in every if s.array is arrays[value]}


def _stored(plan: Plan) -> list[Value]:
    return [*plan.function.params, *plan.stored]
