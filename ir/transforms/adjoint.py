"""Reverse mode: from a function to the function of its adjoints.

The primal is replayed first; its values are the residuals. Then the body is walked backwards and
each instruction's vjp rule adds to the adjoints of its operands. `backpropagate` is the walk,
`adjoint` the transform made of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from tapejit.ir import ops
from tapejit.ir.builder import Builder, Var, replay
from tapejit.ir.function import Function, Instr, IRError, Value
from tapejit.ir.primitive import Discrete
from tapejit.ir.update import added, update, window_of


def adjoint(f: Function, wrt: Sequence[int] | None = None, unit_seed: bool = False) -> Function:
    """`f : x -> y` to `f.adjoint : (x, y_bar) -> (y, x_bar)`.

    There is one y_bar per float result and one x_bar per parameter of `wrt` (default: every float
    parameter). With `unit_seed`, `f` has a float of one element first, whose y_bar is the constant 1; its
    other results are carried along without a y_bar. Of a complex one x_bar is then the derivative, if `f` is
    holomorphic.
    """
    chosen = _chosen(f, wrt)
    builder = Builder(f"{f.name}.adjoint")
    xs = [builder.param(v.type, v.name) for v in f.params]
    seeds = _unit_seed(builder, f) if unit_seed else _seed_params(builder, f)
    env = replay(builder, f.body, zip(f.params, xs, strict=True))
    adjoints = backpropagate(builder, depending(f.body, chosen), env, seeds)
    x_bars = [_adjoint_of(builder, adjoints, v) for v in chosen]
    return builder.finish([*(env[v] for v in f.results), *x_bars])


SMALL_PART = 4  # a slice of at most one element in so many


def backpropagate(
    builder: Builder,
    body: Sequence[Instr],
    env: Mapping[Value, Var],
    seeds: Mapping[Value, Var],
    stop: Collection[Value] = (),
) -> dict[Value, Var]:
    """The adjoints of every value of `body` that the seeds reach, seeds and parameters included.

    `env` maps each primal value to its replayed Var in `builder`; `seeds` are adjoints of any
    values, interior ones too. Nothing is passed on from an instruction that defines a `stop` value.
    """
    adjoints = dict(seeds)
    outer = builder.location
    for instr in reversed(body):
        reached = any(v in adjoints for v in instr.results) and not any(v in stop for v in instr.results)
        if not reached or isinstance(instr.primitive.vjp, Discrete):
            continue
        builder.location = instr.location or outer
        if instr.primitive is ops.slice_ and _is_small_part(instr) and instr.operands[0] in adjoints:
            _add_to_part(adjoints, instr)
            continue
        for v, term in zip(instr.operands, _terms(instr, env, adjoints), strict=True):
            _accumulate(adjoints, v, term)
    builder.location = outer
    return adjoints


def depending(body: Sequence[Instr], values: Iterable[Value]) -> list[Instr]:
    """The instructions of `body` whose results depend on one of `values`: others pass no adjoint on."""
    reached, found = set(values), []
    for instr in body:
        if not reached.isdisjoint(instr.operands):
            reached.update(instr.results)
            found.append(instr)
    return found


def _terms(instr: Instr, env: Mapping[Value, Var], adjoints: Mapping[Value, Var]) -> Sequence[Var | None]:
    """What the instruction adds to the adjoint of each operand."""
    rule: Any = instr.primitive.vjp
    operands = [env[v] for v in instr.operands]
    more = {"regions": instr.regions, "transform": pullback} if instr.regions else {}
    if instr.primitive.results == 1:
        (result,) = instr.results
        terms: Sequence[Var | None] = rule(adjoints[result], env[result], *operands, **instr.attrs, **more)
        return terms
    cts = tuple(adjoints.get(v) or env[v].like(0.0) if v.type.is_inexact else None for v in instr.results)
    results = tuple(env[v] for v in instr.results)
    terms = rule(cts, results, *operands, **instr.attrs, **more)
    return terms


def pullback(f: Function) -> Function:
    """`f : x -> y` to `(x, y_bar) -> x_bar`, over float values only; the primal is recomputed."""
    both = adjoint(f)
    both.results = both.results[len(f.results) :]
    return both


def _accumulate(adjoints: dict[Value, Var], value: Value, term: Var | None) -> None:
    """Add a term; a sum is zero by structure where both of its sides are."""
    if term is None or not value.type.is_inexact:
        return
    known = adjoints.get(value)
    if known is None:
        adjoints[value] = term
        return
    adjoints[value] = (known + term).masked_by(_either(known.mask, term.mask))


def _is_small_part(instr: Instr) -> bool:
    """Whether a slice takes so little that to write its adjoint beats to add zeros everywhere else."""
    return instr.results[0].type.size * SMALL_PART <= instr.operands[0].type.size


def _add_to_part(adjoints: dict[Value, Var], instr: Instr) -> None:
    """Add the adjoint of a slice in its place."""
    whole, part = adjoints[instr.operands[0]], adjoints[instr.results[0]]
    place = instr.attrs["start"], instr.attrs["step"]
    total = added(whole, part, *place)
    if whole.mask is not None:
        here = part.builder.full(part.type.with_dtype("bool"), True) if part.mask is None else part.mask
        before = window_of(whole.mask, part.shape, *place)
        both = ops.logical_or(before, here)
        total = total.masked_by(update(whole.mask, both, starts=place[:1], steps=place[1:]))
    adjoints[instr.operands[0]] = total


def _either(x: Var | None, y: Var | None) -> Var | None:
    """The mask that is False only where both masks are."""
    if x is None or y is None:
        return None
    return x if x.value is y.value else ops.logical_or(x, y)


def _chosen(f: Function, wrt: Sequence[int] | None) -> list[Value]:
    if wrt is None:
        return [v for v in f.params if v.type.is_inexact]
    chosen = [f.params[i] for i in wrt]
    for v in chosen:
        if not v.type.is_inexact:
            raise IRError(f"@{f.name}: a parameter of type {v.type} has no adjoint")
    return chosen


def _seed_params(builder: Builder, f: Function) -> dict[Value, Var]:
    """One parameter per float result; a value returned twice collects both."""
    seeds: dict[Value, Var] = {}
    for v in f.results:
        if v.type.is_inexact:
            _accumulate(seeds, v, builder.param(v.type, v.name and f"{v.name}_bar"))
    return seeds


def _unit_seed(builder: Builder, f: Function) -> dict[Value, Var]:
    first = f.results[0].type if f.results else None
    if first is None or first.size != 1 or not first.is_inexact:
        raise IRError(f"@{f.name}: a gradient needs a float scalar as first result, got {first}")
    return {f.results[0]: builder.full(first, 1.0)}


def _adjoint_of(builder: Builder, adjoints: Mapping[Value, Var], v: Value) -> Var:
    x_bar = adjoints.get(v) or builder.full(v.type, 0.0)
    if v.name and x_bar.value.name is None:
        x_bar.value.name = f"{v.name}_bar"
    return x_bar
