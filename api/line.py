"""One call of a function as one straight line of IR, to which the transforms of IR apply.

`trace_line` runs the Python on an inner tape, whose variables are arrays of the outer trace. The transformed
line is recorded on the outer trace as a call, which lowers by being inlined: so transforms nest in any
order, and at top level the outer trace is that of a compiled function.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import optree

from tapejit import path
from tapejit.ir.function import Function, Value
from tapejit.ir.printer import print_function
from tapejit.tracer import nested
from tapejit.tracer.array import Array
from tapejit.tracer.handle import Handle
from tapejit.tracer.inner import InnerTape
from tapejit.tracer.operation import Operation
from tapejit.tracer.segment import Segment
from tapejit.tracer.state import STATE
from tapejit.tracer.tape import Tape
from tapejit.tracer.trie import trace_of

Transform = Callable[[Function], Function]


@dataclass(eq=False, slots=True)
class Line:
    """`function` takes the variables, then what was captured; `calls` are transforms of it, made once.

    `notes` are what else was found out about it.
    """

    function: Function
    calls: dict[Hashable, Operation] = field(default_factory=dict)
    notes: dict[Hashable, Any] = field(default_factory=dict)

    def call(self, key: Hashable, transform: Transform) -> Operation:
        """The transformed line as an operation; `key` names the transform."""
        found = self.calls.get(key)
        if found is None:
            found = self.calls.setdefault(key, nested.call_of(transform(self.function)))
        return found

    def record(self, key: Hashable, transform: Transform, arguments: list[Any]) -> list[Any]:
        """Record the transformed line on the trace at hand; its results there."""
        assert STATE.tape is not None
        return nested.called(STATE.tape, self.call(key, transform), arguments)


@dataclass(frozen=True, eq=False)
class LineCall:
    """One call on a line. The results of the line are the leaves of the value, then arrays of `aux`."""

    line: Line
    variables: list[Handle]  # their values, on the outer trace
    captured: list[Any]  # arrays of the outer trace, and numbers
    structure: Any  # of the value
    aux: Any = None

    @property
    def heads(self) -> list[Value]:
        """The leaves of the value."""
        return list(self.line.function.results[: self.structure.num_leaves])

    def apply(self, key: Hashable, transform: Transform, more: Sequence[Any] = ()) -> list[Any]:
        """The results of the transformed line, which takes variables, captured, and `more`."""
        return self.line.record(key, transform, [*self.variables, *self.captured, *more])

    def value(self, leaves: Iterator[Any]) -> Any:
        """The value with the next of `leaves` for its own."""
        return optree.tree_unflatten(self.structure, [next(leaves) for _ in range(self.structure.num_leaves)])

    def filled_aux(self, leaves: Iterator[Any]) -> Any:
        """The auxiliary results with the next of `leaves` for its arrays."""
        return optree.tree_map(lambda x: next(leaves) if isinstance(x, Handle) else x, self.aux)


def trace_line(
    tape: InnerTape,
    where: str,
    variables: list[Handle],
    given: list[Handle],
    call: Callable[[], Any],
    has_aux: bool,
) -> LineCall:
    """Run `call` on `tape`, which has the `variables`; `given` are their values on the outer trace."""
    found = _traced_call(tape, call)
    value, aux = _pair(found, where) if has_aux else (found, None)
    leaves, structure = optree.tree_flatten(value)
    if not leaves:
        raise TypeError(f"{where} returned {value!r}; it must return an array, a number, or a tree of them")
    results = [tape.result(as_array(x, where)) for x in leaves]
    extras: Any = () if aux is None else aux
    results += [tape.result(x) for x in optree.tree_leaves(extras) if isinstance(x, Handle)]
    segment = tape.cut()
    tape.close()
    line, captured = _line(tape, segment, variables, results)
    tape.forget()
    return LineCall(line, given, captured, structure, aux)


def _traced_call(tape: Tape, call: Callable[[], Any]) -> Any:
    outer, STATE.tape = STATE.tape, tape
    try:
        return call()
    finally:
        STATE.tape = outer


def _pair(found: Any, where: str) -> Any:
    if not isinstance(found, tuple) or len(found) != 2:
        raise TypeError(f"has_aux=True: {where} must return a pair (value, aux), got {found!r}")
    return found


def as_array(x: Any, where: str) -> Handle:
    """A leaf of a result as an array of ours."""
    if isinstance(x, Handle):
        return x
    if not isinstance(x, int | float | np.ndarray | np.generic):
        raise TypeError(f"{where} returned {type(x).__name__}; a transform needs arrays or numbers")
    return Array.wrap(np.array(x))


def _line(
    tape: InnerTape, segment: Segment, variables: list[Handle], results: list[Handle]
) -> tuple[Line, list[Any]]:
    if tape.cuts is not None and len(tape.cuts) == 1:
        return _straight(tape, segment, variables, results)
    return _joined(tape, variables, results)


def _straight(
    tape: InnerTape, segment: Segment, variables: list[Handle], results: list[Handle]
) -> tuple[Line, list[Any]]:
    """Python saw nothing: the line is the trace."""
    node, trace = segment.node, trace_of(segment.node)
    place = {id(x): k for k, x in enumerate(variables)}
    entered: dict[int, int] = {}
    captured = []
    for n, (x, i) in enumerate(zip(segment.arguments.values, trace.inputs, strict=True)):
        handle = segment.sources[i].handle if i in segment.sources else x
        k = place.get(id(handle))
        if k is not None:
            entered[n] = k
        else:
            captured.append(x if i is None else tape.outside(handle, x))
    indices = tuple(x._index for x in results)
    # A variable that does not enter is in no trace, yet it is a parameter of the line.
    key = ("line", indices, tuple(entered.items()), tuple(x.type for x in variables))
    line: Line | None = node.plans.get(key)
    if line is None:
        found = tuple(trace.values[i] for i in indices)
        function = Function("line", trace.function.params, trace.function.body, found)
        line = node.plans.setdefault(key, Line(_variables_first(function, entered, variables)))
    return line, captured


def _joined(tape: InnerTape, variables: list[Handle], results: list[Handle]) -> tuple[Line, list[Any]]:
    """Python saw values: the line is the path that it took."""
    joined = path.line_of(tape, variables, results)
    function = _variables_first(joined.function, joined.entered, variables)
    assert tape.cuts is not None
    plans, key = tape.cuts[-1].node.plans, ("line", print_function(function))
    line = plans.get(key) or plans.setdefault(key, Line(function))
    captured = [
        x if n in joined.by_value else tape.outside(*x)
        for n, x in enumerate(joined.arguments)
        if n not in joined.entered
    ]
    return line, captured


def _variables_first(function: Function, entered: dict[int, int], variables: list[Handle]) -> Function:
    """The parameters in another order: one per variable, used or not, then the others."""
    own = {k: function.params[n] for n, k in entered.items()}
    first = [own.get(k) or Value(x.type) for k, x in enumerate(variables)]
    others = (v for n, v in enumerate(function.params) if n not in entered)
    return Function(function.name, (*first, *others), function.body, function.results)
