"""Python that runs outside of the trace, on the numbers that its arguments have: a solver, an oracle.

Where arrays stand for the examples of `vmap`, it runs once per example, and what it finds stands for them
again. Start at `called_outside`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import optree

from tapejit.tracer.array import Array
from tapejit.tracer.errors import NestedDemandError
from tapejit.tracer.handle import Handle
from tapejit.tracer.inner import InnerTape, for_all_values
from tapejit.tracer.state import STATE
from tapejit.tracer.tape import Tape


def called_outside(function: Callable[..., Any], arguments: Any, where: str) -> Any:
    """The tree of arrays that `function(*arguments)` gives for the values of the arguments' arrays.

    The arrays are NumPy's, or arrays of the trace that stand for many examples. Their derivative by the
    arguments is the caller's to state. `where` is what errors call the function.
    """
    tape = STATE.tape
    with _derivative_stated(tape):
        return _called(tape, function, arguments, where)


def _called(tape: Tape | None, function: Callable[..., Any], arguments: Any, where: str) -> Any:
    if not for_all_values(tape):
        return _called_once(tape, function, arguments)
    assert isinstance(tape, InnerTape)
    if tape.size is not None:
        return _called_for_each(tape, tape.size, function, arguments, where)
    tape.hand_over()
    return _called(tape.parent, function, arguments, where)


def _called_once(tape: Tape | None, function: Callable[..., Any], arguments: Any) -> Any:
    with _recording_on(tape):
        values: Any = optree.tree_map(_number, arguments)
    with _recording_on(None):
        return function(*values)


def _called_for_each(
    tape: InnerTape, size: int, function: Callable[..., Any], arguments: Any, where: str
) -> Any:
    """One call per example of the stacks of `tape`, unless the arguments are the same for all."""
    leaves, structure = optree.tree_flatten(arguments)
    stacks: list[Any] = [tape.stack_of(x) if isinstance(x, Handle) else x for x in leaves]
    own = [x is not stack for x, stack in zip(leaves, stacks, strict=True)]
    if not any(own):
        return _called(tape.parent, function, arguments, where)
    if size == 0:
        raise NestedDemandError(
            f"{where}: there is no example to run it for, so the shapes it gives are unknown"
        )

    def for_each(*given: Any) -> Any:
        found = [function(*_example(given, structure, own, k)) for k in range(size)]
        return optree.tree_map(lambda *xs: np.stack(xs), *found)

    with _recording_on(tape.parent):
        found = _called(tape.parent, for_each, stacks, where)
    return optree.tree_map(lambda x: tape.parameter(_handle(x), 0, None), found)


def _example(stacks: Sequence[Any], structure: Any, own: Sequence[bool], k: int) -> Any:
    """The arguments of example `k`; `own` tells the leaves that are stacks."""
    return optree.tree_unflatten(structure, [x[k] if o else x for x, o in zip(stacks, own, strict=True)])


def _handle(x: Any) -> Handle:
    return x if isinstance(x, Handle) else Array.wrap(x)


def _number(x: Any) -> Any:
    """The value of an array as NumPy's, of its own; Python sees it."""
    return x.value().copy() if isinstance(x, Handle) else x


@contextmanager
def _recording_on(tape: Tape | None) -> Iterator[None]:
    before, STATE.tape = STATE.tape, tape
    try:
        yield
    finally:
        STATE.tape = before


@contextmanager
def _derivative_stated(tape: Tape | None) -> Iterator[None]:
    """Floats that leave for Python in here lose no derivative."""
    tapes = []
    while tape is not None:
        tapes.append((tape, tape.lost))
        tape = tape.parent
    try:
        yield
    finally:
        for each, lost in tapes:
            each.lost = lost
