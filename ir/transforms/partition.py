"""Residuals: what a forward must store so that the backward need not redo costly work.

A cheap value (elementwise, or a mere index map) is recomputed from the arguments and from what is
stored anyway; the result of a reduction, a product or control flow is stored. One rule, no search.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from tapejit.ir.function import Instr, Value
from tapejit.ir.primitive import Constant, Gathered, IndexMap, Padded, Reinterpret, Scalar

RECOMPUTED = (Scalar, Constant, IndexMap, Padded, Gathered, Reinterpret)


def residuals(
    primal: Sequence[Instr],
    adjoint: Sequence[Instr],
    wanted: Iterable[Value],
    arguments: Collection[Value],
    kept: Collection[Value],
) -> list[Value]:
    """The values of `primal` that computing `wanted` through `adjoint` needs stored.

    `arguments` are at hand in the backward; values that are `kept` as results anyway cost nothing
    to store, so they are, cheap or not.
    """
    needed = set(wanted)
    for instr in reversed(adjoint):
        if needed.intersection(instr.results):
            needed.update(instr.operands)
    stored = []
    for instr in reversed(primal):
        for v in instr.results:
            if v not in needed or v in arguments:
                continue
            if v in kept or not isinstance(instr.primitive.emission, RECOMPUTED):
                stored.append(v)
            else:
                needed.update(instr.operands)
    return stored[::-1]
