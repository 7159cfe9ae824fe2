"""Which nests are split over threads, and into how many blocks: by their work, not the number of threads.

A block is a stretch of a nest's outermost loop. What a block completes it writes; what it only adds to (a
sum over the whole nest, over columns) it leaves apart, and the program combines these parts in the order of
the blocks. So neither boundaries nor order depend on the threads, nor does any bit. Start with `division`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod

from tapejit.codegen.plan import Plan
from tapejit.codegen.root import Kind, Root
from tapejit.ir.emission import Scalar
from tapejit.ir.function import Instr, Value
from tapejit.ir.work import GUARD, source_cost

NANOSECONDS = 0.06  # per unit of cost, in a vectorised loop on one core
BYTES_PER_NANOSECOND = 20
LEAST_WORK = 100_000  # nanoseconds; waking a thread takes 6,000, and the other core may be busy
BLOCK_WORK = 20_000  # nanoseconds
MOST_BLOCKS = 128
PARTS_SHARE = 8  # the parts that blocks leave apart have at most so small a share of the nest's elements
SPARED = 4  # how much smaller that share is where half of a table is left out, for the sake of time
ALIGNED = 64  # elements: blocks of a long loop begin at such multiples


@dataclass(frozen=True)
class Division:
    """Up to `blocks` blocks; 1: the nest is serial. `reason` is for people."""

    blocks: int
    reason: str
    unit: int = 1  # what blocks are multiples of

    def length(self, extent: int) -> int:
        """Of one block of the outermost loop."""
        even = -(-extent // self.blocks)
        if self.unit > 1:
            return -(-even // self.unit) * self.unit
        return -(-even // ALIGNED) * ALIGNED if extent >= ALIGNED * self.blocks else even


SERIAL = Division(1, "serial: a call")
Phases = Sequence[tuple[tuple[int, ...], Sequence[Root]]]  # the extents of all loops, outermost first; roots


def division(phases: Phases, plan: Plan) -> Division:
    """How to divide a nest of these phases."""
    work = sum(_work(prod(extents), roots, plan) for extents, roots in phases)
    about = f"about {work / 1000:,.0f} µs of work"
    if work < LEAST_WORK or not phases[0][0]:
        return Division(1, f"serial: {about}")
    roots = [root for _, some in phases for root in some]
    if any(is_chain(root) for root in roots):
        return Division(1, "serial: each element needs the one before")
    blocks = int(min(work // BLOCK_WORK, MOST_BLOCKS, most_blocks(phases)))
    if blocks < 2:
        return Division(1, "serial: adds up arrays that are too large for a copy per block")
    return Division(blocks, f"parallel, up to {blocks} blocks: {about}")


def most_blocks(phases: Phases) -> int:
    """How many blocks may leave parts."""
    roots = [root for _, some in phases for root in some]
    apart = sum(root.value.type.size for root in roots if leaves_parts(root))
    share = PARTS_SHARE * (SPARED if any(root.mirror for root in roots) else 1)
    return max(prod(extents) for extents, _ in phases) // (share * max(apart, 1))


def leaves_parts(root: Root) -> bool:
    """Whether blocks share elements of what the root writes: its target lacks the outermost loop."""
    first = next((d for d, n in enumerate(root.space) if n != 1), None)
    return root.kind in (Kind.FOLD, Kind.SCATTER) and (first not in root.kept or bool(root.mirror))


def is_chain(root: Root) -> bool:
    """A scan along the only loop."""
    return root.kind is Kind.SCAN and sum(n != 1 for n in root.space) < 2


def _work(size: int, roots: Sequence[Root], plan: Plan) -> float:
    """Nanoseconds of one phase, `size` elements."""
    instrs, leaves = evaluated(roots, plan)
    units = sum(_cost(i) * min(i.results[0].type.size, size) for i in instrs) + size * len(roots)
    moved = [*leaves, *(root.value for root in roots)]
    return units * NANOSECONDS + sum(v.type.nbytes for v in moved) / BYTES_PER_NANOSECOND


def _cost(instr: Instr) -> int:
    emission = instr.primitive.emission
    return source_cost(emission.source) if isinstance(emission, Scalar) else GUARD


def evaluated(
    roots: Sequence[Root], plan: Plan, values: Sequence[Value] = ()
) -> tuple[list[Instr], list[Value]]:
    """The instructions that are evaluated in the loops of these roots and for `values`; what they load."""
    instrs: dict[Instr, None] = {}
    leaves: dict[Value, None] = {}
    pending = [*values, *(v for root in roots for v in _read(root, plan))]
    while pending:
        value = pending.pop()
        if value in plan.stored or value not in plan.definitions:
            leaves[value] = None
        elif plan.definitions[value] not in instrs:
            instrs[plan.definitions[value]] = None
            pending.extend(plan.definitions[value].operands)
    defined = (root.instr for root in roots if root.kind is Kind.DEFINE and root.instr is not None)
    return list(dict.fromkeys([*instrs, *defined])), list(leaves)


def of_each_row(roots: Sequence[Root], plan: Plan, rows: int) -> Iterator[tuple[Value, int]]:
    """Of the arrays that the roots read or write, those with a part for each row; the elements of a part."""
    _, leaves = evaluated(roots, plan)
    for value in dict.fromkeys([*leaves, *(root.value for root in roots)]):
        if value.type.shape and rows and value.type.size % rows == 0:
            yield value, value.type.size // rows


def _read(root: Root, plan: Plan) -> Iterator[Value]:
    if root.kind is Kind.DEFINE:
        yield from plan.definitions[root.value].operands
    else:
        yield from (o.value for o in root.operands)
