"""Derivatives inside derivatives: an inner joint program becomes one operation of the outer trace.

While an outer tape records, the arguments of an inner `grad` are not known yet. The inner tape takes
them as symbols; its joint function is recorded on the outer tape as a call, which lowers by being
inlined. So a second derivative is the adjoint of IR that holds a first derivative.
"""

from __future__ import annotations

import weakref
from collections.abc import Hashable
from typing import Any

from tapejit.ir.builder import Var
from tapejit.ir.function import Function
from tapejit.tracer.handle import Handle, Leaf
from tapejit.tracer.operation import Operand, Operation, as_var
from tapejit.tracer.plan import Plan
from tapejit.tracer.segment import Segment
from tapejit.tracer.surface.elementwise import copy
from tapejit.tracer.tape import Tape


def variable(outer: Tape, x: Handle) -> Handle:
    """A variable of an inner derivative whose value is that of `x` on the outer tape."""
    alias: Handle = outer.record(copy.op, (x,))
    alias._leaf = Leaf(None, "write")
    return alias


def gradients(inner: Tape, head: Handle, variables: list[Handle]) -> list[Handle | None]:
    """The gradients of `head`, pending on the outer tape; None where the head does not depend on one.

    The handles that are live on the inner tape, the head among them, move to the outer tape too.
    """
    segment = inner.cut()
    reached = segment.planner().reach((head._index,))
    wanted = {
        i: s.leaf
        for i, s in segment.sources.items()
        if i in reached and any(s.leaf is v._leaf for v in variables)
    }
    plan = _joint(segment, head._index, tuple(wanted))
    results = _call(segment, plan)
    live = list(segment.live.values())
    for handle, result in zip(live, results, strict=False):
        move(handle, result)
    segment.live = {}
    found = dict(zip(wanted.values(), results[len(live) :], strict=True))
    return [found.get(v._leaf) for v in variables]


def move_out(inner: Tape) -> None:
    """Record what the inner tape holds on the outer tape, without a derivative."""
    segment = inner.cut()
    if segment.live:
        plan = segment.forward_plan()
        for handle, result in zip(segment.live.values(), _call(segment, plan), strict=False):
            move(handle, result)
        segment.live = {}


def _joint(segment: Segment, head: int, wrt: tuple[int, ...]) -> Plan:
    live = tuple(segment.live)
    key: Hashable = ("joint", live, (head,), (False,), wrt, frozenset())
    plan: Plan | None = segment.node.plans.get(key)
    if plan is None:
        made = segment.planner().joint(live, (head,), (False,), wrt, frozenset())
        plan = segment.node.plans.setdefault(key, made)
    return plan


def _call(segment: Segment, plan: Plan) -> list[Any]:
    """Record `plan` on the outer tape; its results there."""
    outer = segment.tape.parent
    assert outer is not None
    return called(outer, plan_call(plan), _arguments(segment))


def plan_call(plan: Plan) -> Operation:
    """The program of `plan` as one operation of an outer trace."""
    if plan.call is None:
        plan.call = call_of(plan.function)
    return plan.call


def call_of(function: Function) -> Operation:
    """`function` as one operation of a trace."""
    return Operation("call", _inlined(function), _never)


def called(outer: Tape, call: Operation, arguments: list[Any]) -> list[Any]:
    """Record a call on the outer tape; its results there."""
    found = outer.record(call, arguments)
    return list(found) if isinstance(found, tuple) else [found]


def _arguments(segment: Segment) -> list[Any]:
    """The arguments as the outer tape takes them: the arrays that entered, and numbers."""
    sources = iter(segment.sources.values())
    inputs = segment.planner().trace.inputs
    return [
        x if i is None else next(sources).handle
        for x, i in zip(segment.arguments.values, inputs, strict=True)
    ]


def _inlined(function: Function) -> Any:
    def lower(*operands: Operand) -> Any:
        types = [v.type for v in function.params]
        args = [as_var(x, t.dtype) for x, t in zip(operands, types, strict=True)]
        results: tuple[Var, ...] = args[0].builder.inline(function, args)
        return results

    return lower


def _never(*_: Any) -> Any:
    raise AssertionError("a call is only ever recorded")


def move(handle: Handle, result: Handle) -> None:
    """`handle` takes the place of `result` on the outer tape."""
    tape = result._tape
    assert isinstance(tape, Tape)
    handle._tape, handle._index, handle._tracked = tape, result._index, result._tracked
    tape.values[result._index] = weakref.ref(handle)
