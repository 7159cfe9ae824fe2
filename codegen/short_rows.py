"""Nests whose rows are short run them side by side, one row per lane: loops of ten elements vectorise badly.

A row of ten leaves two elements over from a register of eight, a sum ends in adding up a register, and what
is done once per row is not vectorised at all. With the rows in lanes all of that is whole registers, at the
price of turning what the nest reads and writes (`lane_buffer`). Start with `lanes`.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from tapejit.codegen.parallel import Division, of_each_row
from tapejit.codegen.plan import Plan
from tapejit.codegen.root import IN_LOOPS, Kind, Root

LEAST_ROWS = 32
LONGEST = 32  # elements of an innermost loop that is short
LONGEST_OF_ANY = 40  # the same in a general program, whatever the number of rows: one shall serve most sizes
LANES_OF_ANY = 128  # likewise
BUFFER = 32768  # elements that stay in the second-level cache
MOST_LANES, LEAST_LANES = 512, 32
REGISTER = 16  # elements, of the narrowest type
BESIDES = 12  # elements per lane for variables
TURNING = 2  # what turning an element costs, in those that are added to a column

Phases = Sequence[tuple[tuple[int, ...], Sequence[Root]]]  # the extents of all loops, and the roots


def lanes(phases: Phases, plan: Plan, division: Division) -> int:
    """How many rows, which are steps of the outermost loop, should run side by side; 0 if one by one."""
    first = phases[0][0]
    rows = first[0] if first else 0
    few = not plan.general and rows < LEAST_ROWS
    if not rows or few or not _are_short(phases, LONGEST_OF_ANY if plan.general else LONGEST):
        return 0
    roots = [root for _, some in phases for root in some]
    width = sum(elements for _, elements in of_each_row(roots, plan, rows))
    if not (len(phases) > 1 or any(_pays(root, width) for root in roots)):
        return 0
    count = min(BUFFER // (width + BESIDES), MOST_LANES)
    if count < LEAST_LANES:
        return 0
    most = LANES_OF_ANY if plan.general else -(-division.length(rows) // REGISTER) * REGISTER
    return min(1 << count.bit_length() - 1, most)


def _are_short(phases: Phases, longest: int) -> bool:
    """Its innermost loops are short, and all it does is to store and to fold."""
    inner = [extents[1:] for extents, _ in phases]
    kinds = {root.kind for _, roots in phases for root in roots}
    short = all(loops[-1] <= longest for loops in inner if loops)
    return any(inner) and short and kinds <= IN_LOOPS


def _pays(root: Root, width: int) -> bool:
    """It adds up along rows, or along columns so often that turning `width` elements per row is little."""
    kept = prod(root.space[d] for d in root.kept)
    if root.kind is not Kind.FOLD or not 1 < kept < root.size:
        return False
    rows = next(n for n in root.space if n != 1)
    return root.trailing or root.size // rows > TURNING * width
