"""A recorded stretch of operations between two demands: one fused node of the autograd graph.

A segment keeps what its backward needs: its arguments, where they came from, and the residuals that
its forward saved. `release` drops all of it as soon as nothing can ask for a derivative any more.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tapejit.tracer.alias import settle_views
from tapejit.tracer.handle import Handle, History, Leaf
from tapejit.tracer.plan import Plan, Planner
from tapejit.tracer.storage import Arguments
from tapejit.tracer.trie import Node

if TYPE_CHECKING:
    from tapejit.tracer.tape import Tape

_ORDER = itertools.count()
_NOTHING = Arguments()  # of a segment that needs none, or no more


Made = tuple[int, int]  # the number of a cut, and a value number in it


class Source(NamedTuple):
    """An array that entered a trace, with what it was at that moment: a later write may make it another."""

    handle: Handle
    leaf: Leaf | None
    history: History | None
    origin: Made | Handle  # which cut of the tape made it, or the array itself


class Cut(NamedTuple):
    """What a segment was, for those who want to put a whole call together again."""

    node: Node
    inputs: dict[int, Made | Handle]  # per input of the trace: which cut made it, or the array itself
    values: list[Any]  # the run-time arguments, but for inputs that a cut made
    live: tuple[int, ...]


class Segment:
    """`live` are the handles that the user held when the segment was cut, by value number."""

    __slots__ = ("_kept", "arguments", "live", "node", "order", "plan", "saved", "sources", "tape")

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
        self.order = next(_ORDER)  # a later segment never feeds an earlier one
        self.plan: Plan | None = None  # the forward plan, which says what `saved` holds
        self.saved = _NOTHING  # residuals, as arguments of the backward program
        self._kept: set[int] = set()  # the value numbers a derivative can still be asked of

    def remembers(self, index: int) -> bool:
        """Whether the history of this value is still there."""
        return index in self._kept

    def forget(self, indices: Iterable[int]) -> None:
        """Free the history of these values; of everything when none is left."""
        self._kept.difference_update(indices)
        if not self._kept:
            self.release()

    def release(self) -> None:
        self.arguments, self.saved, self.sources = _NOTHING, _NOTHING, {}

    def demand(self) -> None:
        """Compute the live values; their handles become concrete. After an error they stay pending."""
        if not self.live:
            return self.release()
        try:
            plan = self.forward_plan()
            outs = plan.empty()
            plan.program.run(self.arguments.values, outs)
        except BaseException:
            self.postpone()
            raise
        self.plan = plan
        self._keep_residuals(plan, outs)
        self.settle(outs[: len(self.live)])

    def settle(self, arrays: Sequence[np.ndarray], freed: frozenset[int] = frozenset()) -> None:
        """Give the live handles their values, and their history unless it is freed at once."""
        live, self.live = self.live, {}
        kept = {i for i, handle in live.items() if handle._tracked and i not in freed}
        self._kept.update(kept)
        for (i, handle), array in zip(live.items(), arrays, strict=True):
            handle.settle(array, History(self, i) if i in kept else None)
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

    def reach(self, heads: tuple[int, ...]) -> frozenset[int]:
        """The tracked values that the heads depend on, the heads included."""
        found: frozenset[int] | None = self.node.plans.get(("reach", heads))
        if found is None:
            found = self.node.plans[("reach", heads)] = self.planner().reach(heads)
        return found

    def operand(self, n: int, i: int | None) -> Any:
        """Argument n, which is value i, as it was when it entered, whatever became of its array since."""
        value = self.arguments.values[n]
        if i is None or isinstance(value, Handle):
            return value
        handle, leaf, history, _ = self.sources[i]
        same = handle._tape is None and handle._data is value
        if same and handle._leaf is leaf and handle._history is history:
            return handle
        twin = type(handle).wrap(value, self.arguments.storages[n])
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
        if not plan.saved_results:
            return
        self.saved = Arguments()
        handles = list(self.live.values())
        for k in plan.saved_results:
            self.saved.add_array(outs[k], handles[k].storage if k < len(handles) else None)
