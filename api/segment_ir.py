"""Recorded segments as IR: replayed into a builder, with what Python saw of their values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from tapejit.ir import ops
from tapejit.ir.builder import Builder, Var, replay
from tapejit.ir.complex_number import imag, real
from tapejit.ir.function import Function
from tapejit.ir.types import TensorType
from tapejit.tracer.seen import Within
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


def has_zeros(seen: np.ndarray) -> bool:
    """Whether a number, or a part of a complex one, is zero."""
    return not (np.all(seen.real) and (not np.iscomplexobj(seen) or np.all(seen.imag)))


def equal(x: Var, y: Var, zeros: bool) -> Var:
    """Where two arrays are the same: NaN is NaN, and 0.0 is not -0.0 (`zeros`: there may be some)."""
    if x.is_complex:
        return ops.logical_and(equal(real(x), real(y), zeros), equal(imag(x), imag(y), zeros))
    same = ops.eq(x, y)
    if not x.is_float:
        return same
    same = ops.logical_or(same, ops.logical_and(ops.ne(x, x), ops.ne(y, y)))
    if not zeros:
        return same
    sides = ops.logical_or(ops.ne(x, x.like(0.0)), ops.eq(ops.div(x.like(1.0), x), ops.div(y.like(1.0), y)))
    return ops.logical_and(same, sides)


def inside(x: Var, bounds: Within) -> Var:
    """Whether all of an array of integers is within bounds, as Python saw it."""
    wide = ops.cast(x, dtype="i64")
    inside = ops.logical_and(ops.ge(wide, wide.like(bounds.low)), ops.le(wide, wide.like(bounds.high)))
    return ops.reduce_all(inside, axes=tuple(range(len(x.shape))))
