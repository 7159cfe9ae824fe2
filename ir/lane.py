"""A loop over a stack of examples, its lanes: what the batching rules of `ir.loop` have in common."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from tapejit.ir import ops
from tapejit.ir.builder import Var
from tapejit.ir.function import Function
from tapejit.ir.region import cut, reached, region_of


class Lanes:
    """A loop over a stack: which operands carry the axis, and the regions that go with that.

    With one predicate for all lanes, carried values that depend on no mapped one stay single. With a
    stack of predicates all are stacked, the loop goes on while any lane does, and a lane that is done
    keeps its values.
    """

    def __init__(self, xs: Sequence[Var], mapped: Sequence[bool], carry: int, regions: Any, transform: Any):
        self.predicate, self.body = regions[:2]
        count = len(self.predicate.params)
        self.size = next(x.shape[0] for x, m in zip(xs, mapped, strict=True) if m)
        self.mapped = _moving(self.body, mapped[:count], carry)
        self.apart = self.predicate.results[0] in reached(self.predicate, self.mapped)
        if self.apart:
            self.mapped = (*(True for _ in range(carry)), *self.mapped[carry:])
        given = zip(xs, mapped, (*self.mapped, *(True for _ in xs[count:])), strict=True)
        self.operands = [stack(x, self.size) if wanted and not m else x for x, m, wanted in given]
        self.carry, self.transform = carry, transform

    def regions(self) -> tuple[Function, Function]:
        if not self.apart:
            goes_on = self.transform(self.predicate, self.mapped, (False,))
            return goes_on, self.transform(self.body, self.mapped, self.mapped[: self.carry])
        loop = self.operands[: len(self.mapped)]
        body = self.transform(self.body, self.mapped)
        return (
            region_of(self.predicate.name, loop, lambda *xs: [ops.reduce_any(self.active(xs), axes=(0,))]),
            region_of(
                self.body.name,
                loop,
                lambda *xs: self.chosen(xs, xs[0].builder.inline(body, xs), xs[: self.carry]),
            ),
        )

    def pullback(self, pullback: Function) -> Function:
        """The pullback of every lane; one that was done adds nothing."""
        count, states = len(self.mapped), len(self.operands) - len(self.mapped)
        stacked: Function = self.transform(pullback, (*self.mapped, *(True for _ in range(states))))
        if not self.apart:
            return stacked

        def back(*xs: Var) -> Iterable[Var]:
            found, terms = cut(xs[0].builder.inline(stacked, xs), states)
            rest = [*xs[count:], *(t.like(0.0) for t in terms)]
            return self.chosen(xs[:count], [*found, *terms], rest)

        return region_of(pullback.name, self.operands, back)

    def active(self, xs: Sequence[Var]) -> Var:
        """Which lanes go on."""
        return xs[0].builder.inline(self.transform(self.predicate, self.mapped), xs)[0]

    def chosen(self, loop: Sequence[Var], new: Sequence[Var], old: Sequence[Var]) -> list[Var]:
        active = self.active(loop)
        return [
            ops.select(ops.broadcast(active, shape=a.shape, dims=(0,)), a, b)
            for a, b in zip(new, old, strict=True)
        ]


def _moving(body: Function, mapped: Sequence[bool], carry: int) -> tuple[bool, ...]:
    """Which operands of the loop carry the axis once the mapped ones have gone round."""
    moving = tuple(mapped)
    while True:
        found = reached(body, moving)
        grown = (*(m or r in found for m, r in zip(moving, body.results, strict=False)), *moving[carry:])
        if grown == moving:
            return moving
        moving = grown


def stack(x: Var, size: int) -> Var:
    return ops.broadcast(x, shape=(size, *x.shape), dims=tuple(range(1, len(x.shape) + 1)))
