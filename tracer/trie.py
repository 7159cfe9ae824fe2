"""The trie of traces: every sequence of operations ever recorded, with what was learnt about it.

A node is one step of a trace: an array that entered, or an operation. Its edge's key names everything
that the result's type depends on, so a trace seen before costs one dictionary look-up per step, and
the node reached at the end holds the plans (compiled programs) for the whole trace.
"""

from __future__ import annotations

import threading
from collections.abc import Hashable, Iterator
from dataclasses import replace
from functools import cached_property
from typing import Any

from tapejit.ir.builder import Builder, Var
from tapejit.ir.function import Function, Instr, Value
from tapejit.ir.passes.cse import cse
from tapejit.ir.types import TensorType
from tapejit.tracer.engine import Engine, Finish, Step

MAX_NODES = 50_000  # some kilobytes each, with what hangs on them
STEP_AFTER = 256  # traces, that builtins for them are worth their milliseconds of compiling


def no_step(tape: Any, operation: Any, x: Any, y: Any) -> None:
    """Take no step: `Trie.step` as long as few traces have begun."""


def no_finish(tape: Any) -> None:
    """End no segment: `Trie.finish` for as long."""


class Reach:
    """What heads depend on: tracked values, the heads among them, and those of them that are inputs."""

    __slots__ = ("inputs", "pulls", "values")

    def __init__(self, values: frozenset[int], inputs: tuple[int, ...]):
        self.values, self.inputs = values, inputs
        self.pulls: dict[Any, Any] = {}  # by the plan that computed the heads: that of the inputs' gradients


class Node:
    """One step. `operands` are value numbers of the trace, or None for a number or an absent operand."""

    __slots__ = (
        "body",
        "children",
        "ending",
        "name",
        "operands",
        "parent",
        "plans",
        "reach",
        "tracked",
        "type",
        "types",
        "used",
    )

    def __init__(
        self,
        parent: Node | None,
        types: tuple[TensorType, ...],
        tracked: bool,
        operands: tuple[int | None, ...] = (),
        body: Function | None = None,
        name: str | None = None,
    ):
        self.parent, self.types, self.tracked = parent, types, tracked
        self.type = types[0] if types else TensorType("f64")
        self.name = name  # what the user calls an input
        self.operands, self.body = operands, body  # body: the operation in IR; None for an input
        self.children: dict[Hashable, Node] = {}
        self.plans: dict[Hashable, Any] = {}
        self.reach: dict[tuple[int, ...], Reach] = {}  # of values, when they are heads
        self.ending: Any = None  # how a segment that ended here was finished; see `tracer.segment`
        self.used = 0  # which segment ended here last


class Trie:
    """A root and the engine that builds programs for what is traced below it.

    With more than `most` nodes the traces that were not used for longest are dropped, until half are left:
    sizes that never come back go, what is in use stays. What is dropped dies with the tapes that stand on it.
    """

    __slots__ = ("_lock", "_most", "_nodes", "_started", "engine", "finish", "root", "step")

    def __init__(self, engine: Engine, most: int = MAX_NODES):
        self.engine, self._most = engine, most
        self.step: Step = no_step  # what takes a step that was taken before
        self.finish: Finish = no_finish  # what ends a segment as one was ended before
        self.root = Node(None, (), False)
        self._nodes = self._started = 0
        self._lock = threading.Lock()

    def start(self) -> Node:
        """The root, where a trace begins."""
        self._started += 1
        if self._started == STEP_AFTER:
            self.step, self.finish = self.engine.builtins() or (no_step, no_finish)
        if self._nodes > self._most and self._lock.acquire(blocking=False):
            try:
                self._prune()
            finally:
                self._lock.release()
        return self.root

    def graft(self, parent: Node, key: Hashable, node: Node) -> Node:
        """Add `node` below `parent`, unless another thread was first."""
        self._nodes += 1
        return parent.children.setdefault(key, node)

    def _prune(self) -> None:
        ends = [node for node in _below(self.root) if node.used]
        kept = {self.root}
        for end in sorted(ends, key=lambda node: node.used, reverse=True):
            steps = path(end)
            if len(kept) + len(steps) > self._most // 2 and len(kept) > 1:
                break
            kept.update(steps)
        for node in kept:
            node.children = {key: child for key, child in list(node.children.items()) if child in kept}
        self._nodes = len(kept)


class Trace:
    """The path from the root to a node, as IR: parameters are the run-time arguments, in order."""

    def __init__(self, node: Node):
        builder = Builder("trace")
        values: list[Var] = []
        self.inputs: list[int | None] = []  # per parameter: its value number, None for a number
        self.tracked: list[bool] = []  # per value
        self.operands: list[tuple[int, ...]] = []  # per value: the values it was made of
        for step in path(node):
            if step.body is None:
                self.inputs.append(len(values))
                values.append(builder.param(step.type, step.name))
            else:
                values.extend(self._apply(builder, step, values))
            self.tracked.extend(step.tracked and t.is_inexact for t in step.types)
            made_of = tuple(i for i in step.operands if i is not None)
            self.operands.extend([made_of] * len(step.types))
        self.function = builder.finish(())
        self.values: list[Value] = [v.value for v in values]

    @cached_property
    def shared(self) -> tuple[list[Instr], tuple[Value, ...]]:
        """The body with what is computed twice computed once, and the values in it."""
        function = cse(replace(self.function, results=tuple(self.values)))
        return function.body, function.results

    def _apply(self, builder: Builder, step: Node, values: list[Var]) -> tuple[Var, ...]:
        assert step.body is not None
        args = [values[i] for i in step.operands if i is not None]
        numbers = step.body.params[len(args) :]
        self.inputs.extend([None] * len(numbers))
        args.extend(builder.param(number.type) for number in numbers)
        return builder.inline(step.body, args)


def trace_of(node: Node) -> Trace:
    """The trace that ends at `node`, made once."""
    trace: Trace | None = node.plans.get("trace")
    if trace is None:
        trace = node.plans["trace"] = Trace(node)
    return trace


def _below(node: Node) -> Iterator[Node]:
    """All nodes of a subtree, its root left out."""
    pending = list(node.children.values())
    while pending:
        node = pending.pop()
        yield node
        pending.extend(list(node.children.values()))


def path(node: Node) -> list[Node]:
    """The steps from the root (left out) to `node`."""
    steps = []
    step: Node | None = node
    while step is not None and step.parent is not None:
        steps.append(step)
        step = step.parent
    return steps[::-1]
