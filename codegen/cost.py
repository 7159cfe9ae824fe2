"""Which values are worth memory although nothing forces it: those that cost too much to evaluate again.

A cost is read off the source of the operations, in units of about one addition or load. A value is
evaluated again where it is needed in loops that cannot be one loop, or at several indices, or once
per row although it varies only along the columns. Start with `costly_values`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tapejit.codegen.evaluation import evaluation_cost
from tapejit.codegen.moves import repeats_rows
from tapejit.ir.emission import Gathered, IndexMap, OnDemand, Padded, Scalar
from tapejit.ir.function import Function, Instr, Value
from tapejit.ir.work import element_cost

MOST = 10**6
STORE_ABOVE = 10  # the cost that a store and a load are worth, per element


@dataclass
class _Demand:
    """Where a value is needed: in which phases, in spaces of which size, at how many other indices."""

    phases: set[int] = field(default_factory=set)
    sizes: set[int] = field(default_factory=set)
    indices: int = 0
    in_place: bool = False  # also at the index of a consumer
    repeated: bool = False  # once for every row

    def add(self, other: _Demand) -> None:
        """Needed also wherever `other` is; two of each suffice to know that there are several."""
        self.phases |= {min(other.phases), max(other.phases)} if other.phases else set()
        self.phases = {min(self.phases), max(self.phases)} if self.phases else set()
        self.sizes |= other.sizes
        self.sizes = {min(self.sizes), max(self.sizes)} if self.sizes else set()
        self.repeated |= other.repeated

    @property
    def places(self) -> int:
        """At how many indices it is needed; two stand for all above."""
        return min(max(self.indices + self.in_place, 1), 2)

    def worth_storing(self, cost: int) -> bool:
        """Evaluating once and loading is cheaper than evaluating wherever it is needed."""
        often = len(self.phases) > 1 or len(self.sizes) > 1 or self.repeated
        return cost >= STORE_ABOVE and (often or self.places > 1)


def costly_values(function: Function) -> set[Value]:
    """The values evaluated on demand that are better stored."""
    costs, phases = _costs(function), _phases(function)
    demands: dict[Value, _Demand] = {}
    for value in function.results:
        demand = demands.setdefault(value, _Demand())
        demand.add(_Demand({phases[value]}, {value.type.size}))
        demand.in_place = True
    kept: set[Value] = set()
    for instr in reversed(function.body):
        for value in instr.results:
            computed = isinstance(instr.primitive.emission, Scalar) and value in demands
            if computed and demands[value].worth_storing(costs[value]):
                kept.add(value)
        _pass_on(instr, demands, kept, phases)
    return _still_costly(function, kept)


def _pass_on(instr: Instr, demands: dict[Value, _Demand], kept: set[Value], phases: dict[Value, int]) -> None:
    """What the operands of an instruction are needed for."""
    result, emission = instr.results[0], instr.primitive.emission
    on_demand = isinstance(emission, OnDemand)
    elsewhere = isinstance(emission, IndexMap) and not repeats_rows(instr)
    moved = elsewhere or isinstance(emission, Padded | Gathered)
    for operand in dict.fromkeys(instr.operands):
        demand = demands.setdefault(operand, _Demand())
        if not on_demand:
            demand.add(_Demand({phases[operand]}, {operand.type.size}))
        elif result in kept:
            demand.add(_Demand({phases[result]}, {result.type.size}))
        else:
            demand.add(demands.get(result, _Demand()))
        demand.indices += moved and (1 if result in kept else demands.get(result, demand).places)
        demand.in_place |= not moved
        repeats = moved and not isinstance(emission, Padded)
        demand.repeated |= repeats and result.type.size > operand.type.size > 1


def _costs(function: Function) -> dict[Value, int]:
    """At most the cost of one element of each value: as if nothing in it served twice."""
    costs = dict.fromkeys(function.params, 1)
    for instr in function.body:
        costs.update(dict.fromkeys(instr.results, _cost(instr, costs)))
    return costs


def _still_costly(function: Function, kept: set[Value]) -> set[Value]:
    """Those of `kept` that cost much even though what they are computed from may be stored as well."""
    definitions = function.definitions()
    found: set[Value] = set()
    for value in definitions:
        if value in kept and evaluation_cost(value, definitions, found) >= STORE_ABOVE:
            found.add(value)
    return found


def _cost(instr: Instr, costs: Mapping[Value, int]) -> int:
    emission = instr.primitive.emission
    if not isinstance(emission, OnDemand):
        return 1
    return min(element_cost(emission) + sum(costs[v] for v in instr.operands), MOST)


def _phases(function: Function) -> dict[Value, int]:
    """How many loops must have run, one after another, before a value can be evaluated."""
    phases = dict.fromkeys(function.params, 0)
    for instr in function.body:
        on_demand = isinstance(instr.primitive.emission, OnDemand)
        phase = max((phases[v] for v in instr.operands), default=0) + (not on_demand)
        phases.update(dict.fromkeys(instr.results, phase))
    return phases
