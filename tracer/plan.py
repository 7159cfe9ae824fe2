"""Plans: the programs of a trace, one per set of results that was ever asked for.

A plan is IR to IR: the trace, and if a derivative is wanted its adjoint, reduced to what is asked,
then handed to the engine. Plans are kept on the trie node they belong to, so asking again is a
dictionary look-up. Three kinds: `forward` (values, and residuals for later), `joint` (values and
gradients in one program, nothing stored in between) and `backward` (gradients from residuals).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

import numpy as np

from tapejit.ir.builder import Builder, Var, replay
from tapejit.ir.custom import has_pull
from tapejit.ir.function import Function, Value
from tapejit.ir.passes.cse import cse
from tapejit.ir.passes.dce import dce
from tapejit.ir.transforms.adjoint import backpropagate
from tapejit.ir.transforms.partition import Partition, depended_on, partition
from tapejit.tracer.engine import Engine, Program
from tapejit.tracer.trie import Node, trace_of

Indices = tuple[int, ...]


@dataclass(eq=False, slots=True)
class Plan:
    """A program and how it hangs together with the trace it came from."""

    function: Function
    program: Program
    saved: list[Value] = field(default_factory=list)  # forward: what backward plans take
    saved_results: list[int] = field(default_factory=list)  # and which result of this plan each is
    kept: Indices | None = None  # the arguments it takes; None: all
    _pick: Callable[[Sequence[Any]], Sequence[Any]] = field(init=False)

    def __post_init__(self) -> None:
        kept = self.kept or ()
        self._pick = itemgetter(*kept) if len(kept) > 1 else lambda given: [given[k] for k in kept]

    def pulled(
        self, args: Sequence[Any], seeds: Iterable[np.ndarray], places: Sequence[np.ndarray | None] = ()
    ) -> list[np.ndarray]:
        """The gradients: from the arguments of a trace, its residuals, and `seeds`; see `filled`."""
        assert self.kept is not None
        taken = self._pick([*args, *seeds])
        return self.filled(taken, places) if places else self.program.compute(taken)

    def filled(self, args: Sequence[Any], places: Sequence[np.ndarray | None]) -> list[np.ndarray]:
        """The results, each written into its place, or a new array where there is none.

        A result that the program adds to what is there has a place.
        """
        if not places or all(place is None for place in places):
            return self.program.compute(args)
        outs = self.program.new_results(places)
        self.program.run(args, outs)
        return outs


class Planner:
    """Makes the plans of one trie node."""

    def __init__(self, node: Node, engine: Engine):
        self.node, self.engine = node, engine
        self.trace = trace_of(node)
        self.params = self.trace.function.params
        self.body, self.values = self.trace.shared

    def forward(self, live: Indices) -> Plan:
        """The values `live`, and the residuals for the derivatives of those that are tracked."""
        saved = self.partition(live).stored
        results = [self.values[i] for i in live]
        results.extend(v for v in saved if v not in results)
        plan = self._plan(Function("forward", self.params, self.body, tuple(results)), frozenset())
        plan.saved = saved
        plan.saved_results = [results.index(v) for v in saved]
        return plan

    def joint(
        self,
        live: Indices,
        heads: Indices,
        given: tuple[bool, ...],
        wrt: Indices,
        accumulate: frozenset[int],
    ) -> Plan:
        """Results: the values `live`, then the gradients for the inputs `wrt`.

        `given[k]`: the adjoint of head k is a further argument; otherwise it is all ones.
        `accumulate` holds positions among the results.
        """
        builder = Builder("joint")
        env = replay(builder, self.body, [(v, builder.param(v.type, v.name)) for v in self.params])
        grads = self._gradients(builder, env, heads, given, wrt)
        results = [env[self.values[i]] for i in live]
        return self._plan(builder.finish([*results, *grads]), accumulate)

    def backward(
        self,
        saved: Sequence[Value],
        heads: Indices,
        given: tuple[bool, ...],
        wrt: Indices,
        accumulate: frozenset[int],
    ) -> Plan:
        """Results: the gradients for the inputs `wrt`. Arguments: the trace's, `saved`, given adjoints."""
        function = self._pulled(saved, heads, given, wrt)
        kept = _used(function)
        function.params = tuple(function.params[k] for k in kept)
        numbers = self._numbers()
        by_value = frozenset(n for n, k in enumerate(kept) if k in numbers)
        return Plan(function, self.engine.program(function, by_value, accumulate), kept=kept)

    def gradient(self, heads: Indices, given: tuple[bool, ...], wrt: Indices) -> tuple[Function, Indices]:
        """The gradients for the inputs `wrt` as IR, for another trace; and which of the arguments it takes.

        The arguments are the trace's, then the given adjoints. One array is among them.
        """
        function = cse(self._pulled((), heads, given, wrt))
        kept = tuple(sorted({*_used(function), self.trace.inputs.index(wrt[0])}))
        function.params = tuple(function.params[k] for k in kept)
        return function, kept

    def _pulled(
        self, saved: Sequence[Value], heads: Indices, given: tuple[bool, ...], wrt: Indices
    ) -> Function:
        """From the arguments of the trace, `saved` and given adjoints to gradients."""
        builder = Builder("backward")
        known = [*self.params, *saved]
        env = replay(builder, self.body, [(v, builder.param(v.type, v.name)) for v in known])
        return dce(builder.finish(self._gradients(builder, env, heads, given, wrt)))

    def partition(self, live: Indices) -> Partition:
        """How a later backward from any tracked value of `live` gets at the values that it needs."""
        heads = tuple(i for i in live if self.trace.tracked[i])
        builder = Builder("residuals")
        env = {v: Var(builder, v) for v in self.params}
        env |= {v: Var(builder, v) for instr in self.body for v in instr.results}
        wrt = tuple(i for i in self.reach(heads) if i in self.trace.inputs)
        grads = self._gradients(builder, env, heads, (True,) * len(heads), wrt, lenient=True)
        needed = depended_on(builder.function.body, [g.value for g in grads])
        return partition(self.body, needed, self.params, {self.values[i] for i in live})

    def reach(self, heads: Indices) -> frozenset[int]:
        """The tracked values that the heads depend on, the heads included."""
        reached: set[int] = set()
        stack = list(heads)
        while stack:
            i = stack.pop()
            if i not in reached and self.trace.tracked[i]:
                reached.add(i)
                stack.extend(self.trace.operands[i])
        return frozenset(reached)

    def _plan(self, function: Function, accumulate: frozenset[int]) -> Plan:
        return Plan(function, self.engine.program(function, self._numbers(), accumulate))

    def _numbers(self) -> frozenset[int]:
        """The parameters that are passed by value."""
        return frozenset(k for k, i in enumerate(self.trace.inputs) if i is None)

    def _gradients(
        self,
        builder: Builder,
        env: dict[Value, Var],
        heads: Indices,
        given: tuple[bool, ...],
        wrt: Indices,
        lenient: bool = False,
    ) -> list[Var]:
        """The adjoints of the inputs `wrt`; a zero where none arrives.

        `lenient`: what has no adjoint passes none on. It is an error only once its derivative is asked for.
        """
        seeds: dict[Value, Var] = {}
        for i, explicit in zip(heads, given, strict=True):
            value = self.values[i]
            seed = builder.param(value.type) if explicit else builder.full(value.type, 1.0)
            seeds[value] = seeds[value] + seed if value in seeds else seed
        body = [i for i in self.body if not lenient or has_pull(i)]
        adjoints = backpropagate(builder, body, env, seeds)
        inputs = [self.values[i] for i in wrt]
        return [adjoints[v] if v in adjoints else builder.full(v.type, 0.0) for v in inputs]


def _used(function: Function) -> Indices:
    """The parameters that are read."""
    used = {v for instr in function.body for v in instr.operands} | set(function.results)
    return tuple(k for k, v in enumerate(function.params) if v in used)
