"""The reverse sweep that computes: from heads to the gradients of leaves.

A pending head's segment is cut, and its values and gradients are computed by one joint program. Then
the segments it depends on follow, the latest first, each by its backward program.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tapejit.tracer.gradient import Destination, Sink
from tapejit.tracer.handle import Handle, Leaf
from tapejit.tracer.plan import Plan
from tapejit.tracer.python_call import PythonCall
from tapejit.tracer.segment import Segment
from tapejit.tracer.sweep import Sweep, Visit, check_heads


def backward(
    heads: Sequence[Handle], head_grads: Sequence[np.ndarray | None], sink: Sink, retain_graph: bool = False
) -> None:
    """Differentiate the sum of `heads`, weighted by `head_grads` (None: ones), into `sink`."""
    check_heads(heads, head_grads)
    borrowed = [g for g in head_grads if g is not None]
    sweep = RunningSweep(sink, retain_graph, borrowed)
    try:
        for head, grad in zip(heads, head_grads, strict=True):
            sweep.seed(head, grad)
        sweep.run()
    finally:
        sweep.close()


class RunningSweep(Sweep):
    """`close` it after `run`, also after an error."""

    def __init__(self, sink: Sink, retain: bool, borrowed: list[np.ndarray]):
        super().__init__(sink)
        self._sink, self._retain = sink, retain
        self._borrowed = borrowed  # the user's head gradients, which a destination might overlap
        self._cut: dict[object, Segment] = {}

    def close(self) -> None:
        """After an error, the segments that were cut can still be computed on demand."""
        for segment in self._cut.values():
            segment.postpone()

    def _place_of(self, head: Handle) -> tuple[Segment, int] | None:
        if head._tape is None:
            return super()._place_of(head)
        segment = self._cut.get(head._tape)
        if segment is None:
            segment = self._cut[head._tape] = head._tape.cut()
        return segment, head._index

    def _arrive(self, head: Handle, leaf: Leaf, grad: np.ndarray | None) -> None:
        goal = self._sink.destination(leaf, head.type).staged()
        goal.array[...] = 1.0 if grad is None else grad
        goal.finish()

    def _run(self, visit: Visit) -> None:
        goals = self._destinations(visit)
        if isinstance(visit.segment, PythonCall):
            self._run_python(visit.segment, visit, goals)
        elif visit.segment.live:
            self._run_joint(visit, goals)
        else:
            self._run_backward(visit, goals)
        for source, goal in zip(visit.sources, goals, strict=True):
            if source.leaf is None:
                self._pass_on(source, goal.array)
            else:
                goal.finish()

    def _destinations(self, visit: Visit) -> list[Destination]:
        """Where each gradient goes: a leaf's destination, or a new array for an earlier segment."""
        goals: list[Destination] = []
        for source in visit.sources:
            type_ = source.handle.type
            if source.leaf is None:
                goals.append(Destination(np.empty(type_.shape, type_.numpy_dtype), False))
                continue
            goal = self._sink.destination(source.leaf, type_)
            taken = any(goal.array is other.array for other in goals)
            if taken or any(np.may_share_memory(goal.array, g) for g in self._borrowed):
                goal = goal.staged()
            goals.append(goal)
        return goals

    def _run_python(self, call: PythonCall, visit: Visit, goals: list[Destination]) -> None:
        for bar, goal in zip(call.computed(visit.seeds, visit.wrt), goals, strict=True):
            if goal.in_place:
                goal.array += 0 if bar is None else bar
            else:
                goal.array[...] = 0 if bar is None else bar
        if not self._retain:
            call.forget(visit.reached)

    def _run_joint(self, visit: Visit, goals: list[Destination]) -> None:
        """A segment that has not run yet: its values and its gradients in one program."""
        segment, heads = visit.segment, tuple(visit.seeds)
        live = tuple(segment.live)
        given = tuple([g is not None for g in visit.seeds.values()])
        sums = frozenset([len(live) + n for n, goal in enumerate(goals) if goal.in_place])
        key = ("joint", live, heads, given, visit.wrt, sums)
        plan: Plan | None = segment.node.plans.get(key)
        if plan is None:
            made = segment.planner().joint(live, heads, given, visit.wrt, sums)
            plan = segment.node.plans.setdefault(key, made)
        values = plan.empty(0, len(live))
        args = [*segment.arguments.values, *[g for g in visit.seeds.values() if g is not None]]
        plan.program.run(args, [*values, *[g.array for g in goals]])
        segment.settle(values, frozenset() if self._retain else visit.reached)

    def _run_backward(self, visit: Visit, goals: list[Destination]) -> None:
        """A segment whose values were computed before: its gradients from its residuals."""
        segment, heads = visit.segment, tuple(visit.seeds)
        given = tuple([g is not None for g in visit.seeds.values()])
        sums = frozenset([n for n, goal in enumerate(goals) if goal.in_place])
        key = ("backward", segment.plan, heads, given, visit.wrt, sums)
        plan: Plan | None = segment.node.plans.get(key)
        if plan is None:
            saved = segment.plan.saved if segment.plan is not None else []
            made = segment.planner().backward(saved, heads, given, visit.wrt, sums)
            plan = segment.node.plans.setdefault(key, made)
        seeds = [g for g in visit.seeds.values() if g is not None]
        args = [*segment.arguments.values, *segment.saved.values, *seeds]
        assert plan.kept is not None
        plan.program.run([args[k] for k in plan.kept], [g.array for g in goals])
        if not self._retain:
            segment.forget(visit.reached)
