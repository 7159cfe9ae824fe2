"""A recorded stretch of operations between two demands: one fused node of the autograd graph.

A segment keeps what its backward needs: its arguments, where they came from, and the residuals that
its forward saved. `release` drops all of it as soon as nothing can ask for a derivative any more.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tapejit.tracer.alias import settle_views
from tapejit.tracer.handle import Handle, History, Leaf
from tapejit.tracer.plan import Plan, Planner
from tapejit.tracer.storage import Arguments
from tapejit.tracer.trie import Node, Reach

if TYPE_CHECKING:
    from tapejit.tracer.tape import Tape

ORDER = itertools.count(1)
_new_tuple = tuple.__new__  # quicker than the constructor of a named tuple

Made = tuple[int, int]  # the number of a cut, and a value number in it


class Source(NamedTuple):
    """An array that entered a trace, with what it was at that moment: a later write may make it another."""

    handle: Handle
    leaf: Leaf | None
    history: History | None
    origin: Made | Handle  # which cut of the tape made it, or the array itself


NOTHING, NO_SOURCES = Arguments(), dict[int, Source]()  # of a segment that needs none, or no more


class Ending(NamedTuple):
    """How a segment was finished; so will be the next at the same node with the same values alive."""

    live: tuple[int, ...]
    program: Callable[..., Any]  # of the arguments: a list of the results, or something else
    kept: frozenset[int]
    plan: Plan
    saved: tuple[int, ...]  # results that the backward takes: `Plan.saved_results`


class Cut(NamedTuple):
    """What a segment was, for those who want to put a whole call together again."""

    node: Node
    inputs: dict[int, Made | Handle]  # per input of the trace: which cut made it, or the array itself
    values: list[Any]  # the run-time arguments, but for inputs that a cut made
    live: tuple[int, ...]


class Segment:
    """`live` are the handles that the user held when the segment was cut, by value number."""

    __slots__ = ("arguments", "kept", "live", "node", "order", "plan", "sources", "tape")

    def __init__(
        self,
        tape: Tape,
        node: Node,
        arguments: Arguments,
        sources: dict[int, Source],
        live: dict[int, Handle],
    ):
        self.tape, self.node, self.arguments, self.sources = tape, node, arguments, sources
        self.live = live  # emptied once they are settled: they point here, not we at them
        self.order = next(ORDER)  # a later segment never feeds an earlier one
        self.plan: Plan | None = None  # the forward plan, which says what was saved behind the arguments
        self.kept: frozenset[int] = frozenset()  # the value numbers a derivative can still be asked of

    def remembers(self, index: int) -> bool:
        """Whether the history of this value is still there."""
        return index in self.kept

    def forget(self, indices: frozenset[int]) -> None:
        """Free the history of these values; of everything when none is left."""
        if self.kept <= indices:
            self.kept = frozenset()
            self.release()
        else:
            self.kept -= indices

    def release(self) -> None:
        self.arguments, self.sources = NOTHING, NO_SOURCES

    def abandon(self) -> None:
        """Nobody will ask for values: those that are alive and the segment no longer hold one another."""
        self.live = {}
        self.release()

    def demand(self) -> None:
        """Compute the live values; their handles become concrete. After an error they stay pending."""
        if not self.live:
            return self.release()
        try:
            plan = self.forward_plan()
            outs = plan.program.compute(self.arguments.values)
        except BaseException:
            self.postpone()
            raise
        self.plan = plan
        self._keep_residuals(plan, outs)
        live = tuple(self.live)
        self.settle(outs)
        self._note_ending(plan, live)

    def _note_ending(self, plan: Plan, live: tuple[int, ...]) -> None:
        """From now on machine code does the same, if it can run the program."""
        short = plan.program.short
        if short is not None and self.tape.cuts is None and self.tape.parent is None:
            self.node.ending = Ending(live, short, self.kept, plan, tuple(plan.saved_results))

    def settle(self, arrays: Sequence[np.ndarray], freed: frozenset[int] = frozenset()) -> None:
        """Give the live handles their values, the first of `arrays`, and their history unless it is freed."""
        live, self.live = self.live, {}
        kept, viewed = [], False
        for (i, handle), array in zip(live.items(), arrays, strict=False):
            handle._elements, handle._history, handle._tape = array, None, None
            viewed = viewed or handle._view is not None
            if handle._tracked and i not in freed:
                handle._history = _new_tuple(History, (self, i))
                kept.append(i)
        self.kept = frozenset(kept)
        if viewed:
            settle_views(live.values())
        if not kept:
            self.release()

    def postpone(self) -> None:
        """What is still pending will be computed when it is asked for again."""
        for handle in self.live.values():
            handle._tape = self

    def cut(self) -> Segment:
        """A segment stands in for the tape of its pending handles after `postpone`."""
        return self

    def reach(self, heads: tuple[int, ...]) -> Reach:
        """What the heads depend on."""
        found: Reach | None = self.node.reach.get(heads)
        if found is None:
            values = self.planner().reach(heads)
            inputs = tuple(i for i in self.sources if i in values)
            found = self.node.reach[heads] = Reach(values, inputs)
        return found

    def operand(self, n: int, i: int | None) -> Any:
        """Argument n, which is value i, as it was when it entered, whatever became of its array since."""
        value = self.arguments.values[n]
        if i is None or isinstance(value, Handle):
            return value
        handle, leaf, history, _ = self.sources[i]
        same = handle._tape is None and handle._elements is value
        if same and handle._leaf is leaf and handle._history is history:
            return handle
        twin = type(handle).wrap(value, self.arguments.storages.get(n))
        twin._leaf, twin._history = leaf, history
        return twin

    def planner(self) -> Planner:
        """Makes the plans of this segment's trace."""
        return Planner(self.node, self.tape.trie.engine)

    def forward_plan(self) -> Plan:
        """The plan of the live values alone."""
        key = ("forward", tuple(self.live))
        plan: Plan | None = self.node.plans.get(key)
        if plan is None:
            plan = self.node.plans.setdefault(key, self.planner().forward(key[1]))
        return plan

    def _keep_residuals(self, plan: Plan, outs: Sequence[np.ndarray]) -> None:
        """Store the residuals; one that the user holds too is protected by its handle's storage."""
        arguments, handles = self.arguments, list(self.live.values())
        for k in plan.saved_results:
            if k < len(handles):
                arguments.add_array(outs[k], handles[k].storage)
            else:
                arguments.values.append(outs[k])
