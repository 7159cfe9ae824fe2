"""One path through a function as one program: its segments joined, its truth tests as a guard result.

Tracing cuts a call into segments wherever Python looks at a value. Put together again they are one
straight function, which fuses as if nobody had looked. Whether Python would have gone the same way is
one more result of the program, `ok`: all that Python saw is again what it saw.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tapejit.capture import Unguardable
from tapejit.ir import ops
from tapejit.ir.builder import Builder, Var, replay
from tapejit.ir.function import Function
from tapejit.ir.transforms.adjoint import backpropagate
from tapejit.ir.types import TensorType, type_of
from tapejit.tracer.handle import Handle
from tapejit.tracer.segment import Cut
from tapejit.tracer.tape import Escape, Tape
from tapejit.tracer.trie import Trace


@dataclass(frozen=True)
class Path:
    """`function` takes `arguments`; those at `entered` are replaced by leaves of the call's arguments.

    Results: `ok` if `guarded`, then the handles asked for, then the gradients asked for.
    """

    function: Function
    by_value: frozenset[int]
    arguments: list[Any]
    entered: dict[int, int]  # argument of the program -> leaf of the call
    guarded: bool


def path_of(
    tape: Tape,
    leaves: Sequence[Any],
    results: Sequence[Handle],
    head: Handle | None,
    variables: Sequence[Handle],
) -> Path:
    """The path that `tape` recorded, from the call's `leaves` to `results` and the gradients of `head`.

    Raises `Unguardable` when something that Python saw, or that is a result, is not a traced value.
    """
    joined = _Joined(tape, leaves)
    found = [joined.var(x) for x in results]
    gradients = [] if head is None else joined.gradients(head, variables)
    guards = [joined.guard(escape) for escape in tape.escapes]
    ok = [functools.reduce(ops.logical_and, guards)] if guards else []
    function = joined.builder.finish([*ok, *found, *gradients])
    return Path(function, frozenset(joined.numbers), joined.arguments, joined.entered, bool(ok))


class _Joined:
    """The segments of one call, replayed one after the other into one builder."""

    def __init__(self, tape: Tape, leaves: Sequence[Any]):
        self.builder = Builder("path")
        self.arguments: list[Any] = []
        self.entered: dict[int, int] = {}
        self.numbers: set[int] = set()
        self._leaf = {id(x): k for k, x in enumerate(leaves) if isinstance(x, Handle)}
        self._vars: dict[int, Var] = {}  # by id of the handle, as of the cut reached so far
        self._inputs: dict[int, Var] = {}  # by id of the handle: what it was when it entered
        self._seen: list[Var] = []  # per escape
        self._join(tape)

    def var(self, handle: Handle) -> Var:
        """The value of a handle at the end of the call."""
        return self._vars.get(id(handle)) or self._leaf_param(handle)

    def gradients(self, head: Handle, variables: Sequence[Handle]) -> list[Var]:
        """The adjoints of `variables` for the scalar `head`."""
        top = self.var(head)
        body = list(self.builder.function.body)
        env = {v: Var(self.builder, v) for v in self.builder.function.params}
        env |= {v: Var(self.builder, v) for instr in body for v in instr.results}
        seed = self.builder.full(top.type, 1.0)
        adjoints = backpropagate(self.builder, body, env, {top.value: seed})
        inputs = [self._inputs.get(id(v)) or self._leaf_param(v) for v in variables]
        return [adjoints.get(x.value) or x.like(0.0) for x in inputs]

    def guard(self, escape: Escape) -> Var:
        """Whether what Python saw is what it would see again."""
        x, seen = self._seen.pop(0), escape.seen
        if isinstance(seen, bool):
            truth = x if x.dtype == "bool" else ops.ne(x, x.like(0))
            scalar = ops.reshape(truth, shape=())
            return scalar if seen else ops.logical_not(scalar)
        if x.is_float:
            raise Unguardable("a float left for Python, which may do anything with it; compare arrays")
        same = ops.eq(x, self._constant(seen))
        return ops.reduce_all(same, axes=tuple(range(len(x.shape))))

    def _join(self, tape: Tape) -> None:
        escapes = list(tape.escapes)
        for count, cut in enumerate(tape.cuts or (), 1):
            self._note(escapes, count - 1)
            self._append(cut)
        self._note(escapes, len(tape.cuts or ()))

    def _note(self, escapes: list[Escape], cuts: int) -> None:
        """The values that escaped after so many cuts; a handle may stand for another one later."""
        while escapes and escapes[0].after <= cuts:
            self._seen.append(self.var(escapes.pop(0).handle))

    def _append(self, cut: Cut) -> None:
        trace: Trace = cut.node.plans.get("trace") or Trace(cut.node)
        args = []
        for k, i in enumerate(trace.inputs):
            type_ = trace.function.params[k].type
            if i is None:
                args.append(self._param(type_, cut.values[k], None))
                self.numbers.add(len(self.arguments) - 1)
            else:
                handle = cut.sources[i].handle
                known = self._vars.get(id(handle))
                args.append(known or self._input(handle, type_, cut.values[k], trace.function.params[k].name))
        env = replay(self.builder, trace.function.body, zip(trace.function.params, args, strict=True))
        env |= dict(zip(trace.function.params, args, strict=True))
        for i, handle in cut.live.items():
            self._vars[id(handle)] = env[trace.values[i]]

    def _input(self, handle: Handle, type_: TensorType, value: Any, name: str | None) -> Var:
        """An array that came from outside the trace: an argument of the call, or a constant."""
        leaf = self._leaf.get(id(handle))
        if leaf is None and not isinstance(value, np.ndarray):
            raise Unguardable("it takes part in another trace")
        var = self._param(type_, value, name)
        if leaf is not None:
            self.entered[len(self.arguments) - 1] = leaf
            self._inputs[id(handle)] = var
        self._vars[id(handle)] = var
        return var

    def _leaf_param(self, handle: Handle) -> Var:
        """An argument of the call that no operation used so far."""
        if id(handle) not in self._leaf:
            raise Unguardable("Python looked at an array that is not part of the call")
        return self._input(handle, handle.type, handle.value(), None)

    def _constant(self, value: np.ndarray) -> Var:
        return self._param(type_of(value), value, None)

    def _param(self, type_: TensorType, value: Any, name: str | None) -> Var:
        self.arguments.append(value)
        return self.builder.param(type_, name)
