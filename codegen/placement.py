"""Group the roots of a plan into loop nests, so that each pass over memory does as much as it can.

Roots run in program order. A root joins an earlier nest if what it needs from there is complete in
time: element by element in the same loops, or row by row in a nest whose outer loops run over rows
and whose phases follow one another within each row (softmax, layer norm). If it also needs nests
that come later but could as well come before, these are moved. Start with `placed`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tapejit.codegen.dependence import Needs, needs_of_roots, reads_of_parameters
from tapejit.codegen.nesting import Nest, Phase
from tapejit.codegen.overwrite import Way
from tapejit.codegen.plan import Plan
from tapejit.codegen.room import put, room
from tapejit.codegen.root import Root
from tapejit.codegen.window import long_extents

REACH = 16  # how many nests back a root may look for company


def placed(plan: Plan) -> list[Nest]:
    """The nests of all roots, in an order in which they can run."""
    placement = _Placement(plan)
    for root, needs, readers in zip(plan.roots, needs_of_roots(plan), _overtaken(plan), strict=True):
        if plan.way(root) >= Way.APART and placement.begin == 0:
            placement.begin = len(placement.nests)
        placement.add(root, needs | Needs(0, readers.scattered), list(readers.aligned_ids()))
    return placement.nests


def _overtaken(plan: Plan) -> Iterator[Needs]:
    """For every root of the plan the earlier ones that read the parameter into which it writes."""
    overwritten = plan.signature.overwritten
    reads = reads_of_parameters(plan) if overwritten else []
    for k, root in enumerate(plan.roots):
        bit = 1 << overwritten[root.slot] if root.slot in overwritten else 0
        yield Needs(
            sum(1 << j for j in range(k) if bit and reads[j].aligned & bit),
            sum(1 << j for j in range(k) if bit and reads[j].scattered & bit),
        )


class _Placement:
    """The nests so far, and what each of them needs."""

    def __init__(self, plan: Plan):
        self._plan = plan
        self.nests: list[Nest] = []
        self.begin = 0  # the first nest that takes further roots
        self._number: dict[Nest, int] = {}
        self._nest_of: list[Nest] = []  # of each root
        self._needs: dict[Nest, set[Nest]] = {}

    def add(self, root: Root, needs: Needs, readers: Sequence[int]) -> None:
        """Put the next root into the first nest it fits into, or into a new one at the end.

        It comes no earlier than the `readers` of what it overwrites.
        """
        makers = {self._nest_of[d] for d in needs.all()}
        nest = self._joined(root, needs, makers, {self._nest_of[d] for d in readers})
        self._nest_of.append(nest)
        self._needs.setdefault(nest, set()).update(makers - {nest})

    def _joined(self, root: Root, needs: Needs, makers: set[Nest], readers: set[Nest]) -> Nest:
        first = max((self._number[nest] for nest in makers | readers), default=0)
        first, reason = max(first, self.begin), "first nest"
        for nest in self.nests[max(first, len(self.nests) - REACH) :]:
            found = room(root, needs, self._plan, nest)
            if not isinstance(found, str):
                put(root, nest, found)
                return nest
            reason = found
        if self.begin or readers:
            return self._new(root, reason)
        return self._earlier(root, needs, makers, first) or self._new(root, reason)

    def _earlier(self, root: Root, needs: Needs, makers: set[Nest], first: int) -> Nest | None:
        """A nest before the last of those that make what the root needs, if those in between can move."""
        begin = max(0, len(self.nests) - REACH)
        for n, nest in enumerate(self.nests[begin:first], begin):
            moving = self._between(n, makers) if nest in makers else []
            found = room(root, needs, self._plan, nest) if moving else ""
            if not isinstance(found, str):
                self._move(moving, n)
                put(root, nest, found)
                return nest
        return None

    def _between(self, n: int, makers: set[Nest]) -> Sequence[Nest]:
        """Those of `makers` after number `n` and what these need there; none if one needs nest `n`."""
        wanted = set(makers)
        for nest in reversed(self.nests[n + 1 :]):
            if nest in wanted:
                wanted |= self._needs[nest]
                if self.nests[n] in self._needs[nest]:
                    return ()
        return [nest for nest in self.nests[n + 1 :] if nest in wanted]

    def _move(self, moving: Sequence[Nest], n: int) -> None:
        """Let these nests run right before number `n`."""
        for nest in moving:
            nest.reason = "moved ahead of a nest that shares its loops with what needs this one"
        others = [nest for nest in self.nests[n:] if nest not in moving]
        self.nests[n:] = [*moving, *others]
        self._number.update((nest, k) for k, nest in enumerate(self.nests[n:], n))

    def _new(self, root: Root, reason: str) -> Nest:
        nest = Nest([Phase(long_extents(root), [root])], reason=reason)
        self._number[nest] = len(self.nests)
        self.nests.append(nest)
        return nest
