"""Loops as rows: `while`, and `while_adjoint`, which its vjp emits.

Operands of `while` are `carry` values that change and constants that do not; its regions are the
predicate, (carried, constants) to bool[], and the body, (carried, constants) to the next carried values.
Its results are the carried values at which the predicate fails.

`while_adjoint` runs the same loop, and then goes through its steps backwards. Beyond the operands of the
loop it has *states*, and a third region, the pullback, from (carried, constants, states) to (states,
terms) of one step, where the carried values are those at which the step began. Its results are the
final states (the adjoints of the initial carried values) and the sums of the terms (the adjoints of the
constants). The pullback is linear in the states; so both rows can be differentiated any number of times.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from tapejit.ir import ops
from tapejit.ir.builder import Builder, Var
from tapejit.ir.emission import Loop, LoopAdjoint
from tapejit.ir.function import Function
from tapejit.ir.interpreter import interpret
from tapejit.ir.lane import Lanes, stack
from tapejit.ir.primitive import Mapped, Primitive
from tapejit.ir.region import (
    Types,
    check_params,
    check_results,
    cut,
    floats,
    listed,
    region_of,
    result_types,
)
from tapejit.ir.types import TensorType

# -- Types and meaning -------------------------------------------------------------------------------


def _infer_while(*operands: TensorType, carry: int, regions: Sequence[Function] = ()) -> Types:
    if len(regions) != 2:
        raise TypeError(f"a loop needs two regions, a predicate and a body, got {len(regions)}")
    _check_loop(operands, carry, *regions)
    return operands[:carry]


def _infer_adjoint(*operands: TensorType, carry: int, regions: Sequence[Function] = ()) -> Types:
    if len(regions) != 3:
        raise TypeError(f"an adjoint loop needs predicate, body and pullback, got {len(regions)} regions")
    predicate, body, pullback = regions
    count = len(predicate.params)
    _check_loop(operands[:count], carry, predicate, body)
    check_params(pullback, operands)
    check_results(pullback, operands[count:])
    for type_ in result_types(pullback):
        if not type_.is_inexact:
            raise TypeError(f"region @{pullback.name} gives {type_}, which is no adjoint")
    return result_types(pullback)


def _check_loop(operands: Types, carry: int, predicate: Function, body: Function) -> None:
    if not 1 <= carry <= len(operands):
        raise TypeError(f"a loop carries some of its operands {listed(operands)}, not {carry}")
    for region in (predicate, body):
        check_params(region, operands)
    truth, found = result_types(predicate), result_types(body)
    if truth != (TensorType("bool"),):
        raise TypeError(f"the predicate @{predicate.name} gives {listed(truth)}, not (bool[])")
    if found != operands[:carry]:
        raise TypeError(
            f"the body @{body.name} gives {listed(found)}, but the loop carries {listed(operands[:carry])}"
        )


def _steps(state: Any, consts: Any, predicate: Function, body: Function) -> Iterator[Any]:
    """The carried values at every evaluation of the predicate; at the last one it fails."""
    yield state
    while interpret(predicate, *state, *consts)[0]:
        state = interpret(body, *state, *consts)
        yield state


def _reference_while(*operands: Any, carry: int, regions: Sequence[Function]) -> Any:
    (last,) = deque(_steps(operands[:carry], operands[carry:], *regions), maxlen=1)
    return last


def _reference_adjoint(*operands: Any, carry: int, regions: Sequence[Function]) -> Any:
    predicate, body, pullback = regions
    start, consts, states = cut(operands, carry, len(predicate.params) - carry)
    *steps, _ = _steps(start, consts, predicate, body)
    sums: Any = [np.zeros(v.type.shape, v.type.numpy_dtype) for v in pullback.results[len(states) :]]
    for step in reversed(steps):
        states, terms = cut(interpret(pullback, *step, *consts, *states), len(states))
        sums = [s + t for s, t in zip(sums, terms, strict=True)]
    return (*states, *sums)


# -- Derivatives -------------------------------------------------------------------------------------
# A loop of values and tangents takes (carried, their dots, constants, their dots).


def _woven(xs: Sequence[Var], dots: Sequence[Var], carry: int) -> list[Var]:
    """The operands of the loop of values and tangents."""
    dotted = len(floats(xs[:carry]))
    return [*xs[:carry], *dots[:dotted], *xs[carry:], *dots[dotted:]]


def _unwoven(ys: Sequence[Var], carry: int, count: int) -> tuple[list[Var], list[Var]]:
    """The values, `count` of them, and the dots of `_woven`."""
    state, dots, consts, more = cut(ys, carry, len(floats(ys[:carry])), count - carry)
    return [*state, *consts], [*dots, *more]


def _dots(tangents: Sequence[Var | None], xs: Sequence[Var]) -> list[Var]:
    return [x.like(0.0) if t is None else t for t, x in zip(tangents, xs, strict=True) if x.is_inexact]


def _tangent_loop(
    operands: Sequence[Var], carry: int, predicate: Function, body: Function, transform: Any
) -> tuple[Function, Function]:
    """The predicate on the values, and the body beside its tangents, as regions on `_woven` operands."""
    count = len(predicate.params)

    def goes_on(*ys: Var) -> Iterable[Var]:
        return ys[0].builder.inline(predicate, _unwoven(ys, carry, count)[0])

    def step(*ys: Var) -> Iterable[Var]:
        xs, dots = _unwoven(ys, carry, count)
        inline = ys[0].builder.inline
        return [*inline(body, xs), *inline(transform(body), [*xs, *dots])]

    return region_of(predicate.name, operands, goes_on), region_of(f"{body.name}.tangent", operands, step)


def _while_jvp(tangents: Any, rs: Any, *xs: Var, carry: int, regions: Any, transform: Any) -> Any:
    operands = _woven(xs, _dots(tangents, xs), carry)
    predicate, body = regions
    both = _tangent_loop(operands, carry, predicate, body, transform)
    dots = iter(while_.several(*operands, carry=carry + len(floats(rs)), regions=both)[carry:])
    return tuple(next(dots) if r.is_inexact else None for r in rs)


def _while_vjp(cts: Any, rs: Any, *xs: Var, carry: int, regions: Any, transform: Any) -> Any:
    states = [ct for ct in cts if ct is not None]
    pullback = transform(regions[1])
    bars = iter(while_adjoint.several(*xs, *states, carry=carry, regions=(*regions, pullback)))
    return tuple(next(bars) if x.is_inexact else None for x in xs)


def _adjoint_jvp(tangents: Any, rs: Any, *xs: Var, carry: int, regions: Any, transform: Any) -> Any:
    """The loop with its tangents there, and the pullback with its tangents back."""
    predicate, body, pullback = regions
    count, dots = len(predicate.params), _dots(tangents, xs)
    states, dotted = len(xs) - count, len(floats(xs[:count]))
    loop = _woven(xs[:count], dots[:dotted], carry)
    operands = [*loop, *xs[count:], *dots[dotted:]]

    def back(*ys: Var) -> Iterable[Var]:
        inner, values, value_dots = cut(ys, len(loop), states)
        primal, inner_dots = _unwoven(inner, carry, count)
        inline = ys[0].builder.inline
        found = cut(inline(pullback, [*primal, *values]), states)
        moved = cut(inline(transform(pullback), [*primal, *values, *inner_dots, *value_dots]), states)
        return [*found[0], *moved[0], *found[1], *moved[1]]

    both = _tangent_loop(loop, carry, predicate, body, transform)
    back_too = region_of(f"{pullback.name}.tangent", operands, back)
    found = while_adjoint.several(*operands, carry=carry + len(floats(xs[:carry])), regions=(*both, back_too))
    _, state_dots, _, sum_dots = cut(found, states, states, len(rs) - states)
    return (*state_dots, *sum_dots)


def _adjoint_vjp(cts: Any, rs: Any, *xs: Var, carry: int, regions: Any, transform: Any) -> Any:
    """Transposed, the way back becomes a way there: a loop that carries the adjoints of the states.

    Where A(c, k, s) are the results, <ct, A> = <s, u>, with u the last of the states' adjoints, which
    start at `ct`. So u is the adjoint of s, and the adjoints of c and k are those of <s, u>.
    """
    predicate, body, pullback = regions
    count = len(predicate.params)
    start, consts, states = cut(xs, carry, count - carry)
    transposed = transform(pullback)
    operands = [*start, *cts[: len(states)], *consts, *cts[len(states) :]]

    def primal(ys: Sequence[Var]) -> tuple[list[Var], list[Var]]:
        values, u, fixed, terms = cut(ys, carry, len(states), len(consts))
        return [*values, *fixed], [*u, *terms]

    def goes_on(*ys: Var) -> Iterable[Var]:
        return ys[0].builder.inline(predicate, primal(ys)[0])

    def step(*ys: Var) -> Iterable[Var]:
        values, bars = primal(ys)
        inline = ys[0].builder.inline
        nowhere = [y.like(0.0) for y in bars[: len(states)]]  # linear: the point does not matter
        found = inline(transposed, [*values, *nowhere, *bars])
        return [*inline(body, values), *found[len(found) - len(states) :]]

    carried = carry + len(states)
    there = region_of(f"{pullback.name}.transpose", operands, step)
    loop = region_of(predicate.name, operands, goes_on), there
    state_bars = while_.several(*operands, carry=carried, regions=loop)[carry:]
    seeds = [*(x.like(0.0) for x in floats(start)), *states]
    found = while_adjoint.several(*operands, *seeds, carry=carried, regions=(*loop, transform(there)))
    first, _, rest = cut(found, len(floats(start)), len(states))
    bars = iter((*first, *rest))
    return (*(next(bars) if x.is_inexact else None for x in (*start, *consts)), *state_bars)


# -- Batching ----------------------------------------------------------------------------------------


def _while_batch(*xs: Var, carry: int, regions: Any, mapped: Any, transform: Any) -> Any:
    lanes = Lanes(xs, mapped, carry, regions, transform)
    found = while_.several(*lanes.operands, carry=carry, regions=lanes.regions())
    return [r if m else stack(r, lanes.size) for r, m in zip(found, lanes.mapped, strict=False)]


def _adjoint_batch(*xs: Var, carry: int, regions: Any, mapped: Any, transform: Any) -> Any:
    lanes = Lanes(xs, mapped, carry, regions, transform)
    both = (*lanes.regions(), lanes.pullback(regions[2]))
    return while_adjoint.several(*lanes.operands, carry=carry, regions=both)


# -- Rows --------------------------------------------------------------------------------------------


_WEIGHT = np.array([1.5, -0.7, 2.2])
_TYPES = [
    (name, TensorType(dtype, shape))
    for name, dtype, shape in (("x", "f64", (3,)), ("n", "i64", ()), ("w", "f64", (3,)), ("limit", "f64", ()))
]


def _goes_on() -> Function:
    """An example's predicate: at most 4 times, and while w . x is below the limit."""
    builder = Builder("predicate", _TYPES)
    x, n, w, limit = builder.params
    few = ops.lt(n, n.like(4))
    return builder.finish([ops.logical_and(few, ops.lt(ops.reduce_sum(x * w, axes=(0,)), limit))])


