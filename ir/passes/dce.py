"""Dead code: instructions whose results nothing needs are dropped; nothing in the IR has effects.

Of an instruction with regions only the results in use remain, where each region computes them all.
"""

from __future__ import annotations

from dataclasses import replace

from tapejit.ir.function import Function, Instr, Value


def dce(function: Function) -> Function:
    """`function` without what its results do not depend on."""
    live = set(function.results)
    kept: list[Instr] = []
    for old in reversed(function.body):
        used = [v in live for v in old.results]
        if not any(used):
            continue
        instr = _pruned(old, used) if old.regions else old
        live.update(instr.operands)
        kept.append(instr)
    kept.reverse()
    if len(kept) == len(function.body) and all(a is b for a, b in zip(kept, function.body, strict=True)):
        return function
    return replace(function, body=kept)


def _pruned(instr: Instr, used: list[bool]) -> Instr:
    """The instruction with only the results in use, and its regions without what is then dead."""
    regions = tuple(dce(_only(region, used)) for region in instr.regions)
    if regions == instr.regions:
        return instr
    results = tuple(v for v, u in zip(instr.results, used, strict=True) if u)
    return replace(instr, results=results, regions=regions)


def _only(region: Function, used: list[bool]) -> Function:
    if all(used):
        return region
    results: tuple[Value, ...] = tuple(v for v, u in zip(region.results, used, strict=True) if u)
    return replace(region, results=results)
