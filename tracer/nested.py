"""Traces inside traces: a function of IR becomes one operation of the outer trace.

It is recorded on the outer tape as a call, which lowers by being inlined. So a second derivative is the
adjoint of IR that holds a first derivative.
"""

from __future__ import annotations

import weakref
from typing import Any

from tapejit.ir.builder import Var
from tapejit.ir.function import Function
from tapejit.tracer.handle import Handle
from tapejit.tracer.operation import Operand, Operation, as_var
from tapejit.tracer.tape import Tape


def call_of(function: Function) -> Operation:
    """`function` as one operation of a trace."""
    return Operation("call", _inlined(function), _never)


def called(outer: Tape, call: Operation, arguments: list[Any]) -> list[Any]:
    """Record a call on the outer tape; its results there."""
    found = outer.record(call, arguments)
    return list(found) if isinstance(found, tuple) else [found]


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
