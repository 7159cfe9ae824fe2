"""From a traced function and its rule to the function with that rule as its derivative.

Each gives a function to the values whose body ends in a `custom_derivative` (see `ir.custom`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tapejit.ir.builder import Builder, Var
from tapejit.ir.call import call
from tapejit.ir.custom import custom_derivative
from tapejit.ir.function import Function, Instr
from tapejit.ir.region import cut, floats, region_of
from tapejit.ir.transforms.split import backward_from
from tapejit.ir.transforms.tangent import pushforward
from tapejit.ir.transforms.transpose import is_linear, transposed
from tapejit.ir.types import TensorType

Policy = Callable[[Instr], bool]


def with_pullback(
    pull: Function, values: Sequence[TensorType], inputs: Sequence[TensorType], first: int, rule: str
) -> Function:
    """`pull : (r, y_bar, c) -> x_bar` to `(y, x, r, c) -> y`.

    `values` and `inputs` are the types of y and x, `first` is the number of residuals r.
    """
    bars = sum(t.is_inexact for t in values)
    builder = Builder("own", [*values, *inputs])
    ys, xs = cut(builder.params, len(values))
    rest = [builder.param(v.type, v.name) for v in (*pull.params[:first], *pull.params[first + bars :])]

    def backward(*params: Var) -> Sequence[Var]:
        _, stored, others, given = cut(params, len(xs), first, len(rest) - first)
        return params[0].builder.inline(pull, [*stored, *given, *others])

    region = region_of("pull", [*xs, *rest, *floats(ys)], backward)
    regions: tuple[Function, ...] = (region,)
    modes = "reverse"
    if is_linear(region, bars):
        regions, modes = (transposed(region, bars), region), "both"
    return _finished(builder, ys, xs, rest, rule, modes, regions)


def with_pushforward(f: Function, values: int, inputs: int, rule: str) -> Function:
    """`f : (x, x_dot, c) -> (y, y_dot)`, with one dot per x and per float y, to `(x, c) -> y`."""
    builder = Builder(f.name)
    xs = [builder.param(v.type, v.name) for v in f.params[:inputs]]
    rest = [builder.param(v.type, v.name) for v in f.params[2 * inputs :]]
    ys = builder.inline(f, [*xs, *(x.like(0.0) for x in xs), *rest])[:values]

    def forward(*params: Var) -> Sequence[Var]:
        points, others, dots = cut(params, inputs, len(rest))
        return params[0].builder.inline(f, [*points, *dots, *others])[values:]

    region = region_of("push", [*xs, *rest, *xs], forward)
    regions: tuple[Function, ...] = (region,)
    modes = "forward"
    if is_linear(region, inputs):
        regions, modes = (region, transposed(region, inputs)), "both"
    return _finished(builder, ys, xs, rest, rule, modes, regions)


def with_recomputation(f: Function, policy: Policy) -> Function:
    """`f` with an adjoint that computes it again, but for what `policy` says is stored."""
    saved = [v for instr in f.body if policy(instr) for v in instr.results]
    inexact = [v.type.is_inexact for v in f.params]
    builder = Builder(f.name)
    params = [builder.param(v.type, v.name) for v in f.params]
    found = builder.inline(Function(f.name, f.params, f.body, (*f.results, *saved)), params)
    ys, stored = cut(found, len(f.results))
    xs = [x for x, chosen in zip(params, inexact, strict=True) if chosen]
    others = [x for x, chosen in zip(params, inexact, strict=True) if not chosen]

    def in_order(given: Sequence[Var]) -> list[Var]:
        points, fixed = iter(given[: len(xs)]), iter(given[len(xs) :])
        return [next(points if chosen else fixed) for chosen in inexact]

    def forward(*given: Var) -> Sequence[Var]:
        dots = given[len(params) + len(stored) :]
        return given[0].builder.inline(pushforward(f), [*in_order(given), *dots])

    heads = Function(f.name, f.params, f.body, tuple(v for v in f.results if v.type.is_inexact))
    wrt = [i for i, chosen in enumerate(inexact) if chosen]
    again = backward_from(heads, [*f.params, *saved], wrt, len(heads.results))

    def backward(*given: Var) -> Sequence[Var]:
        return call.several(*in_order(given), *given[len(params) :], regions=(again,))

    rest = [*others, *stored]
    regions = (
        region_of("push", [*xs, *rest, *xs], forward),
        region_of("pull", [*xs, *rest, *floats(ys)], backward),
    )
    return _finished(builder, ys, xs, rest, f.name, "both", regions)


def without_derivative(f: Function, inputs: int, rule: str) -> Function:
    """`f` with any derivative an error."""
    builder = Builder(f.name)
    params = [builder.param(v.type, v.name) for v in f.params]
    ys = builder.inline(f, params)
    return _finished(builder, ys, params[:inputs], params[inputs:], rule, "neither", ())


def _finished(
    builder: Builder,
    ys: Sequence[Var],
    xs: Sequence[Var],
    rest: Sequence[Var],
    rule: str,
    modes: str,
    regions: tuple[Function, ...],
) -> Function:
    results = custom_derivative.several(
        *ys, *xs, *rest, results=len(ys), inputs=len(xs), modes=modes, rule=rule, regions=regions
    )
    return builder.finish(results)
