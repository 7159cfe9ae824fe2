"""Dead code: instructions whose results nothing needs are dropped; nothing in the IR has effects.

Of an instruction with regions only the results in use remain. Of a loop the carried values go that
neither a result in use, nor the predicate, nor a carried value that stays depends on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import compress

from tapejit.ir.emission import Alias, Branch, Call, Loop, LoopAdjoint
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
    return _RULES[type(instr.primitive.emission)](instr, used)


def _branch(instr: Instr, used: list[bool]) -> Instr:
    regions = tuple(dce(_only(region, used)) for region in instr.regions)
    return _renewed(instr, regions, results=tuple(compress(instr.results, used)))


def _whole(instr: Instr, used: list[bool]) -> Instr:
    """What an own derivative says, it says of all results."""
    return instr


def _loop(instr: Instr, used: list[bool]) -> Instr:
    return _carrying(instr, used, ())


def _loop_adjoint(instr: Instr, used: list[bool]) -> Instr:
    """All states stay, sums go where they are not used."""
    states = len(instr.operands) - len(instr.regions[0].params)
    kept = [True] * states + used[states:]
    pullback = dce(_only(instr.regions[2], kept))
    read = _read(pullback)
    wanted = [p in read for p in pullback.params[: instr.attrs["carry"]]]
    pruned = _carrying(instr, wanted, (pullback,))
    return pruned if all(kept) else replace(pruned, results=tuple(compress(instr.results, kept)))


def _carrying(instr: Instr, wanted: Sequence[bool], rest: tuple[Function, ...]) -> Instr:
    """The loop with the carried values that are wanted or that those depend on, and the constants in use.

    `rest` are the regions that remain after the predicate and the body.
    """
    predicate, body, carry = dce(instr.regions[0]), instr.regions[1], instr.attrs["carry"]
    kept, body = _needed(predicate, body, wanted)
    regions: tuple[Function, ...] = (predicate, body, *rest)
    read = set().union(*map(_read, regions))
    params = zip(*(r.params[carry : len(body.params)] for r in regions), strict=True)
    operands = [*kept, *(not read.isdisjoint(same) for same in params)]
    operands += [True] * (len(instr.operands) - len(operands))
    results = tuple(compress(instr.results, kept)) if not rest else instr.results
    if all(operands):
        return _renewed(instr, regions, results=results)
    regions = tuple(replace(r, params=tuple(compress(r.params, operands))) for r in regions)
    given, attrs = tuple(compress(instr.operands, operands)), {**instr.attrs, "carry": sum(kept)}
    return replace(instr, operands=given, attrs=attrs, results=results, regions=regions)


def _needed(predicate: Function, body: Function, wanted: Sequence[bool]) -> tuple[list[bool], Function]:
    """Which carried values those wanted, and the predicate, depend on; and the body that computes them."""
    asked = _read(predicate)
    kept = [w or p in asked for w, p in zip(wanted, predicate.params, strict=False)]
    while True:
        step = dce(_only(body, kept))
        read = _read(step)
        grown = [k or p in read for k, p in zip(kept, step.params, strict=False)]
        if grown == kept:
            return kept, step
        kept = grown


def _read(region: Function) -> set[Value]:
    return {*region.results, *(v for instr in region.body for v in instr.operands)}


def _only(region: Function, used: Sequence[bool]) -> Function:
    return region if all(used) else replace(region, results=tuple(compress(region.results, used)))


def _renewed(instr: Instr, regions: tuple[Function, ...], results: tuple[Value, ...]) -> Instr:
    """The instruction itself where its regions are as before."""
    return instr if regions == instr.regions else replace(instr, regions=regions, results=results)


_RULES = {Branch: _branch, Call: _branch, Alias: _whole, Loop: _loop, LoopAdjoint: _loop_adjoint}
