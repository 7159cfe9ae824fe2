"""Recorded segments as IR: replayed into a builder, with what Python saw of their values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from tapejit.ir import ops
from tapejit.ir.builder import Builder, Var, replay
from tapejit.ir.function import Function
from tapejit.ir.types import TensorType
from tapejit.tracer.segment import Cut
from tapejit.tracer.trie import trace_of


def region(name: str, like: Sequence[Var], make: Callable[[Sequence[Var]], Sequence[Var]]) -> Function:
    """The region that takes operands like these to `make(its parameters)`."""
    builder = Builder(name, [x.type for x in like])
    return builder.finish(make(builder.params))


def parameters(cut: Cut) -> Iterator[tuple[int | None, TensorType]]:
    """Per argument of a segment: its value number (None for a number), and its type."""
    trace = trace_of(cut.node)
    return zip(trace.inputs, (v.type for v in trace.function.params), strict=True)


def inlined(builder: Builder, cut: Cut, number: int, args: Sequence[Var]) -> dict[Any, Var]:
    """Replay one segment; its live values, by `number` and value number."""
    trace = trace_of(cut.node)
    bound = dict(zip(trace.function.params, args, strict=True))
    env = replay(builder, trace.function.body, bound.items()) | bound
    return {(number, i): env[trace.values[i]] for i in cut.live}


def truth(x: Var, seen: bool) -> Var:
    """Whether a value of one element is as true as Python saw it."""
    found = ops.reshape(x if x.dtype == "bool" else ops.ne(x, x.like(0)), shape=())
    return found if seen else ops.logical_not(found)
