"""The reverse sweep as operations of the record, so that gradients can be differentiated in their turn.

Nothing runs: the adjoint of a segment is IR, and one operation of the tape that records now. It takes what
the segment took, with its history, and computes again what it needs of the forward; where both are pending
on one tape, they become one program, which computes it once. Start with `recorded_gradients`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from tapejit.ir.types import TensorType
from tapejit.tracer.handle import Handle, Leaf
from tapejit.tracer.nested import call_of, called
from tapejit.tracer.operation import Operation
from tapejit.tracer.plan import Indices
from tapejit.tracer.python_call import PythonCall
from tapejit.tracer.segment import Segment
from tapejit.tracer.surface import elementwise
from tapejit.tracer.sweep import Sweep, Visit, check_heads
from tapejit.tracer.tape import Tape


def recorded_gradients(
    tape: Tape, heads: Sequence[Handle], head_grads: Sequence[Handle | None], variables: Sequence[Handle]
) -> dict[Leaf, Handle]:
    """The gradients of the sum of `heads`, weighted by `head_grads`, on `tape`; per leaf that is reached."""
    sink = RecordedGradients(variables)
    record_sweep(tape, heads, head_grads, sink)
    return sink.found


def record_sweep(
    tape: Tape, heads: Sequence[Handle], head_grads: Sequence[Handle | None], sink: RecordedGradients
) -> None:
    """The same into `sink`."""
    check_heads(heads, head_grads)
    sweep = RecordedSweep(tape, sink)
    for head, grad in zip(heads, head_grads, strict=True):
        sweep.seed(head, grad)
    sweep.run()


class RecordedGradients:
    """Sums of what arrives at the leaves of these variables."""

    def __init__(self, variables: Sequence[Handle]):
        self._wanted = {x._leaf for x in variables}
        self.found: dict[Leaf, Handle] = {}

    def wants(self, leaf: Leaf) -> bool:
        """Whether this leaf's gradient is asked for."""
        return leaf in self._wanted

    def add(self, tape: Tape, leaf: Leaf, grad: Handle) -> None:
        """One more contribution to a leaf's gradient."""
        self.found[leaf] = _sum(tape, self.found[leaf], grad) if leaf in self.found else grad


class Stretch(Segment):
    """What is pending on the tape that records now: a segment that is not cut, and goes on."""

    __slots__ = ()

    def __init__(self, tape: Tape):
        super().__init__(tape, tape.node, tape.arguments, dict(tape.sources), {})
        self.order = sys.maxsize  # whatever was cut is earlier

    def operand(self, n: int, i: int | None) -> Any:
        value = self.arguments.values[n]
        if i is None or i not in self.sources:
            return value
        handle, trace = self.sources[i].handle, self.planner().trace
        place = type(handle).wrap(np.empty(0))
        place._elements, place._tape, place._index = None, self.tape, i
        place._type, place._tracked = trace.values[i].type, trace.tracked[i]
        return place


class RecordedVisit(Visit):
    """The seeds are arrays of the record."""

    __slots__ = ("_tape",)

    def __init__(self, segment: Segment, tape: Tape):
        super().__init__(segment)
        self._tape = tape

    def total(self, before: Handle | None, grad: Handle | None, type_: TensorType) -> Handle:
        face = type(next(iter(self.segment.sources.values())).handle)
        x, y = (_ones(type_, face) if term is None else term for term in (before, grad))
        return _sum(self._tape, x, y)


class RecordedSweep(Sweep):
    """What is recorded at a segment is one operation."""

    def __init__(self, tape: Tape, sink: RecordedGradients):
        super().__init__(sink)
        self._tape, self._sink = tape, sink
        self._stretch = Stretch(tape)

    def _place_of(self, head: Handle) -> tuple[Segment, int] | None:
        if head._tape is self._tape:
            return self._stretch, head._index
        head.materialise()
        return super()._place_of(head)

    def _new_visit(self, segment: Segment) -> Visit:
        return RecordedVisit(segment, self._tape)

    def _arrive(self, head: Handle, leaf: Leaf, grad: Handle | None) -> None:
        self._sink.add(self._tape, leaf, _ones(head.type, type(head)) if grad is None else grad)

    def _run(self, visit: Visit) -> None:
        if not visit.wrt:
            return
        if visit.segment is not self._stretch:
            self._cut()
        for source, grad in zip(visit.sources, self._pulled(visit), strict=True):
            if source.leaf is None:
                self._pass_on(source, grad)
            else:
                self._sink.add(self._tape, source.leaf, grad)

    def _cut(self) -> None:
        """The adjoint of a segment is a segment in its turn, so that those of a loop share a program."""
        if self._tape.parent is None:
            self._tape.demand()

    def _pulled(self, visit: Visit) -> list[Handle]:
        """The adjoints of the inputs of a segment."""
        segment, seeds = visit.segment, visit.seeds
        if isinstance(segment, PythonCall):
            return segment.recorded(seeds, visit.wrt)
        given = tuple(g is not None for g in seeds.values())
        call, kept = _call(segment, tuple(seeds), given, visit.wrt)
        inputs = segment.planner().trace.inputs
        explicit = [g for g in seeds.values() if g is not None]
        count = len(inputs)
        return called(
            self._tape,
            call,
            [segment.operand(k, inputs[k]) if k < count else explicit[k - count] for k in kept],
        )


def _call(
    segment: Segment, heads: Indices, given: tuple[bool, ...], wrt: Indices
) -> tuple[Operation, Indices]:
    """The gradient of a segment as an operation, and which of its arguments that takes."""
    key = ("gradient", heads, given, wrt)
    found: tuple[Operation, Indices] | None = segment.node.plans.get(key)
    if found is None:
        function, kept = segment.planner().gradient(heads, given, wrt)
        found = segment.node.plans.setdefault(key, (call_of(function), kept))
    return found


def _sum(tape: Tape, x: Handle, y: Handle) -> Handle:
    total: Handle = tape.binary(elementwise.add.op, x, y)
    return total


def _ones(type_: TensorType, face: type[Handle]) -> Handle:
    return face.wrap(np.ones(type_.shape, type_.numpy_dtype))
