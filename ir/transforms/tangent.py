"""Forward mode: from a function to the function of its tangents.

The primal is replayed, then each instruction's jvp rule maps the tangents of its operands to that
of its result. A tangent that is absent is zero by structure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tapejit.ir.builder import Builder, Var, replay
from tapejit.ir.emission import Alias
from tapejit.ir.function import Function, Instr, Value
from tapejit.ir.primitive import Discrete


def tangent(f: Function, wrt: Sequence[int] | None = None) -> Function:
    """`f : x -> y` to `f.tangent : (x, x_dot) -> (y, y_dot)`, dots for float values only.

    There is one x_dot per parameter of `wrt` (default: every float parameter), one y_dot per float result.
    """
    builder = Builder(f"{f.name}.tangent")
    xs = [builder.param(v.type, v.name) for v in f.params]
    chosen = f.params if wrt is None else [f.params[i] for i in wrt]
    seeds = {v: builder.param(v.type, v.name and f"{v.name}_dot") for v in chosen if v.type.is_inexact}
    env = replay(builder, f.body, zip(f.params, xs, strict=True))
    dots = propagate(builder, passing(f), env, seeds)
    floats = (v for v in f.results if v.type.is_inexact)
    y_dots = [dots.get(v) or builder.full(v.type, 0.0) for v in floats]
    return builder.finish([*(env[v] for v in f.results), *y_dots])


def passing(f: Function) -> list[Instr]:
    """The instructions through which a derivative can come to a result."""
    wanted = set(f.results)
    found = []
    for instr in reversed(f.body):
        if wanted.isdisjoint(instr.results) or isinstance(instr.primitive.jvp, Discrete):
            continue
        found.append(instr)
        values = len(instr.results) if isinstance(instr.primitive.emission, Alias) else 0
        wanted.update(instr.operands[values:])
    return found[::-1]


def propagate(
    builder: Builder, body: Sequence[Instr], env: Mapping[Value, Var], seeds: Mapping[Value, Var]
) -> dict[Value, Var]:
    """The tangents of every value of `body` that the seeds reach; `env` as for `backpropagate`."""
    dots = dict(seeds)
    outer = builder.location
    for instr in body:
        untouched = not any(v in dots for v in instr.operands)
        if untouched or isinstance(instr.primitive.jvp, Discrete):
            continue
        builder.location = instr.location or outer
        found = zip(instr.results, _result_dots(instr, env, dots), strict=True)
        dots.update({v: dot for v, dot in found if dot is not None and v.type.is_inexact})
    builder.location = outer
    return dots


def _result_dots(instr: Instr, env: Mapping[Value, Var], dots: Mapping[Value, Var]) -> Sequence[Var | None]:
    rule: Any = instr.primitive.jvp
    operands = [env[v] for v in instr.operands]
    tangents = tuple(dots.get(v) for v in instr.operands)
    results = tuple(env[v] for v in instr.results)
    more = {"regions": instr.regions, "transform": pushforward} if instr.regions else {}
    if instr.primitive.results == 1:
        return (rule(tangents, results[0], *operands, **instr.attrs, **more),)
    found: Sequence[Var | None] = rule(tangents, results, *operands, **instr.attrs, **more)
    return found


def pushforward(f: Function) -> Function:
    """`f : x -> y` to `(x, x_dot) -> y_dot`, over float values only; the primal is recomputed."""
    both = tangent(f)
    both.results = both.results[len(f.results) :]
    return both
