"""How much memory a program needs at most: values that are stored, from their making to their last use.

Elementwise values, moved ones and constants are evaluated inside the loops that need them, so they count for
nothing, but what they read has to live as long as they are read. Arguments and results are the caller's.
"""

from __future__ import annotations

from collections.abc import Mapping

from tapejit.ir.emission import OnDemand
from tapejit.ir.function import Function, Value


def peak_bytes(function: Function) -> int:
    """The most bytes that intermediate values of `function` take at one time."""
    ends = _last_uses(function)
    lent = {*function.params, *function.results}
    alive, most = 0, 0
    leaving: dict[int, int] = {}
    for n, instr in enumerate(function.body):
        stored = () if isinstance(instr.primitive.emission, OnDemand) else instr.results
        for v in stored:
            if v not in lent and v in ends:
                alive += v.type.nbytes
                leaving[ends[v]] = leaving.get(ends[v], 0) + v.type.nbytes
        inside = max(map(peak_bytes, instr.regions), default=0)
        most = max(most, alive + inside)
        alive -= leaving.pop(n, 0)
    return most


def _last_uses(function: Function) -> Mapping[Value, int]:
    """The last instruction that reads each value, itself or through values that are not stored."""
    ends: dict[Value, int] = {v: len(function.body) for v in function.results}
    for n in range(len(function.body) - 1, -1, -1):
        instr = function.body[n]
        at = n
        if isinstance(instr.primitive.emission, OnDemand):
            at = max((ends[v] for v in instr.results if v in ends), default=n)
        for v in instr.operands:
            ends[v] = max(ends.get(v, 0), at)
    return ends