def _step() -> Function:
    builder = Builder("body", _TYPES)
    x, n, w, _ = builder.params
    return builder.finish([ops.sin(x) * w + x, n + n.like(1)])


def _step_back() -> Function:
    """The pullback of `_step`; the limit has no adjoint."""
    builder = Builder("pullback", [*_TYPES, ("x_bar", _TYPES[0][1])])
    x, _, w, _, x_bar = builder.params
    return builder.finish([x_bar * (ops.cos(x) * w + 1.0), x_bar * ops.sin(x)])


def _examples(regions: tuple[Function, ...], *states: np.ndarray) -> tuple[Any, ...]:
    """Two steps, and no step at all."""
    x, attrs = np.array([0.1, 0.4, 0.2]), {"carry": 2, "regions": regions}
    return tuple(
        ((x, np.array(n), _WEIGHT, np.array(limit), *states), attrs) for n, limit in ((0, 5.0), (5, 5.0))
    )


while_ = Primitive(
    name="while",
    arity=None,
    results=None,
    infer=_infer_while,
    reference=_reference_while,
    jvp=_while_jvp,
    vjp=_while_vjp,
    batch=Mapped(_while_batch),
    emission=Loop(),
    examples=_examples((_goes_on(), _step())),
)
while_adjoint = Primitive(
    name="while_adjoint",
    arity=None,
    results=None,
    infer=_infer_adjoint,
    reference=_reference_adjoint,
    jvp=_adjoint_jvp,
    vjp=_adjoint_vjp,
    batch=Mapped(_adjoint_batch),
    emission=LoopAdjoint(),
    examples=_examples((_goes_on(), _step(), _step_back()), np.array([0.5, 1.5, -1.0])),
)
