"""Index arithmetic: sums of loop variables times constants, the only index form emitted loops need.

`Affine` is such a sum; `Split` is the quotient or remainder of one, an atom for what is not affine
(a reshape that cuts across a loop), `Loaded` a position that was read from memory. Everything is
immutable and hashable, so that equal indices are recognised and an element is computed once.
Start with `Affine`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import inf


@dataclass(frozen=True, eq=False)
class LoopVar:
    """The variable of one emitted loop, from 0 below `extent`; compared by identity."""

    name: str
    extent: int

    @property
    def span(self) -> tuple[int, int]:
        return 0, max(self.extent - 1, 0)


@dataclass(frozen=True)
class Split:
    """`numerator // divisor` or `numerator % divisor`, rounding down, where it is not affine."""

    numerator: Affine
    operator: str
    divisor: int

    @property
    def span(self) -> tuple[int, int]:
        if self.operator == "%":
            return 0, self.divisor - 1
        low, high = self.numerator.span
        return low // self.divisor, high // self.divisor


@dataclass(frozen=True)
class Loaded:
    """A position that the variable `name` holds, known to lie below `extent`; it varies with `loops`."""

    name: str
    extent: int
    loops: frozenset[LoopVar]

    @property
    def span(self) -> tuple[int, int]:
        return 0, max(self.extent - 1, 0)


Atom = LoopVar | Split | Loaded
Ranges = Mapping["LoopVar", tuple[int, int]]  # the least and the greatest value of some loop variables


@dataclass(frozen=True)
class Affine:
    """`const + sum(coefficient * atom)`; zero coefficients are never stored."""

    const: int = 0
    terms: frozenset[tuple[Atom, int]] = frozenset()

    def __add__(self, other: Affine | int) -> Affine:
        if isinstance(other, int):
            return Affine(self.const + other, self.terms)
        total = dict(self.terms)
        for atom, factor in other.terms:
            total[atom] = total.get(atom, 0) + factor
        return Affine(self.const + other.const, frozenset((a, f) for a, f in total.items() if f))

    def __mul__(self, factor: int) -> Affine:
        return Affine(self.const * factor, frozenset((a, f * factor) for a, f in self.terms if f * factor))

    @cached_property
    def span(self) -> tuple[int, int]:
        """The least and the greatest value."""
        ends = [sorted((f * atom.span[0], f * atom.span[1])) for atom, f in self.terms]
        return self.const + sum(e[0] for e in ends), self.const + sum(e[1] for e in ends)

    def reach(self, ranges: Ranges) -> tuple[float, float]:
        """The least and the greatest value in these ranges; what was read from memory may be anything."""
        low = high = float(self.const)
        for part, factor in self.terms:
            ends = sorted(factor * end for end in _reach(part, ranges))
            low, high = low + ends[0], high + ends[1]
        return low, high

    @cached_property
    def loops(self) -> frozenset[LoopVar]:
        """The loop variables it depends on."""
        return frozenset().union(*(_loops_of(a) for a, _ in self.terms))

    def divmod(self, divisor: int) -> tuple[Affine, Affine]:
        """Quotient and remainder; affine whenever the terms separate."""
        whole = frozenset((a, f // divisor) for a, f in self.terms if f % divisor == 0)
        rest = Affine(self.const % divisor, frozenset((a, f) for a, f in self.terms if f % divisor))
        quotient = Affine(self.const // divisor, whole)
        if rest.span[0] >= 0 and rest.span[1] < divisor:
            return quotient, rest
        return quotient + atom(Split(rest, "//", divisor)), atom(Split(rest, "%", divisor))

    def joined(self) -> Affine:
        """With every quotient and remainder of the same division put together again."""
        factors = dict(self.terms)
        for part, factor in self.terms:
            if isinstance(part, Split) and part.operator == "%":
                quotient = Split(part.numerator, "//", part.divisor)
                if factors.get(quotient) == factor * part.divisor:
                    rest = self.terms - {(part, factor), (quotient, factor * part.divisor)}
                    return (Affine(self.const, rest) + part.numerator * factor).joined()
        return self

    def replace(self, new: Mapping[LoopVar, Affine]) -> Affine:
        """With other expressions for some loop variables."""
        if not self.loops & new.keys():
            return self
        total = Affine(self.const)
        for part, factor in self.terms:
            total = total + _replaced(part, new) * factor
        return total

    def affines(self) -> Iterator[Affine]:
        """Itself and every affine expression inside it."""
        yield self
        for part, _ in self.terms:
            if isinstance(part, Split):
                yield from part.numerator.affines()

    def coefficient(self, loop: LoopVar) -> int:
        return next((f for a, f in self.terms if a is loop), 0)

    def __str__(self) -> str:
        ordered = sorted(self.terms, key=lambda term: (-term[1], str(term[0])))
        parts = [_term(part, factor) for part, factor in ordered]
        if self.const or not parts:
            parts.append(str(self.const))
        return " + ".join(parts).replace("+ -", "- ")


def atom(part: Atom) -> Affine:
    """One loop variable, quotient, remainder or loaded position as an expression."""
    return Affine(0, frozenset({(part, 1)}))


def flat_in(expression: Affine, outer: LoopVar, inner: LoopVar) -> bool:
    """Whether it varies with two loops as it would with one loop over both."""
    return all(e.coefficient(outer) == e.coefficient(inner) * inner.extent for e in expression.affines())


def _loops_of(part: Atom) -> frozenset[LoopVar]:
    if isinstance(part, LoopVar):
        return frozenset({part})
    return part.loops if isinstance(part, Loaded) else part.numerator.loops


def _reach(part: Atom, ranges: Ranges) -> tuple[float, float]:
    if isinstance(part, Loaded):
        return -inf, inf
    return ranges.get(part, part.span) if isinstance(part, LoopVar) else part.span


def _replaced(part: Atom, new: Mapping[LoopVar, Affine]) -> Affine:
    if isinstance(part, LoopVar):
        return new.get(part, atom(part))
    if isinstance(part, Loaded):
        return atom(part)
    quotient, remainder = part.numerator.replace(new).divmod(part.divisor)
    return quotient if part.operator == "//" else remainder


def _term(part: Atom, factor: int) -> str:
    text = f"(({part.numerator}) {part.operator} {part.divisor})" if isinstance(part, Split) else part.name
    return text if factor == 1 else f"-{text}" if factor == -1 else f"{text} * {factor}"
