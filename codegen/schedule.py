"""The loop nests of a program: which roots share one (`placement`), and its blocks, strips and stages.

Start with `schedule`.
"""

from __future__ import annotations

from dataclasses import dataclass

from tapejit.codegen.call import reason
from tapejit.codegen.nesting import Nest, Phase
from tapejit.codegen.parallel import Division, division
from tapejit.codegen.placement import placed
from tapejit.codegen.plan import Plan, make_plan, planned
from tapejit.codegen.root import Kind, Root
from tapejit.codegen.short_rows import lanes
from tapejit.codegen.stage import crossing, pays
from tapejit.ir.function import Function
from tapejit.ir.signature import Signature


@dataclass(frozen=True)
class Schedule:
    """The nests of a program, in order."""

    plan: Plan
    nests: tuple[Nest, ...]


def schedule(function: Function, signature: Signature, general: bool = False) -> Schedule:
    """Loop nests for a straight-line function; `general` as in `compile_source`."""
    plan = make_plan(function, signature, general)
    found = _scheduled(plan)
    staged = [nest for nest in found.nests if _pays_in_stages(nest, plan)]
    stored = {v for nest in staged for v in crossing(nest.rows, _inner(nest), plan)}
    if stored:
        found = _scheduled(planned(plan.function, signature, general, frozenset(stored)))
    for nest in found.nests:
        if _pays_in_stages(nest, found.plan):
            nest.stages = _stages(nest)
    return found


def _pays_in_stages(nest: Nest, plan: Plan) -> bool:
    return nest.division.blocks > 1 and not nest.lanes and pays(nest.rows, _inner(nest), plan)


def _inner(nest: Nest) -> list[tuple[tuple[int, ...], list[Root]]]:
    return [(phase.inner, phase.roots) for phase in nest.phases]


def _stages(nest: Nest) -> tuple[Nest, ...]:
    """A nest per phase, over the same rows."""
    return tuple(
        Nest([Phase((*nest.rows, *phase.inner), phase.roots)], division=nest.division)
        for phase in nest.phases
    )


def _scheduled(plan: Plan) -> Schedule:
    nests = placed(plan)
    for nest in nests:
        if nest.roots[0].kind is Kind.LIBRARY:
            nest.division = Division(1, reason(nest.roots[0]))
        elif not nest.is_call:
            _divide(nest, plan)
    return Schedule(plan, tuple(nests))


def _divide(nest: Nest, plan: Plan) -> None:
    """Settle in which blocks and strips a nest runs."""
    phases = [((*nest.rows, *phase.inner), phase.roots) for phase in nest.phases]
    nest.division = division(phases, plan)
    nest.lanes = 0 if any(phase.begins for phase in nest.phases) else lanes(phases, plan, nest.division)
    if nest.lanes and not nest.rows:
        (phase,) = nest.phases
        nest.rows, phase.inner = phase.inner[:1], phase.inner[1:]
