"""The order of a reverse sweep: from heads back over the segments that they depend on, the latest first.

The sweep is planned as a whole before anything runs, so that a freed graph is an error that leaves no trace.
What happens at a segment is up to the kind of sweep: `backward.RunningSweep` computes the gradients,
`recorded_gradient.RecordedSweep` records operations that would.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np

from tapejit.ir.types import TensorType
from tapejit.tracer.errors import COMPLEX_HEAD, NOT_IN_GRAPH, AutogradError, DtypeError
from tapejit.tracer.handle import Handle, History, Leaf
from tapejit.tracer.location import user_location
from tapejit.tracer.segment import Segment, Source

AWAITED: Any = np.empty(0)  # an adjoint that a later segment will deliver


class Wanting(Protocol):
    """Says which gradients are asked for."""

    def wants(self, leaf: Leaf) -> bool:
        """Whether this leaf's gradient is asked for."""


def check_heads(heads: Sequence[Handle], head_grads: Sequence[object]) -> None:
    """Heads have a history, and are real unless a head gradient says what they count."""
    for head, grad in zip(heads, head_grads, strict=True):
        if not head.tracked:
            raise AutogradError(NOT_IN_GRAPH)
        if grad is None and head.type.is_complex:
            raise DtypeError(COMPLEX_HEAD.format(user_location(), head.type))


class Visit:
    """What the sweep does at one segment: `seeds` are the adjoints of its values (None: all ones)."""

    __slots__ = ("inner", "reach", "seeds", "segment", "sources", "wrt")

    def __init__(self, segment: Segment):
        self.segment = segment
        self.seeds: dict[int, Any] = {}
        self.inner = True  # all adjoints are arrays, and all gradients go to earlier segments
        self.wrt: tuple[int, ...] = ()
        self.sources: list[Source] = []

    def add(self, index: int, grad: Any, type_: TensorType) -> None:
        """Add to the adjoint of one value, which has this type."""
        self.inner = self.inner and grad is not None
        before = self.seeds.get(index, AWAITED)
        self.seeds[index] = grad if before is AWAITED else self.total(before, grad, type_)

    def total(self, before: Any, grad: Any, type_: TensorType) -> Any:
        """The sum of two adjoints of this type."""
        ones = np.ones(type_.shape, type_.numpy_dtype)
        total = np.add(ones if before is None else before, ones if grad is None else grad)
        return np.asarray(total)  # without dimensions NumPy gives a scalar

    def plan_inputs(self, sink: Wanting) -> None:
        """Find the inputs that want a gradient and are reached by the seeds."""
        segment, sources = self.segment, self.sources
        self.reach = segment.reach(tuple(self.seeds))
        self.wrt = self.reach.inputs
        inputs, unwanted = segment.sources, False
        for i in self.wrt:
            source = inputs[i]
            sources.append(source)
            if source.leaf is not None:
                self.inner = False
                unwanted = unwanted or not sink.wants(source.leaf)
        if unwanted:
            self._keep_wanted(sink)

    def _keep_wanted(self, sink: Wanting) -> None:
        pairs = zip(self.wrt, self.sources, strict=True)
        wanted = {i: s for i, s in pairs if s.leaf is None or sink.wants(s.leaf)}
        self.wrt, self.sources = tuple(wanted), list(wanted.values())


class Sweep:
    """One reverse sweep. First `seed` every head, then `run` once."""

    def __init__(self, wanting: Wanting):
        self._wanting = wanting
        self._visits: dict[Segment, Visit] = {}
        self._leaves: list[tuple[Handle, Any]] = []  # heads that are leaves themselves

    def seed(self, head: Handle, grad: Any) -> None:
        """Start from `head`, weighted by `grad`."""
        place = self._place_of(head)
        if place is None:
            self._leaves.append((head, grad))
        else:
            self._visit_of(place[0]).add(place[1], grad, head.type)

    def run(self) -> None:
        """Plan every visit, then run them, the latest segment first."""
        visits = self._plan()
        for head, grad in self._leaves:
            if head._leaf is not None and self._wanting.wants(head._leaf):
                self._arrive(head, head._leaf, grad)
        for visit in visits:
            self._run(visit)
            visit.seeds = {}  # the adjoints of a long record are not needed all at once

    def _place_of(self, head: Handle) -> tuple[Segment, int] | None:
        """The segment that made `head` and its value number there; None for a leaf."""
        history = head._history
        if history is None or not history.segment.remembers(history.number):
            return None
        return history.segment, history.number

    def _new_visit(self, segment: Segment) -> Visit:
        return Visit(segment)

    def _arrive(self, head: Handle, leaf: Leaf, grad: Any) -> None:
        """A head is a variable itself."""
        raise AssertionError("each kind of sweep has its own")

    def _run(self, visit: Visit) -> None:
        """Pass the adjoints on from the values of a segment to its inputs."""
        raise AssertionError("each kind of sweep has its own")

    def _visit_of(self, segment: Segment) -> Visit:
        visit = self._visits.get(segment)
        if visit is None:
            visit = self._visits[segment] = self._new_visit(segment)
        return visit

    def _plan(self) -> list[Visit]:
        visits, sink = self._visits, self._wanting
        queue = [(-segment.order, segment) for segment in visits]
        heapq.heapify(queue)
        planned = []
        while queue:
            visit = visits[heapq.heappop(queue)[1]]
            visit.plan_inputs(sink)
            planned.append(visit)
            for _, leaf, history, _ in visit.sources:
                if leaf is None:
                    self._await(history, queue)
        return planned

    def _await(self, history: History | None, queue: list[tuple[int, Segment]]) -> None:
        """A later segment will deliver the adjoint of this value of an earlier one."""
        if history is None or history[1] not in history[0].kept:
            raise AutogradError(NOT_IN_GRAPH)
        segment, number = history
        visit = self._visits.get(segment)
        if visit is None:
            heapq.heappush(queue, (-segment.order, segment))
            visit = self._visits[segment] = self._new_visit(segment)
        if number not in visit.seeds:
            visit.seeds[number] = AWAITED

    def _pass_on(self, source: Source, grad: Any) -> None:
        """`grad` belongs to an array that an earlier segment made."""
        history = source.history
        assert history is not None
        upstream = self._visits[history.segment]
        if upstream.seeds[history.number] is AWAITED:
            upstream.seeds[history.number] = grad
        else:
            upstream.add(history.number, grad, source.handle.type)
