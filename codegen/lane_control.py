"""Functions, branches and loops on lanes, for algorithms whose length depends on their operands.

A series that runs until it has converged cannot be one formula for a whole vector register: such an algorithm
is a function of its own in the emitted module, called once per element. Start at `called`.
"""

from __future__ import annotations

from collections.abc import Callable

import llvmlite.ir as ll

from tapejit.codegen.each_lane import call_in_lanes
from tapejit.codegen.lane import Lane
from tapejit.codegen.lane_type import element_of

Lanes = tuple[Lane, ...]
_ATTRIBUTES = ("noinline", "nounwind", "readnone", "willreturn")


def called(name: str, body: Callable[..., Lane], *operands: Lane) -> Lane:
    """A call of the module's function `name`, which computes `body` of its parameters, lane by lane."""
    builder = operands[0].builder
    function = builder.module.globals.get(name) or _function(builder.module, name, body, operands)
    if isinstance(operands[0].type, ll.VectorType):
        return call_in_lanes(operands[0].like(0.0).equals(0.0), operands[0], function, operands)
    return Lane(builder, builder.call(function, [x.value for x in operands]))


def _function(module: ll.Module, name: str, body: Callable[..., Lane], operands: Lanes) -> ll.Function:
    types = [element_of(x.type) for x in operands]
    function = ll.Function(module, ll.FunctionType(types[0], types), name)
    function.linkage = "internal"
    for attribute in _ATTRIBUTES:
        set.add(function.attributes, attribute)  # `add` itself knows only some of LLVM's attributes
    builder = ll.IRBuilder(function.append_basic_block("entry"))
    builder.ret(body(*(Lane(builder, argument) for argument in function.args)).value)
    return function


def negation(condition: Lane) -> Lane:
    return condition ^ 1


def branch(condition: Lane, chosen: Callable[[], Lanes], other: Callable[[], Lanes]) -> Lanes:
    """What `chosen` computes where the condition holds, else what `other` does; only one of them runs."""
    builder = condition.builder
    ends = []
    with builder.if_else(condition.value) as arms:
        for arm, compute in zip(arms, (chosen, other), strict=True):
            with arm:
                values = compute()
                ends.append((values, builder.block))
    return tuple(
        _joined(builder, [(values[k], block) for values, block in ends]) for k in range(len(ends[0][0]))
    )


def _joined(builder: ll.IRBuilder, incoming: list[tuple[Lane, ll.Block]]) -> Lane:
    phi = builder.phi(incoming[0][0].type)
    for lane, block in incoming:
        phi.add_incoming(lane.value, block)
    return Lane(builder, phi)


def repeat(step: Callable[..., tuple[Lane, Lanes]], state: Lanes, most: int) -> Lanes:
    """`state` after steps of `step(count, *state) -> (whether to go on, next state)`, at least one.

    `count` is a float that starts at 1; there are at most `most` steps.
    """
    builder = state[0].builder
    before, body, after = builder.block, builder.append_basic_block(), builder.append_basic_block()
    builder.branch(body)
    builder.position_at_end(body)
    variables = [Lane(builder, builder.phi(x.type)) for x in (state[0].like(1.0), *state)]
    go_on, found = step(*variables)
    following = (variables[0] + 1.0, *found)
    again = go_on & (variables[0] < float(most))
    end = builder.block
    for variable, first, later in zip(variables, (state[0].like(1.0), *state), following, strict=True):
        variable.value.add_incoming(first.value, before)
        variable.value.add_incoming(later.value, end)
    builder.cbranch(again.value, body, after)
    builder.position_at_end(after)
    return tuple(found)
