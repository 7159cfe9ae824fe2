"""Branches of a function under `vmap`: each path that an example takes is traced, and results are joined.

A truth test on an array that stands for many examples has one outcome per example. The Python runs once per
path: where the examples of a path part, one side goes on and the other is traced afterwards. Each path is
computed for all examples, and each example gets the result of its own. Which outcomes there are is seen on
the outer trace, so a replay takes them for granted only where they are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np

from tapejit.tracer.errors import NestedDemandError
from tapejit.tracer.inner import Choice
from tapejit.tracer.state import STATE
from tapejit.tracer.tape import Tape

MOST_PATHS = 256

T = TypeVar("T")


class Branch(NamedTuple):
    """The tests up to a point, and which examples are there; None: all of them."""

    outcomes: tuple[bool, ...]
    lanes: Any


class Path:
    """One path: it begins with the outcomes of a branch, and then goes where examples go."""

    def __init__(self, branch: Branch, size: int):
        self._given, self._size = branch.outcomes, size
        self._met = 0
        self._taken: list[bool] = list(branch.outcomes)
        self.lanes = branch.lanes
        self.others: list[Branch] = []  # where examples left it

    def choose(self, stack: Any, outer: Tape) -> bool:
        """The outcome of the next test, of which `stack`, on the tape `outer`, has those of all examples."""
        self._met += 1
        if self._met <= len(self._given):
            return self._given[self._met - 1]
        tape, STATE.tape = STATE.tape, outer
        try:
            outcome = self._parted(np.reshape(stack != 0, (self._size,)))
        finally:
            STATE.tape = tape
        self._taken.append(outcome)
        return outcome

    def _parted(self, truth: Any) -> bool:
        yes, no = truth, np.logical_not(truth)
        if self.lanes is not None:
            yes, no = np.logical_and(self.lanes, yes), np.logical_and(self.lanes, no)
        outcome = bool(np.any(yes))
        if outcome and bool(np.any(no)):
            self.others.append(Branch((*self._taken, False), no))
            self.lanes = yes
        return outcome


def explored(size: int, trace: Callable[[Choice], T], where: str) -> Iterator[tuple[Any, T]]:
    """Per path: the examples that take it (None: all), and what `trace(choose)` gives for it."""
    waiting, count = [Branch((), None)], 0
    while waiting:
        count += 1
        if count > MOST_PATHS:
            raise NestedDemandError(
                f"{where}: the examples take more than {MOST_PATHS} different paths through its branches and "
                "loops; choose with np.where, or call it in a Python loop"
            )
        path = Path(waiting.pop(), size)
        found = trace(path.choose)
        waiting += path.others
        yield path.lanes, found


def joined(lanes: Sequence[Any], results: Sequence[Sequence[Any]], where: str) -> list[Any]:
    """The stacks of results in which each example has those of its own path."""
    total = list(results[-1])
    for chosen, found in zip(lanes[-2::-1], results[-2::-1], strict=True):
        total = [_selected(chosen, x, y, where) for x, y in zip(found, total, strict=True)]
    return total


def _selected(lanes: Any, x: Any, y: Any, where: str) -> Any:
    if x.type.shape != y.type.shape:
        shapes = " and ".join(str(z.type.shape[1:]) for z in (x, y))
        raise NestedDemandError(
            f"{where}: examples that take different branches give results of the shapes {shapes}; they must "
            "be equal to be stacked"
        )
    shape = (x.type.shape[0], *(1 for _ in x.type.shape[1:]))
    return np.where(np.reshape(lanes, shape), x, y)
