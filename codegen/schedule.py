"""The loop nests of a program: which roots share one (`placement`), and its blocks and strips.

Start with `schedule`.
"""

from __future__ import annotations

from dataclasses import dataclass

from tapejit.codegen.call import reason
from tapejit.codegen.fusion import with_products
from tapejit.codegen.hazard import safer_ways
from tapejit.codegen.nesting import Nest
from tapejit.codegen.parallel import Division, division
from tapejit.codegen.placement import placed
from tapejit.codegen.plan import Plan, make_plan
from tapejit.codegen.root import Kind
from tapejit.codegen.row_strip import strip
from tapejit.codegen.short_rows import lanes
from tapejit.ir.function import Function
from tapejit.ir.signature import Signature


@dataclass(frozen=True)
class Schedule:
    """The nests of a program, in order."""

    plan: Plan
    nests: tuple[Nest, ...]

    @property
    def guarded(self) -> int:
        """How many nests run whether the guard holds or not."""
        if not self.plan.signature.guards:
            return len(self.nests)
        return next((k for k, nest in enumerate(self.nests) if self._overwrites(nest)), len(self.nests))

    def _overwrites(self, nest: Nest) -> bool:
        return any(root.slot in self.plan.signature.overwritten for root in nest.roots)


def schedule(function: Function, signature: Signature, general: bool = False) -> Schedule:
    """Loop nests for a straight-line function; `general` as in `compile_source`."""
    plan = make_plan(function, signature, general)
    found = _nests(plan)
    while (ways := safer_ways(plan, found.nests)) != plan.ways:
        plan = make_plan(function, signature, general, ways)
        found = _nests(plan)
    return found


def _nests(plan: Plan) -> Schedule:
    nests = placed(plan)
    for nest in nests:
        if nest.roots[0].kind is Kind.LIBRARY:
            nest.division = Division(1, reason(nest.roots[0]))
        elif not nest.is_call:
            _divide(nest, plan)
    return Schedule(plan, tuple(with_products(nests, plan)))


def _divide(nest: Nest, plan: Plan) -> None:
    """Settle in which blocks and strips a nest runs."""
    nest.division = division(nest.loops, plan)
    nest.lanes = 0 if nest.has_windows else lanes(nest.loops, plan, nest.division)
    if nest.lanes and not nest.rows:
        (phase,) = nest.phases
        nest.rows, phase.inner = phase.inner[:1], phase.inner[1:]
    if not nest.lanes:
        nest.strip = strip(nest, plan)
