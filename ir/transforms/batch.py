"""Vectorise: from a function of one example to the function of a stack of them.

Values that depend on no mapped parameter stay single and are stacked only where they meet a mapped
one, so shared work is done once.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from tapejit.ir import ops
from tapejit.ir.builder import Builder, Var
from tapejit.ir.function import Function, Instr, IRError, Value
from tapejit.ir.primitive import Mapped


def batch(
    f: Function, size: int, mapped: Sequence[bool] | None = None, stacked: Sequence[bool] | None = None
) -> Function:
    """`f` over a new leading axis of length `size`.

    `mapped` says of each parameter whether it carries the axis, `stacked` of each result (default: all
    do); a result that depends on a mapped parameter has to.
    """
    carries = (True,) * len(f.params) if mapped is None else tuple(mapped)
    if len(carries) != len(f.params):
        raise IRError(f"@{f.name}: {len(f.params)} parameters, but `mapped` has {len(carries)} entries")
    builder = Builder(f"{f.name}.batch")
    stacks: dict[Value, Var] = {}
    singles: dict[Value, Var] = {}
    for v, carried in zip(f.params, carries, strict=True):
        type_ = v.type.with_shape((size, *v.type.shape)) if carried else v.type
        (stacks if carried else singles)[v] = builder.param(type_, v.name)
    for instr in f.body:
        builder.location = instr.location
        _append(builder, instr, stacks, singles, size)
    wanted = zip(f.results, (True,) * len(f.results) if stacked is None else stacked, strict=True)
    return builder.finish(_stacked(v, stacks, singles, size) if w else singles[v] for v, w in wanted)


def batch_along(
    f: Function, size: int, in_axes: Sequence[int | None], out_axes: Sequence[int | None]
) -> Function:
    """`batch` with the new axis in other places: its position per parameter and per result, None for none."""
    stacked = batch(f, size, [a is not None for a in in_axes], [a is not None for a in out_axes])
    builder = Builder(stacked.name)
    xs = [_moved_param(builder, v, axis or 0) for v, axis in zip(stacked.params, in_axes, strict=True)]
    ys = builder.inline(stacked, xs)
    return builder.finish(_placed(y, axis or 0) for y, axis in zip(ys, out_axes, strict=True))


def reached(f: Function, params: Sequence[bool]) -> list[bool]:
    """Per result whether it depends on one of the chosen parameters."""
    values = {v for v, chosen in zip(f.params, params, strict=True) if chosen}
    for instr in f.body:
        if not values.isdisjoint(instr.operands):
            values.update(instr.results)
    return [v in values for v in f.results]


def _moved_param(builder: Builder, v: Value, axis: int) -> Var:
    """A parameter that carries the new axis at `axis`, brought to where `v` has it: in front."""
    size, *shape = v.type.shape or (1,)
    if axis == 0:
        return builder.param(v.type, v.name)
    x = builder.param(v.type.with_shape((*shape[:axis], size, *shape[axis:])), v.name)
    return ops.transpose(x, perm=(axis, *(k for k in range(len(x.shape)) if k != axis)))


def _placed(y: Var, axis: int) -> Var:
    """`y` with its first axis moved to `axis`."""
    others = range(1, len(y.shape))
    return ops.transpose(y, perm=(*others[:axis], 0, *others[axis:])) if axis else y


def _append(
    builder: Builder, instr: Instr, stacks: dict[Value, Var], singles: dict[Value, Var], size: int
) -> None:
    if any(v in stacks for v in instr.operands):
        results = _batched(instr, stacks, singles, size)
        stacks.update(zip(instr.results, results, strict=True))
    else:
        operands = [singles[v] for v in instr.operands]
        results = builder.append(instr.primitive, operands, instr.attrs, instr.regions)
        singles.update(zip(instr.results, results, strict=True))
    for old, new in zip(instr.results, results, strict=True):
        new.value.name = new.value.name or old.name


def _batched(instr: Instr, stacks: dict[Value, Var], singles: dict[Value, Var], size: int) -> tuple[Var, ...]:
    """The results of the row's batching rule; it gets every operand stacked, unless it is `Mapped`."""
    rule = instr.primitive.batch
    if isinstance(rule, Mapped):
        operands = [stacks[v] if v in stacks else singles[v] for v in instr.operands]
        mapped = tuple(v in stacks for v in instr.operands)
        transform = partial(_batched_region, size)
        more = {"regions": instr.regions, "transform": transform} if instr.regions else {}
        found = rule.rule(*operands, **instr.attrs, mapped=mapped, **more)
    else:
        operands = [_stacked(v, stacks, singles, size) for v in instr.operands]
        found = rule(*operands, **instr.attrs)
    return (found,) if instr.primitive.results == 1 else tuple(found)


def _batched_region(
    size: int, region: Function, mapped: Sequence[bool], stacked: Sequence[bool] | None = None
) -> Function:
    return batch(region, size, mapped, stacked)


def _stacked(v: Value, stacks: dict[Value, Var], singles: dict[Value, Var], size: int) -> Var:
    """The stack of `v`; a single value is repeated."""
    if v in stacks:
        return stacks[v]
    single = singles[v]
    rank = len(single.shape)
    return ops.broadcast(single, shape=(size, *single.shape), dims=tuple(range(1, rank + 1)))
