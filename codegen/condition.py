"""Comparisons of positions with numbers: decided where the ranges of the loops decide them.

A padded value is read behind such checks. Each names one end of what it lies in, so in most of a loop's range
its outcome is known: `section` cuts the range there. Start with `Check`.
"""

from __future__ import annotations

from dataclasses import dataclass

from tapejit.codegen.affine import Affine, LoopVar, Ranges, atom, flat_in


@dataclass(frozen=True)
class Check:
    """That `place` is at least or at most `number`, or a multiple of it; `relation` is `>=`, `<=` or `%`."""

    place: Affine
    relation: str
    number: int

    def __str__(self) -> str:
        if self.relation == "%":
            return f"({self.place}) % {self.number} == 0"
        return f"{self.place} {self.relation} {self.number}"

    def decided(self, ranges: Ranges) -> bool | None:
        """Whether it holds everywhere or nowhere in these ranges; None: here and there."""
        if self.relation == "%":
            return None
        low, high = self.place.reach(ranges)
        if self.relation == ">=":
            return True if low >= self.number else False if high < self.number else None
        return True if high <= self.number else False if low > self.number else None

    def change(self, loop: LoopVar) -> int | None:
        """The value of `loop` from which on it is not what it was below; None if other things matter."""
        factor = self.place.coefficient(loop)
        if not factor or len(self.place.terms) > 1 or self.relation == "%":
            return None
        rest = self.number - self.place.const
        if (self.relation == ">=") == (factor > 0):
            return -(-rest // factor)
        return rest // factor + 1

    def moved(self, new: dict[LoopVar, Affine]) -> Check:
        """With other expressions for some loop variables."""
        return Check(self.place.replace(new), self.relation, self.number)

    def merged(self, outer: LoopVar, inner: LoopVar, both: LoopVar) -> Check | None:
        """The same test in one loop over both; None if there is none."""
        if flat_in(self.place, outer, inner):
            return self.moved({outer: Affine(), inner: atom(both)})
        change = self.change(outer)
        if change is None:
            return None
        begin = change * inner.extent
        return Check(atom(both), ">=", begin) if self._rises(outer) else Check(atom(both), "<=", begin - 1)

    def _rises(self, loop: LoopVar) -> bool:
        """It holds from its change on, not before it."""
        return (self.relation == ">=") == (self.place.coefficient(loop) > 0)


def within(place: Affine, size: int) -> tuple[Check, ...]:
    """That a position is one of `size`."""
    low, high = -place.const, size - 1 - place.const
    return Check(place + -place.const, ">=", low), Check(place + -place.const, "<=", high)


def inside(place: Affine, size: int) -> tuple[Check, ...]:
    """The same, without what can be told from where loops begin and end."""
    low, high = place.span
    first, last = within(place, size)
    return (first,) * (low < 0) + (last,) * (high >= size)
