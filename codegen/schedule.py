"""The loop nests of a program: which roots share one (`placement`), and its blocks and strips.

Start with `schedule`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import groupby

from tapejit.codegen.call import reason
from tapejit.codegen.fusion import with_bands
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

    @cached_property
    def parts(self) -> list[list[tuple[int, Nest]]]:
        """What runs one after another: nests and calls with their numbers, those of a band together."""
        groups = groupby(enumerate(self.nests, 1), lambda numbered: numbered[1].band or numbered[1])
        return [list(part) for _, part in groups]

    @property
    def guarded(self) -> int:
        """How many parts run whether the guard holds or not."""
        if not self.plan.signature.guards:
            return len(self.parts)
        writing = (k for k, part in enumerate(self.parts) if _overwrites(part[0][1], self.plan))
        return next(writing, len(self.parts))


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
    writing = next((k for k, nest in enumerate(nests) if _overwrites(nest, plan)), len(nests))
    return Schedule(plan, (*with_bands(nests[:writing], plan), *nests[writing:]))


def _overwrites(nest: Nest, plan: Plan) -> bool:
    """It leaves a result in a parameter: no nest may move from one side of it to the other."""
    return any(root.slot in plan.signature.overwritten for root in nest.roots)


def _divide(nest: Nest, plan: Plan) -> None:
    """Settle in which blocks and strips a nest runs."""
    nest.division = division(nest.loops, plan)
    nest.lanes = 0 if nest.has_windows else lanes(nest.loops, plan, nest.division)
    if nest.lanes and not nest.rows:
        (phase,) = nest.phases
        nest.rows, phase.inner = phase.inner[:1], phase.inner[1:]
    if not nest.lanes:
        nest.strip = strip(nest, plan)
