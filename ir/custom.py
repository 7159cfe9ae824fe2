"""Values with a derivative of their own: the row `custom_derivative`.

The first `results` operands are the values, which the row gives back; the next `inputs` are what they are
differentiated by, and the others are what the rules read besides. The regions are the rules: *push*, from
(inputs, others, dots of the inputs) to the dots of the results, and *pull*, from (inputs, others, adjoints of
the results) to those of the inputs. Nothing flows to the operands that the values are, so how they were
computed is not differentiated; a program that takes no derivative any more has no use for the row, and
`dissolve` removes it. `modes` says which of the rules there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tapejit.ir import ops
from tapejit.ir.builder import Builder, Var
from tapejit.ir.emission import Alias
from tapejit.ir.errors import DerivativeError
from tapejit.ir.function import Function, Instr
from tapejit.ir.primitive import Mapped, Primitive
from tapejit.ir.region import Types, check_params, check_results, cut, floats, region_of
from tapejit.ir.types import TensorType

MODES = {"both": ("push", "pull"), "forward": ("push",), "reverse": ("pull",), "neither": ()}
_MISSING = {
    "push": "its rule is not linear in the cotangent, so that it has no forward mode (jvp, jacfwd, hessian); "
    "use reverse mode (grad, vjp, jacrev), or state the derivative by custom_jvp",
    "pull": "its rule is not linear in the tangents, so that it has no reverse mode (grad, vjp, jacrev); "
    "use forward mode (jvp, jacfwd), or state the derivative by custom_vjp",
}


def has_pull(instr: Instr) -> bool:
    """Whether an instruction has an adjoint, which an own derivative may lack."""
    return instr.primitive is not custom_derivative or "pull" in MODES[instr.attrs["modes"]]


def _infer(
    *operands: TensorType, results: int, inputs: int, modes: str, rule: str, regions: Sequence[Function] = ()
) -> Types:
    ys, xs, rest = cut(operands, results, inputs)
    if modes not in MODES or len(regions) != len(MODES[modes]):
        raise TypeError(f"a custom derivative of modes {modes!r} has {len(regions)} regions")
    dots = {"push": [t for t in xs if t.is_inexact], "pull": [t for t in ys if t.is_inexact]}
    others = {"push": dots["pull"], "pull": dots["push"]}
    for name, region in zip(MODES[modes], regions, strict=True):
        check_params(region, (*xs, *rest, *dots[name]))
        check_results(region, others[name])
    return tuple(ys)


def _region(name: str, regions: Sequence[Function], modes: str, rule: str, at: Var) -> Function:
    found = dict(zip(MODES[modes], regions, strict=True))
    if name in found:
        return found[name]
    why = _MISSING[name]
    if modes == "neither":
        why = "it calls itself in its own rule, which is followed to the third derivative"
    place = f" (called at {at.builder.location})" if at.builder.location else ""
    raise DerivativeError(f"{rule}{place} has no such derivative: {why}")


def _jvp(
    tangents: Any, rs: Any, *operands: Var, results: int, inputs: int, modes: str, rule: str, **more: Any
) -> Any:
    _, xs, rest = cut(operands, results, inputs)
    dots = [(t, x) for t, x in zip(tangents[results:], xs, strict=False) if x.is_inexact]
    if all(t is None for t, _ in dots):
        return (None,) * results
    push = _region("push", more.get("regions", ()), modes, rule, operands[0])
    given = [x.like(0.0) if t is None else t for t, x in dots]
    found = iter(operands[0].builder.inline(push, [*xs, *rest, *given]))
    return tuple(next(found) if r.is_inexact else None for r in rs)


def _vjp(
    cts: Any, rs: Any, *operands: Var, results: int, inputs: int, modes: str, rule: str, **more: Any
) -> Any:
    _, xs, rest = cut(operands, results, inputs)
    pull = _region("pull", more.get("regions", ()), modes, rule, operands[0])
    given = [ct for ct in cts if ct is not None]
    found = iter(operands[0].builder.inline(pull, [*xs, *rest, *given]))
    bars = [next(found) if x.is_inexact else None for x in xs]
    return (*(None for _ in rs), *bars, *(None for _ in rest))


def _batch(
    *operands: Var,
    results: int,
    inputs: int,
    mapped: tuple[bool, ...],
    transform: Any = None,
    regions: Sequence[Function] = (),
    **more: Any,
) -> Any:
    size = next(x.shape[0] for x, m in zip(operands, mapped, strict=True) if m)
    ys, xs, rest = cut(operands, results, inputs)
    stacks = [y if m else _stack(y, size) for y, m in zip(ys, mapped, strict=False)]
    fixed = mapped[results:]
    batched = {"push": _batched_push, "pull": _batched_pull}
    regions = tuple(
        batched[name](region, stacks, xs, rest, fixed, transform)
        for name, region in zip(MODES[more["modes"]], regions, strict=True)
    )
    return custom_derivative.several(
        *stacks, *xs, *rest, results=results, inputs=inputs, regions=regions, **more
    )


def _batched_push(
    push: Function, ys: Any, xs: Any, rest: Any, mapped: tuple[bool, ...], transform: Any
) -> Function:
    moving = [m for x, m in zip(xs, mapped, strict=False) if x.is_inexact]
    found: Function = transform(push, (*mapped, *moving))
    return found


def _batched_pull(
    pull: Function, ys: Any, xs: Any, rest: Any, mapped: tuple[bool, ...], transform: Any
) -> Function:
    """An input that is one for all examples collects the adjoints of all."""
    bars = floats(ys)
    stacked = transform(pull, (*mapped, *(True for _ in bars)))
    moving = [m for x, m in zip(xs, mapped, strict=False) if x.is_inexact]

    def totals(*params: Var) -> list[Var]:
        found = params[0].builder.inline(stacked, params)
        return [z if m else ops.reduce_sum(z, axes=(0,)) for z, m in zip(found, moving, strict=True)]

    return region_of(pull.name, [*xs, *rest, *bars], totals)


def _stack(x: Var, size: int) -> Var:
    return ops.broadcast(x, shape=(size, *x.shape), dims=tuple(range(1, len(x.shape) + 1)))


_X = TensorType("f64", (3,))


def _slope(name: str) -> Function:
    """An example's rule, the same in both directions: times w cos(x)."""
    builder = Builder(name, [("x", _X), ("w", _X), ("u", _X)])
    x, w, u = builder.params
    return builder.finish([u * w * ops.cos(x)])


custom_derivative = Primitive(
    name="custom_derivative",
    arity=None,
    results=None,
    infer=_infer,
    reference=lambda *operands, results, **_: operands[:results],
    jvp=_jvp,
    vjp=_vjp,
    batch=Mapped(_batch),
    emission=Alias(),
    examples=(
        (
            (np.array([0.5, 1.5, -1.0]), np.array([0.3, -1.2, 2.5]), np.array([1.7, 0.4, -0.6])),
            {
                "results": 1,
                "inputs": 1,
                "modes": "both",
                "rule": "example",
                "regions": (_slope("push"), _slope("pull")),
            },
        ),
    ),
)
