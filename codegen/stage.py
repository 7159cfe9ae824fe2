"""Nests over rows whose work is mostly one value per row: run in stages, so that this work is vectorised.

Row by row, a logarithm per row is one scalar logarithm between two loops. In stages a block of rows runs its
first loops, then all its logarithms side by side, then the loops that read them; the block stays in cache
between its stages. What a later stage reads of an earlier one is stored. Start with `crossing`.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import prod

from tapejit.codegen.cost import STORE_ABOVE
from tapejit.codegen.parallel import evaluated
from tapejit.codegen.plan import Plan
from tapejit.codegen.root import Kind, Root
from tapejit.ir.emission import Scalar
from tapejit.ir.function import Instr, Value
from tapejit.ir.work import CALL, source_cost

LANES = 8  # how much quicker a loop over rows is than a statement per row

Phases = list[tuple[tuple[int, ...], list[Root]]]  # the loops inside the rows, and the roots


def pays(rows: tuple[int, ...], phases: Phases, plan: Plan) -> bool:
    """Whether the work per row, done element by element, outweighs what is done inside the rows."""
    if len(rows) != 1 or len(phases) < 2:
        return False
    instrs = {i for _, roots in phases for i in evaluated(roots, plan)[0]}
    per_row = sum(_cost(i) for i in instrs if i.results[0].type.size == rows[0])
    inside = sum(
        _cost(i) * i.results[0].type.size // rows[0] for i in instrs if i.results[0].type.size > rows[0]
    )
    inside += sum(prod(inner) for inner, roots in phases for _ in roots)
    return per_row >= CALL and per_row * LANES > inside


def crossing(rows: tuple[int, ...], phases: Phases, plan: Plan) -> set[Value]:
    """The values per row that loops inside the rows read and that cost too much to compute again there."""
    found: set[Value] = set()
    pending = [v for inner, roots in phases if inner for root in roots for v in _operands(root, plan)]
    seen: set[Value] = set()
    while pending:
        value = pending.pop()
        if value in seen or value in plan.stored or value not in plan.definitions:
            continue
        seen.add(value)
        instr = plan.definitions[value]
        per_row = value.type.size == rows[0] and isinstance(instr.primitive.emission, Scalar)
        if per_row and _with_all_below(instr, plan) >= STORE_ABOVE:
            found.add(value)
        else:
            pending += instr.operands
    return found


def _operands(root: Root, plan: Plan) -> Iterable[Value]:
    defined = root.kind is Kind.DEFINE
    return plan.definitions[root.value].operands if defined else (o.value for o in root.operands)


def _with_all_below(instr: Instr, plan: Plan) -> int:
    below = {instr, *evaluated((), plan, instr.operands)[0]}
    return sum(_cost(i) for i in below)


def _cost(instr: Instr) -> int:
    emission = instr.primitive.emission
    return source_cost(emission.source) if isinstance(emission, Scalar) else 0
