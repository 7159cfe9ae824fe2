"""A derivative in two: a forward that keeps residuals, and a linear map that is run later, or often."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tapejit.ir.builder import Builder, Var, replay
from tapejit.ir.function import Function, Value
from tapejit.ir.passes.dce import dce
from tapejit.ir.transforms.adjoint import backpropagate, depending
from tapejit.ir.transforms.partition import Partition, depended_on, partition
from tapejit.ir.transforms.tangent import passing, propagate


def split(f: Function, wrt: Sequence[int], heads: int) -> tuple[Function, Function]:
    """`f : x -> y` to `forward : x -> (y, r)` and `backward : (r, y_bar) -> x_bar`.

    The first `heads` results of `f` are floats and have a y_bar each; there is one x_bar per parameter of
    `wrt`. The residuals r are all that the backward needs, parameters and results of `f` among them.
    """
    return _apart(f, wrt, heads, _x_bars, "backward")


def linearised(f: Function, wrt: Sequence[int], heads: int) -> tuple[Function, Function]:
    """As `split`, with `(r, x_dot) -> y_dot` for the second: there is one x_dot per parameter of `wrt`."""
    return _apart(f, wrt, heads, _y_dots, "pushforward")


def backward_from(f: Function, known: Sequence[Value], wrt: Sequence[int], heads: int) -> Function:
    """From the `known` values and the adjoints of the heads to those of the parameters `wrt`."""
    return _from(f, known, wrt, heads, _x_bars, "backward")


Derivative = Callable[[Builder, Function, dict[Value, Var], Sequence[int], int], list[Var]]


def _apart(
    f: Function, wrt: Sequence[int], heads: int, derivative: Derivative, name: str
) -> tuple[Function, Function]:
    known = [*f.params, *partition_of(f, wrt, heads, derivative).stored]
    second = _from(f, known, wrt, heads, derivative, name)
    used = {v for instr in second.body for v in instr.operands} | set(second.results)
    needed = [v in used for v in second.params[: len(known)]]
    kept = [v for v, wanted in zip(known, needed, strict=True) if wanted]
    own = [v for v, wanted in zip(second.params, needed, strict=False) if wanted]
    second.params = (*own, *second.params[len(known) :])
    return Function(f"{f.name}.forward", f.params, f.body, (*f.results, *kept)), second


def _from(
    f: Function, known: Sequence[Value], wrt: Sequence[int], heads: int, derivative: Derivative, name: str
) -> Function:
    builder = Builder(f"{f.name}.{name}")
    env = replay(builder, f.body, [(v, builder.param(v.type, v.name)) for v in known])
    return dce(builder.finish(derivative(builder, f, env, wrt, heads)))


def _x_bars(
    builder: Builder, f: Function, env: dict[Value, Var], wrt: Sequence[int], heads: int
) -> list[Var]:
    seeds: dict[Value, Var] = {}
    for v in f.results[:heads]:
        seed = builder.param(v.type, v.name and f"{v.name}_bar")
        seeds[v] = seeds[v] + seed if v in seeds else seed
    chosen = [f.params[i] for i in wrt]
    adjoints = backpropagate(builder, depending(f.body, chosen), env, seeds)
    return [adjoints.get(v) or builder.full(v.type, 0.0) for v in chosen]


def _y_dots(
    builder: Builder, f: Function, env: dict[Value, Var], wrt: Sequence[int], heads: int
) -> list[Var]:
    seeds = {v: builder.param(v.type, v.name and f"{v.name}_dot") for v in (f.params[i] for i in wrt)}
    dots = propagate(builder, passing(f), env, seeds)
    return [dots.get(v) or builder.full(v.type, 0.0) for v in f.results[:heads]]


def partition_of(f: Function, wrt: Sequence[int], heads: int, derivative: Derivative = _x_bars) -> Partition:
    """How the second half gets at the values of `f` that it needs: by default the backward of `split`."""
    builder = Builder("residuals")
    env = {v: Var(builder, v) for v in f.params}
    env |= {v: Var(builder, v) for instr in f.body for v in instr.results}
    wanted = [x.value for x in derivative(builder, f, env, wrt, heads)]
    return partition(f.body, depended_on(builder.function.body, wanted), f.params, set(f.results))
