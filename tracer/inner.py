"""The tape inside a transform: a function traced as one straight line, within an outer trace.

The variables of a transform are handles of its own, so that captured arrays stay apart from them. A value
that Python asks for is computed by the outer tape, which is told what Python saw; the line goes on. A
parameter has no value at all: it stands for one example among many.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from tapejit.ir.function import Function
from tapejit.ir.transforms.batch import batch_along
from tapejit.ir.types import TensorType
from tapejit.tracer import nested
from tapejit.tracer.errors import EscapedArrayError, InPlaceError, NestedDemandError
from tapejit.tracer.handle import Handle, Leaf
from tapejit.tracer.location import user_location
from tapejit.tracer.operation import Operation
from tapejit.tracer.segment import Made, Segment, Source
from tapejit.tracer.surface.elementwise import copy
from tapejit.tracer.tape import Tape
from tapejit.tracer.trie import Node, Trace, Trie, trace_of


class Stack(NamedTuple):
    """An array of the outer tape that holds the examples along `axis`, and the parameter that is one."""

    array: Handle
    axis: int
    parameter: Handle
    number: int  # its value number


Choice = Callable[[Handle, Tape], bool]  # (truth values of all examples, the tape they are on)


class InnerTape(Tape):
    """`name` is what errors call the transform. It is open until `close`."""

    __slots__ = ("_made", "_name", "_open", "_outer_values", "_rewritten", "_stacks", "choose")

    parent: Tape

    def __init__(self, trie: Trie, parent: Tape, name: str):
        super().__init__(trie, parent, keep_cuts=True)
        self._name = name
        self._open = True
        self._stacks: dict[int, Stack] = {}  # by id of a parameter: what it is an example of
        self._made: dict[int, tuple[Handle, Made]] = {}  # by id: what earlier cuts made
        self._rewritten: dict[int, Handle] = {}  # arrays from outside that were written in place
        self._outer_values: dict[int, Handle] = {}  # by id of a variable: its value outside
        self.choose: Choice | None = None  # a branch, from the truth values of all examples

    # -- What is traced on --------------------------------------------------------------------------------

    def variable(self, x: Handle, name: str | None) -> Handle:
        """A variable whose value is that of `x`, an array of the outer tape."""
        alias: Handle = self.parent.record(copy.op, (x,))
        alias._leaf = Leaf(None, "write")
        self._outer_values[id(alias)] = x
        if name is not None:
            self.names[id(alias)] = name
        return alias

    def parameter(self, stack: Handle, axis: int, name: str | None) -> Handle:
        """An array that stands for any example of a stack; only its type is known."""
        shape = stack.type.shape
        type_ = stack.type.with_shape(shape[:axis] + shape[axis + 1 :])
        handle = self.stand_in(type(stack), type_, name)
        self._stacks[id(handle)] = Stack(stack, axis, handle, handle._index)
        return handle

    def stand_in(self, face: type[Handle], type_: TensorType, name: str | None) -> Handle:
        """An input without a value."""
        key = ("parameter", type_.dtype, type_.shape)
        node = self.node.children.get(key)
        if node is None:
            node = self.trie.graft(self.node, key, Node(self.node, (type_,), False, name=name))
        self.node = node
        handle: Handle = self._pending(face, type_, False)
        self.arguments.values.append(handle)
        return handle

    def result(self, x: Handle) -> Handle:
        """`x` as an array that is pending here."""
        pending: Handle = x if x._tape is self else self.record(copy.op, (x,))
        return pending

    # -- What Python asks for -----------------------------------------------------------------------------

    def demand(self) -> None:
        """Compute what is pending here by way of the outer tape."""
        self._check_open()
        if self._stacks:
            raise NestedDemandError(
                f"Python needs the number in an array at {user_location()}, inside {self._name}, where an "
                "array stands for many examples; compute with arrays, and choose by `if` or np.where"
            )
        self.hand_over()
        self.parent.demand()

    def hand_over(self) -> None:
        """Record what is pending here on the outer tape."""
        segment = self.cut()
        if segment.live:
            arguments = self._outside(segment.arguments.values, segment.sources, trace_of(segment.node))
            found = nested.called(self.parent, _live_call(segment), arguments)
            for handle, result in zip(segment.live.values(), found, strict=True):
                nested.move(handle, result)

    def truth(self, handle: Handle) -> bool:
        """Where an array stands for many examples, `choose` says which branch is taken."""
        if not for_all_values(handle._tape):
            return super().truth(handle)
        if handle._tape is self and self._stacks:
            if self.choose is None or handle.type.size != 1:
                self.demand()
            assert self.choose is not None
            return self.choose(self.stack_of(handle), self.parent)
        if handle._tape is self:
            self.hand_over()
        return self.parent.truth(handle)

    def known_outside(self, handle: Handle | None) -> Handle | None:
        return handle

    def stack_of(self, handle: Handle) -> Handle:
        if handle._tape is not self:
            return handle
        if not self._stacks:
            return self._handed_over(handle)
        own = self._stacks.get(id(handle))
        if own is not None and own.number == handle._index and own.axis == 0:
            return own.array
        values, trace = self.arguments.values, trace_of(self.node)
        axes = tuple(self._stacks[id(x)].axis if id(x) in self._stacks else None for x in values)
        size = self.size
        assert size is not None
        key = ("stack", handle._index, size, axes)
        call = self.node.plans.get(key)
        if call is None:
            results = (trace.values[handle._index],)
            example = Function("stack", trace.function.params, trace.function.body, results)
            made = nested.call_of(batch_along(example, size, axes, (0,)))
            call = self.node.plans.setdefault(key, made)
        found: Handle = nested.called(self.parent, call, self._outside(values, self.sources, trace))[0]
        return found

    def _handed_over(self, handle: Handle) -> Handle:
        """What a pending array stands for if a tape further out is one of many examples."""
        if not for_all_values(self.parent):
            return handle
        self.hand_over()
        return self.parent.stack_of(handle)

    def for_all_values(self) -> bool:
        """Whether arrays here may stand for many examples."""
        return bool(self._stacks)

    def stacks(self) -> list[Handle]:
        """The arrays of the outer tape whose examples the parameters are."""
        return [stack.array for stack in self._stacks.values()]

    @property
    def size(self) -> int | None:
        """How many examples the parameters stand for; None if there are no parameters."""
        stack = next(iter(self._stacks.values()), None)
        return None if stack is None else stack.array.type.shape[stack.axis]

    def found_stacks(self, count: int) -> list[Stack]:
        """The stacks after the first `count`: those that came up on the way."""
        return list(self._stacks.values())[count:]

    def cut(self) -> Segment:
        self._check_open()
        return super().cut()

    def close(self) -> None:
        """Nothing more is computed here."""
        self._open, self.active = False, None

    def forget(self) -> None:
        """Let go of all arrays, so that the outer tape need not compute those that nobody else holds."""
        assert self.cuts is not None
        for kept in (self._made, self._rewritten, self._stacks, self._outer_values, self.cuts):
            kept.clear()

    def _check_open(self) -> None:
        if not self._open:
            raise EscapedArrayError(
                f"an array that was made, or written in place, inside {self._name} is used after it, at "
                f"{user_location()}; return it from the function instead"
            )

    def tracks(self, handle: Handle) -> bool:
        """What was computed by way of the outer tape is differentiated here all the same."""
        made = self.origin(handle)
        if isinstance(made, tuple) and self.cuts is not None:
            number, i = made
            if trace_of(self.cuts[number].node).tracked[i]:
                return True
        return super().tracks(handle)

    # -- Who is who ---------------------------------------------------------------------------------------

    def origin(self, handle: Handle) -> Made | Handle:
        known = self._made.get(id(handle))
        pending = self._open and handle._tape is self  # written in place since
        return handle if known is None or pending else known[1]

    def _keep_cut(self, live: dict[int, Handle]) -> None:
        assert self.cuts is not None
        number = len(self.cuts)
        super()._keep_cut(live)
        self._made |= {id(handle): (handle, (number, i)) for i, handle in live.items()}

    def rebind(self, handle: Handle, result: Handle) -> None:
        if handle._tape is not self and id(handle) not in self._made:
            self._rewritten[id(handle)] = handle
        super().rebind(handle, result)

    def know_twin(self, handle: Handle, twin: Handle) -> None:
        known = self._made.get(id(handle))
        if known is not None:
            self._made[id(twin)] = (twin, known[1])

    def outside(self, handle: Handle, value: Any) -> Any:
        """What the outer tape takes for an array that entered here with this `value`."""
        if id(handle) in self._rewritten:
            if not isinstance(value, np.ndarray):
                raise InPlaceError(
                    f"an array from outside {self._name} was written in place inside, before "
                    f"{user_location()}; compute a new array instead"
                )
            return type(handle).wrap(value)
        return self._outer_values.get(id(handle), handle)

    def _outside(self, values: list[Any], sources: dict[int, Source], trace: Trace) -> list[Any]:
        """The arguments of a trace as the outer tape takes them."""
        found = []
        for x, i in zip(values, trace.inputs, strict=True):
            if i is None:
                found.append(x)
            elif i in sources:
                found.append(self.outside(sources[i].handle, x))
            else:
                found.append(self._stacks[id(x)].array)
        return found


def _live_call(segment: Segment) -> Operation:
    """The live values of a segment as one operation of an outer trace."""
    key = ("live", tuple(segment.live))
    call: Operation | None = segment.node.plans.get(key)
    if call is None:
        trace = trace_of(segment.node)
        results = tuple(trace.values[i] for i in segment.live)
        made = nested.call_of(Function("live", trace.function.params, trace.function.body, results))
        call = segment.node.plans.setdefault(key, made)
    return call


def for_all_values(tape: Any) -> bool:
    """Whether arrays of this tape may have no value of their own, here or on a tape outside."""
    while isinstance(tape, InnerTape):
        if tape.for_all_values():
            return True
        tape = tape.parent
    return False
