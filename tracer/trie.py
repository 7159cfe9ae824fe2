"""The trie of traces: every sequence of operations ever recorded, with what was learnt about it.

A node is one step of a trace: an array that entered, or an operation. Its edge's key names everything
that the result's type depends on, so a trace seen before costs one dictionary look-up per step, and
the node reached at the end holds the plans (compiled programs) for the whole trace.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from tapejit.ir.builder import Builder, Var
from tapejit.ir.function import Function, Value
from tapejit.ir.types import TensorType
from tapejit.tracer.engine import Engine

MAX_NODES = 100_000


class Node:
    """One step. `operands` are value numbers of the trace, or None for a number or an absent operand."""

    __slots__ = ("body", "children", "name", "operands", "parent", "plans", "tracked", "type", "types")

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


class Trie:
    """A root and the engine that builds programs for what is traced below it."""

    def __init__(self, engine: Engine):
        self.engine = engine
        self.root = Node(None, (), False)
        self._nodes = 0

    def start(self) -> Node:
        """The root; a new one when the trie has outgrown `MAX_NODES` (old nodes die with their tapes)."""
        if self._nodes > MAX_NODES:
            self.root, self._nodes = Node(None, (), False), 0
        return self.root

    def graft(self, parent: Node, key: Hashable, node: Node) -> Node:
        """Add `node` below `parent`, unless another thread was first."""
        self._nodes += 1
        return parent.children.setdefault(key, node)


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


def path(node: Node) -> list[Node]:
    """The steps from the root (left out) to `node`."""
    steps = []
    step: Node | None = node
    while step is not None and step.parent is not None:
        steps.append(step)
        step = step.parent
    return steps[::-1]
