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
from tapejit.tracer.segment import Segment, Source
from tapejit.tracer.storage import may_overlap
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
        self._taken: list[np.ndarray] = []  # by the gradients of the segment that runs
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
        known = visit.reach.pulls.get(visit.segment.plan) if visit.inner else None
        if known is None:
            return self._run_new(visit)
        grads = known.pulled(visit.segment.arguments.values, visit.seeds.values())
        if not self._retain:
            visit.segment.forget(visit.reach.values)
        for source, grad in zip(visit.sources, grads, strict=True):
            self._pass_on(source, grad)

    def _run_new(self, visit: Visit) -> None:
        segment = visit.segment
        goals = [None if s.leaf is None else self._destination(s, s.leaf) for s in visit.sources]
        self._taken.clear()
        if isinstance(segment, PythonCall):
            grads = self._run_python(segment, visit, goals)
        elif segment.live:
            grads = self._run_joint(visit, goals)
        else:
            grads = self._run_backward(visit, goals)
        for source, goal, grad in zip(visit.sources, goals, grads, strict=True):
            if goal is None:
                self._pass_on(source, grad)
            else:
                goal.finish()

    def _destination(self, source: Source, leaf: Leaf) -> Destination:
        """Where a leaf's gradient goes: an array that nothing else is written to in the same program."""
        goal = self._sink.destination(leaf, source.handle.type)
        others = [*self._taken, *self._borrowed]
        if others and any(may_overlap(goal.array, other) for other in others):
            goal = goal.staged()
        self._taken.append(goal.array)
        return goal

    def _run_python(
        self, call: PythonCall, visit: Visit, goals: Sequence[Destination | None]
    ) -> list[np.ndarray]:
        grads = []
        for bar, source, goal in zip(
            call.computed(visit.seeds, visit.wrt), visit.sources, goals, strict=True
        ):
            type_ = source.handle.type
            array = np.empty(type_.shape, type_.numpy_dtype) if goal is None else goal.array
            if goal is not None and goal.in_place:
                array += 0 if bar is None else bar
            else:
                array[...] = 0 if bar is None else bar
            grads.append(array)
        self._freed(visit)
        return grads

    def _run_joint(self, visit: Visit, goals: Sequence[Destination | None]) -> list[np.ndarray]:
        """A segment that has not run yet: its values and its gradients in one program."""
        segment, seeds = visit.segment, _Seeds(visit)
        live = tuple(segment.live)
        key = ("joint", live, seeds.heads, seeds.given, visit.wrt, _sums(goals, len(live)))
        plan: Plan | None = segment.node.plans.get(key)
        if plan is None:
            plan = segment.node.plans.setdefault(key, segment.planner().joint(*key[1:]))
        places = [*[None] * len(live), *_places(goals)]
        found = plan.filled([*segment.arguments.values, *seeds.arrays], places)
        segment.settle(found, frozenset() if self._retain else visit.reach.values)
        return found[len(live) :]

    def _run_backward(self, visit: Visit, goals: Sequence[Destination | None]) -> list[np.ndarray]:
        """A segment whose values were computed before: its gradients from its residuals."""
        segment, seeds = visit.segment, _Seeds(visit)
        key = ("backward", segment.plan, seeds.heads, seeds.given, visit.wrt, _sums(goals))
        plan: Plan | None = segment.node.plans.get(key)
        if plan is None:
            saved = segment.plan.saved if segment.plan is not None else []
            plan = segment.node.plans.setdefault(key, segment.planner().backward(saved, *key[2:]))
        elif visit.inner and segment.plan is not None:
            visit.reach.pulls[segment.plan] = plan
        grads = plan.pulled(segment.arguments.values, seeds.arrays, _places(goals))
        self._freed(visit)
        return grads

    def _freed(self, visit: Visit) -> None:
        if not self._retain:
            visit.segment.forget(visit.reach.values)


class _Seeds:
    """The adjoints that arrive at a segment: at which values, which of them are arrays, and these."""

    __slots__ = ("arrays", "given", "heads")

    def __init__(self, visit: Visit):
        seeds = visit.seeds
        self.heads = tuple(seeds)
        self.given = tuple([g is not None for g in seeds.values()])
        self.arrays = [g for g in seeds.values() if g is not None]


def _places(goals: Sequence[Destination | None]) -> list[np.ndarray | None]:
    return [None if goal is None else goal.array for goal in goals]


def _sums(goals: Sequence[Destination | None], start: int = 0) -> frozenset[int]:
    """Which results, counted from `start`, are added to what is there."""
    return frozenset([n for n, goal in enumerate(goals, start) if goal is not None and goal.in_place])
