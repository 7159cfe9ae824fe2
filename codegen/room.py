"""Where a root fits into a loop nest, or why it does not, and putting it there.

What it needs from the nest must be complete in time: element by element in the same loops, or row by row if
it comes in a later phase. Start with `room`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from operator import add

from tapejit.codegen.dependence import Needs
from tapejit.codegen.nesting import Nest, Phase
from tapejit.codegen.plan import Plan
from tapejit.codegen.root import Kind, Root
from tapejit.codegen.window import Joint, joint, long_extents

Extents = tuple[int, ...]
MOST_ROOTS = 48  # in one nest: beyond, address registers and prefetchers run out


@dataclass(frozen=True)
class Room:
    """Where in a nest a root fits: over which rows, in which phase at the earliest, or with what loops."""

    rows: Extents = ()
    phase: int = 0
    joint: Joint | None = None


def room(root: Root, needs: Needs, plan: Plan, nest: Nest) -> Room | str:
    """Where `root` fits into `nest`, or why it does not."""
    roots = plan.roots
    if nest.is_call or root.is_call:
        return "a call stands alone"
    if any(roots[d] in nest.phase_of for d in needs.scattered_ids()):
        return "reads in another order what the nest before writes"
    if bool(root.mirror) != nest.is_half:
        return "one of the two runs over half of a table"
    if len(nest.phase_of) >= MOST_ROOTS:
        return "the nest is full"
    inside = [roots[d] for d in needs.aligned_ids() if roots[d] in nest.phase_of]
    if not all(d.trailing for d in inside):
        return "needs a reduction that is complete only after the nest"
    loops = None if inside or len(nest.phases) > 1 else joint(nest.phases[0].inner, nest.roots, root, plan)
    if loops is not None:
        return Room(joint=loops)
    rows = _rows(root, inside, nest)
    if isinstance(rows, str):
        return rows
    return Room(rows, max((nest.phase_of[d] + (not _same_loops(d, root)) for d in inside), default=0))


def _rows(root: Root, inside: Sequence[Root], nest: Nest) -> Extents | str:
    """The rows over which `root` and the nest can share their outer loops."""
    sizes = {d.value.type.size for d in inside if not _same_loops(d, root)}
    extents = long_extents(root)
    if not sizes:
        same = extents[: len(nest.rows)] == nest.rows if nest.rows else nest.phases[0].inner == extents
        return nest.rows if same else "runs over another space"
    if min(sizes) <= 1:
        return "needs a value that is complete only after the nest"
    needed = [_prefix(extents, size) for size in sorted(sizes)]
    fewest = None if None in needed else _fewest(nest.rows, needed[0])
    if fewest is None:
        return "needs rows that the nest before does not run over"
    if not nest.rows and nest.phases[0].inner[: len(fewest)] != fewest:
        return "runs over other rows"
    return fewest


def _fewest(rows: Extents, others: Extents | None) -> Extents | None:
    """Those of the rows that begin with the others: what is complete in fewer loops is so in more phases."""
    short, long = sorted((rows or others or (), others or ()), key=len)
    return short if long[: len(short)] == short else None


def put(root: Root, nest: Nest, room: Room) -> None:
    """Put `root` into the first phase it fits, or into a new one at the end."""
    if room.joint is not None:
        _join(root, nest, room.joint)
        return
    if room.rows != nest.rows:
        nest.run_over(room.rows)
    inner = long_extents(root)[len(nest.rows) :]
    for k in range(room.phase, len(nest.phases)):
        if nest.phases[k].inner == inner:
            break
    else:
        k = len(nest.phases)
        nest.phases.append(Phase(inner))
    nest.phases[k].roots.append(root)
    nest.phase_of[root] = k


def _join(root: Root, nest: Nest, loops: Joint) -> None:
    """Put `root` into the only phase, whose loops become those over both spaces."""
    (phase,) = nest.phases
    phase.inner = loops.extents
    begins = {old: phase.begins.get(old, (0,) * len(loops.old)) for old in phase.roots}
    found = {old: tuple(map(add, begin, loops.old)) for old, begin in begins.items()} | {root: loops.new}
    phase.begins = {each: begin for each, begin in found.items() if long_extents(each) != loops.extents}
    phase.roots.append(root)
    nest.phase_of[root] = 0


def _same_loops(earlier: Root, root: Root) -> bool:
    """`earlier` stores, in the loops of `root`, the element that `root` reads there."""
    return earlier.kind is not Kind.FOLD and earlier.size == root.size


def _prefix(extents: Extents, size: int) -> Extents | None:
    """The leading extents whose product is `size`."""
    return next((extents[:k] for k in range(1, len(extents) + 1) if prod(extents[:k]) == size), None)
