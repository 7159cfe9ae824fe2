"""The reverse sweep over segments: from heads to the gradients of leaves.

A pending head's segment is cut, and its values and gradients are computed by one joint program. Then
the segments it depends on follow, the latest first, each by its backward program. The sweep is
planned as a whole before anything runs, so that a freed graph is an error that leaves no trace.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence

import numpy as np

from tapejit.ir.types import TensorType
from tapejit.tracer.errors import COMPLEX_HEAD, NOT_IN_GRAPH, AutogradError, DtypeError
from tapejit.tracer.gradient import Destination, Sink
from tapejit.tracer.handle import Handle
from tapejit.tracer.location import user_location
from tapejit.tracer.plan import Plan
from tapejit.tracer.segment import Segment, Source


def backward(
    heads: Sequence[Handle], head_grads: Sequence[np.ndarray | None], sink: Sink, retain_graph: bool = False
) -> None:
    """Differentiate the sum of `heads`, weighted by `head_grads` (None: ones), into `sink`."""
    if not all(head.tracked for head in heads):
        raise AutogradError(NOT_IN_GRAPH)
    for head, grad in zip(heads, head_grads, strict=True):
        if grad is None and head.type.is_complex:
            raise DtypeError(COMPLEX_HEAD.format(user_location(), head.type))
    borrowed = [g for g in head_grads if g is not None]
    sweep = Sweep(sink, retain_graph, borrowed)
    try:
        for head, grad in zip(heads, head_grads, strict=True):
            sweep.seed(head, grad)
        sweep.run()
    finally:
        sweep.close()


_AWAITED = np.empty(0)  # an adjoint that a later segment will deliver


class Visit:
    """What the sweep does at one segment: `seeds` are the adjoints of its values (None: all ones)."""

    __slots__ = ("reached", "seeds", "segment", "sources", "wrt")

    def __init__(self, segment: Segment):
        self.segment = segment
        self.seeds: dict[int, np.ndarray | None] = {}
        self.reached: frozenset[int] = frozenset()
        self.wrt: tuple[int, ...] = ()
        self.sources: list[Source] = []

    def add(self, index: int, grad: np.ndarray | None, type_: TensorType) -> None:
        """Add to the adjoint of one value, which has this type."""
        before = self.seeds.get(index, _AWAITED)
        if before is _AWAITED:
            self.seeds[index] = grad
        else:
            ones = np.ones(type_.shape, type_.numpy_dtype)
            total = np.add(ones if before is None else before, ones if grad is None else grad)
            self.seeds[index] = np.asarray(total)  # without dimensions NumPy gives a scalar

    def plan_inputs(self, sink: Sink) -> None:
        """Find the inputs that want a gradient and are reached by the seeds."""
        node, heads = self.segment.node, tuple(sorted(self.seeds))
        reached = node.plans.get(("reach", heads))
        if reached is None:
            reached = node.plans[("reach", heads)] = self.segment.planner().reach(heads)
        self.reached = reached
        wanted = {
            i: s
            for i, s in self.segment.sources.items()
            if i in reached and (s.leaf is None or sink.wants(s.leaf))
        }
        self.wrt, self.sources = tuple(wanted), list(wanted.values())


class Sweep:
    """One reverse sweep. First `seed` every head, then `run` once, then `close`."""

    def __init__(self, sink: Sink, retain: bool, borrowed: list[np.ndarray]):
        self._sink, self._retain = sink, retain
        self._borrowed = borrowed  # the user's head gradients, which a destination might overlap
        self._visits: dict[Segment, Visit] = {}
        self._cut: dict[object, Segment] = {}
        self._leaves: list[tuple[Handle, np.ndarray | None]] = []  # heads that are leaves themselves

    def seed(self, head: Handle, grad: np.ndarray | None) -> None:
        """Start from `head`; its pending segment, if it has one, is cut here."""
        if head._tape is not None:
            segment = self._cut.get(head._tape)
            if segment is None:
                segment = self._cut[head._tape] = head._tape.cut()
            index = head._index
        elif head._history is not None and head._history.segment.remembers(head._history.index):
            segment, index = head._history.segment, head._history.index
        else:
            self._leaves.append((head, grad))
            return
        self._visit_of(segment).add(index, grad, head.type)

    def run(self) -> None:
        """Plan every visit, then run them, the latest segment first."""
        visits = self._plan()
        for head, grad in self._leaves:
            self._write_leaf(head, grad)
        for visit in visits:
            self._run(visit)

    def close(self) -> None:
        """After an error, the segments that were cut can still be computed on demand."""
        for segment in self._cut.values():
            segment.postpone()

    def _visit_of(self, segment: Segment) -> Visit:
        visit = self._visits.get(segment)
        if visit is None:
            visit = self._visits[segment] = Visit(segment)
        return visit

    def _plan(self) -> list[Visit]:
        queue = [(-segment.order, segment) for segment in self._visits]
        heapq.heapify(queue)
        planned = []
        while queue:
            visit = self._visits[heapq.heappop(queue)[1]]
            visit.plan_inputs(self._sink)
            planned.append(visit)
            for source in visit.sources:
                if source.leaf is None:
                    self._plan_upstream(source, queue)
        return planned

    def _plan_upstream(self, source: Source, queue: list[tuple[int, Segment]]) -> None:
        history = source.history
        if history is None or not history.segment.remembers(history.index):
            raise AutogradError(NOT_IN_GRAPH)
        if history.segment not in self._visits:
            heapq.heappush(queue, (-history.segment.order, history.segment))
        self._visit_of(history.segment).seeds.setdefault(history.index, _AWAITED)

    def _write_leaf(self, head: Handle, grad: np.ndarray | None) -> None:
        if head._leaf is not None and self._sink.wants(head._leaf):
            goal = self._sink.destination(head._leaf, head.type).staged()
            goal.array[...] = 1.0 if grad is None else grad
            goal.finish()

    def _run(self, visit: Visit) -> None:
        goals = self._destinations(visit)
        if visit.segment.live:
            self._run_joint(visit, goals)
        else:
            self._run_backward(visit, goals)
        for source, goal in zip(visit.sources, goals, strict=True):
            if source.leaf is None:
                assert source.history is not None
                upstream = self._visits[source.history.segment]
                upstream.add(source.history.index, goal.array, source.handle.type)
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

    def _run_joint(self, visit: Visit, goals: list[Destination]) -> None:
        """A segment that has not run yet: its values and its gradients in one program."""
        segment, heads = visit.segment, tuple(visit.seeds)
        live = tuple(segment.live)
        given = tuple(g is not None for g in visit.seeds.values())
        sums = frozenset(len(live) + n for n, goal in enumerate(goals) if goal.in_place)
        key = ("joint", live, heads, given, visit.wrt, sums)
        plan: Plan | None = segment.node.plans.get(key)
        if plan is None:
            made = segment.planner().joint(live, heads, given, visit.wrt, sums)
            plan = segment.node.plans.setdefault(key, made)
        values = plan.empty(0, len(live))
        args = [*segment.arguments.values, *(g for g in visit.seeds.values() if g is not None)]
        plan.program.run(args, [*values, *(g.array for g in goals)])
        segment.settle(values, frozenset() if self._retain else visit.reached)

    def _run_backward(self, visit: Visit, goals: list[Destination]) -> None:
        """A segment whose values were computed before: its gradients from its residuals."""
        segment, heads = visit.segment, tuple(visit.seeds)
        given = tuple(g is not None for g in visit.seeds.values())
        sums = frozenset(n for n, goal in enumerate(goals) if goal.in_place)
        key = ("backward", segment.plan, heads, given, visit.wrt, sums)
        plan: Plan | None = segment.node.plans.get(key)
        if plan is None:
            saved = segment.plan.saved if segment.plan is not None else []
            made = segment.planner().backward(saved, heads, given, visit.wrt, sums)
            plan = segment.node.plans.setdefault(key, made)
        seeds = (g for g in visit.seeds.values() if g is not None)
        args = [*segment.arguments.values, *segment.saved.values, *seeds]
        assert plan.kept is not None
        plan.program.run([args[k] for k in plan.kept], [g.array for g in goals])
        if not self._retain:
            segment.forget(visit.reached)
