"""Nests over rows run in strips: one phase for some rows, then the next phase, while they stay in cache.

Row by row, each phase ends in adding up a register, and the next one waits for the sum; what is done once per
row is a scalar logarithm or division between two loops. In a strip the sums of neighbouring rows overlap, and
what is done per row is vectorised over the rows. Start with `strip`.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from tapejit.codegen.depth import LEAST_COST
from tapejit.codegen.nesting import Nest
from tapejit.codegen.parallel import evaluated, of_each_row
from tapejit.codegen.plan import Plan
from tapejit.codegen.root import IN_LOOPS
from tapejit.codegen.strip import LEAST_LANES
from tapejit.ir.emission import Scalar
from tapejit.ir.work import source_cost

BYTES = 48 * 1024  # of what the rows of a strip read and write
LEAST_ROWS = 8  # of a nest
MOST = 64  # rows of a strip
GENERAL, MOST_BYTES = 16, 512 * 1024  # rows of a strip in general programs; one if these take more
REGISTER = 8  # rows, of doubles


def strip(nest: Nest, plan: Plan) -> int:
    """How many rows run together; 0 if row by row."""
    if len(nest.phases) < 2 or not nest.rows or nest.is_half or not _may(nest) or any(_is_deep(nest, plan)):
        return 0
    parts = of_each_row(nest.roots, plan, prod(nest.rows))
    size = max(sum(width * value.type.numpy_dtype.itemsize for value, width in parts), 1)
    if plan.general:
        return GENERAL if size * GENERAL <= MOST_BYTES else 1
    count = min(BYTES // size, MOST, nest.rows[-1])
    count -= count % REGISTER if count > REGISTER else 0
    return count if count > 1 and prod(nest.rows) >= LEAST_ROWS else 0


def _may(nest: Nest) -> bool:
    """All it does is to store and to fold, in whole spaces."""
    return not nest.has_windows and {root.kind for root in nest.roots} <= IN_LOOPS


def _is_deep(nest: Nest, plan: Plan) -> Iterator[bool]:
    """Whether each phase has loops inside the rows that are better cut by the depth of their calls."""
    for phase in nest.phases:
        if phase.inner and (plan.general or phase.inner[-1] >= LEAST_LANES):
            found, _ = evaluated(phase.roots, plan)
            emissions = (instr.primitive.emission for instr in found)
            yield sum(source_cost(e.source) for e in emissions if isinstance(e, Scalar)) >= LEAST_COST
