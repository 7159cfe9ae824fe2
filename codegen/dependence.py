"""Which roots a root needs, and whether it reads what they complete in its own row-major order.

A read is *aligned* when the element read lies, in row-major order, where the reading loops stand: the
same element, or the row that contains it. Reshapes and repetitions along trailing dimensions keep
that; everything else makes a read *scattered*. Sets of roots are bits of an int, so a union costs little.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tapejit.codegen.moves import repeats_rows
from tapejit.codegen.plan import Plan
from tapejit.codegen.root import Kind, Operand, Root
from tapejit.ir.emission import IndexMap, Reinterpret, Scalar, Updated
from tapejit.ir.function import Instr, Value


@dataclass(frozen=True)
class Needs:
    """The roots whose values are read, as bit sets over positions in the plan."""

    aligned: int = 0
    scattered: int = 0

    def __or__(self, other: Needs) -> Needs:
        return Needs(self.aligned | other.aligned, self.scattered | other.scattered)

    def scatter(self) -> Needs:
        return Needs(0, self.aligned | self.scattered)

    def aligned_ids(self) -> Iterator[int]:
        return _bits(self.aligned)

    def scattered_ids(self) -> Iterator[int]:
        return _bits(self.scattered)

    def all(self) -> Iterator[int]:
        return _bits(self.aligned | self.scattered)


def needs_of_roots(plan: Plan) -> list[Needs]:
    """For every root of the plan, in order, the earlier roots it needs."""
    reads = {v: Needs() for v in plan.function.params}
    found = _reads_of_roots(plan, reads, {v: Needs(_bit_set(plan, v)) for v in plan.stored})
    return [needs | _beneath(plan, root) for root, needs in zip(plan.roots, found, strict=True)]


def reads_of_parameters(plan: Plan) -> list[Needs]:
    """For every root of the plan, in order, the parameters that it reads, by their numbers."""
    reads = {v: Needs(1 << k) for k, v in enumerate(plan.function.params)}
    return _reads_of_roots(plan, reads, dict.fromkeys(plan.stored, Needs()))


def _reads_of_roots(plan: Plan, reads: dict[Value, Needs], stored: Mapping[Value, Needs]) -> list[Needs]:
    """What roots read, if to read a parameter or a stored value is to need this."""
    inside: dict[Value, Needs] = {}
    for instr in plan.function.body:
        for value in instr.results:
            inside[value] = _union(_through(instr, v, reads) for v in instr.operands)
            reads[value] = stored.get(value, inside[value])
    return [_root_needs(root, reads, inside) for root in plan.roots]


def _beneath(plan: Plan, root: Root) -> Needs:
    """What writes over a window needs all of what lies beneath, if that is written as well."""
    if root.instr is None or not isinstance(root.instr.primitive.emission, Updated) or not root.start:
        return Needs()
    first = plan.roots_by_value[root.value][0]
    return Needs() if plan.roots[first].start else Needs(0, 1 << first)


def _root_needs(root: Root, reads: dict[Value, Needs], inside: dict[Value, Needs]) -> Needs:
    if root.kind is Kind.DEFINE:
        return inside[root.value]
    return _union(
        reads[o.value] if not root.is_call and _in_order(o, root.space) else reads[o.value].scatter()
        for o in root.operands
    )


def _through(instr: Instr, operand: Value, reads: dict[Value, Needs]) -> Needs:
    """What reading the result of `instr` element by element needs, by way of `operand`."""
    emission = instr.primitive.emission
    if isinstance(emission, Scalar | Reinterpret):
        return reads[operand]
    if isinstance(emission, IndexMap) and repeats_rows(instr):
        return reads[operand]
    return reads[operand].scatter()


def _in_order(operand: Operand, space: tuple[int, ...]) -> bool:
    """The operand's dimensions are the leading ones of the space, in order."""
    long = [d for d, n in enumerate(space) if n != 1]
    taken = [d for d in operand.loops if space[d] != 1]
    return taken == long[: len(taken)]


def _bit_set(plan: Plan, value: Value) -> int:
    return sum(1 << k for k in plan.roots_by_value[value])


def _union(parts: Iterator[Needs]) -> Needs:
    total = Needs()
    for part in parts:
        total = total | part
    return total


def _bits(number: int) -> Iterator[int]:
    while number:
        low = number & -number
        yield low.bit_length() - 1
        number ^= low
