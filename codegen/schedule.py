"""Group the roots of a plan into loop nests, so that each pass over memory does as much as it can.

Roots run in program order. A root joins an earlier nest if what it needs from there is complete in
time: element by element in the same loops, or row by row in a nest whose outer loops run over rows
and whose phases follow one another within each row (softmax, layer norm). Start with `schedule`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod
from operator import add

from tapejit.codegen.dependence import Needs, needs_of_roots
from tapejit.codegen.parallel import SERIAL, Division, division
from tapejit.codegen.plan import Plan, make_plan, planned
from tapejit.codegen.root import Kind, Root
from tapejit.codegen.short_rows import lanes
from tapejit.codegen.stage import crossing, pays
from tapejit.codegen.window import Joint, joint, long_extents
from tapejit.ir.function import Function
from tapejit.ir.signature import Signature

REACH = 16  # how many nests back a root may look for company
MOST_ROOTS = 48  # in one nest: beyond, address registers and prefetchers run out


@dataclass(eq=False)
class Phase:
    """Roots that share all loops of a nest."""

    inner: tuple[int, ...]  # extents of the loops inside the rows, without those of one
    roots: list[Root] = field(default_factory=list)
    begins: dict[Root, tuple[int, ...]] = field(default_factory=dict)  # of those with a window of the loops


@dataclass(eq=False)
class Nest:
    """Loops over `rows`, and inside them the phases one after another."""

    phases: list[Phase]
    rows: tuple[int, ...] = ()
    reason: str = ""  # why its first root did not join the nest before
    division: Division = SERIAL  # over threads
    lanes: int = 0  # if so many rows run side by side, each loop of a phase for all of them
    stages: tuple[Nest, ...] = ()  # if each block runs its phases one after another, each over its rows

    def __post_init__(self) -> None:
        self.phase_of = {root: k for k, phase in enumerate(self.phases) for root in phase.roots}

    @property
    def roots(self) -> list[Root]:
        return [root for phase in self.phases for root in phase.roots]

    @property
    def is_call(self) -> bool:
        """A single library call or branch rather than loops."""
        return self.phases[0].roots[0].is_call


@dataclass(frozen=True)
class Schedule:
    """The nests of a program, in order."""

    plan: Plan
    nests: tuple[Nest, ...]


def schedule(function: Function, signature: Signature, general: bool = False) -> Schedule:
    """Loop nests for a straight-line function; `general` as in `compile_source`."""
    plan = make_plan(function, signature, general)
    found = _scheduled(plan)
    staged = [nest for nest in found.nests if _pays_in_stages(nest, plan)]
    stored = {v for nest in staged for v in crossing(nest.rows, _inner(nest), plan)}
    if stored:
        found = _scheduled(planned(plan.function, signature, general, frozenset(stored)))
    for nest in found.nests:
        if _pays_in_stages(nest, found.plan):
            nest.stages = _stages(nest)
    return found


def _pays_in_stages(nest: Nest, plan: Plan) -> bool:
    return nest.division.blocks > 1 and not nest.lanes and pays(nest.rows, _inner(nest), plan)


def _inner(nest: Nest) -> list[tuple[tuple[int, ...], list[Root]]]:
    return [(phase.inner, phase.roots) for phase in nest.phases]


def _stages(nest: Nest) -> tuple[Nest, ...]:
    """A nest per phase, over the same rows."""
    return tuple(
        Nest([Phase((*nest.rows, *phase.inner), phase.roots)], division=nest.division)
        for phase in nest.phases
    )


def _scheduled(plan: Plan) -> Schedule:
    nests: list[Nest] = []
    number: list[int] = []
    for root, needs in zip(plan.roots, needs_of_roots(plan), strict=True):
        first = max((number[d] for d in needs.all()), default=0)
        number.append(_place(root, needs, plan, nests, first))
    for nest in nests:
        if not nest.is_call:
            _divide(nest, plan)
    return Schedule(plan, tuple(nests))


def _divide(nest: Nest, plan: Plan) -> None:
    """Settle in which blocks and strips a nest runs."""
    phases = [((*nest.rows, *phase.inner), phase.roots) for phase in nest.phases]
    nest.division = division(phases, plan)
    nest.lanes = 0 if any(phase.begins for phase in nest.phases) else lanes(phases, plan)
    if nest.lanes and not nest.rows:
        (phase,) = nest.phases
        nest.rows, phase.inner = phase.inner[:1], phase.inner[1:]


def _place(root: Root, needs: Needs, plan: Plan, nests: list[Nest], first: int) -> int:
    """Put `root` into one of the nests from `first` on, or into a new one; its number."""
    reason = "first nest"
    for n in range(max(first, len(nests) - REACH), len(nests)):
        found = _room(root, needs, plan, nests[n])
        if not isinstance(found, str):
            _add(root, nests[n], found)
            return n
        reason = found
    nests.append(Nest([Phase(long_extents(root), [root])], reason=reason))
    return len(nests) - 1


@dataclass(frozen=True)
class _Room:
    """Where in a nest a root fits: over which rows, in which phase at the earliest, or with what loops."""

    rows: tuple[int, ...] = ()
    phase: int = 0
    joint: Joint | None = None


def _room(root: Root, needs: Needs, plan: Plan, nest: Nest) -> _Room | str:
    """Where `root` fits into `nest`, or why it does not."""
    roots = plan.roots
    if nest.is_call or root.is_call:
        return "a call stands alone"
    if any(roots[d] in nest.phase_of for d in needs.scattered_ids()):
        return "reads in another order what the nest before writes"
    if len(nest.phase_of) >= MOST_ROOTS:
        return "the nest is full"
    inside = [roots[d] for d in needs.aligned_ids() if roots[d] in nest.phase_of]
    if not all(d.trailing for d in inside):
        return "needs a reduction that is complete only after the nest"
    loops = None if inside or len(nest.phases) > 1 else joint(nest.phases[0].inner, nest.roots, root, plan)
    if loops is not None:
        return _Room(joint=loops)
    rows = _rows(root, inside, nest)
    if isinstance(rows, str):
        return rows
    return _Room(rows, max((nest.phase_of[d] + (not _same_loops(d, root)) for d in inside), default=0))


def _rows(root: Root, inside: Sequence[Root], nest: Nest) -> tuple[int, ...] | str:
    """The rows over which `root` and the nest can share their outer loops."""
    sizes = {d.value.type.size for d in inside if not _same_loops(d, root)}
    extents = long_extents(root)
    if not sizes:
        same = extents[: len(nest.rows)] == nest.rows if nest.rows else nest.phases[0].inner == extents
        return nest.rows if same else "runs over another space"
    if len(sizes) > 1 or min(sizes) <= 1:
        return "needs a value that is complete only after the nest"
    rows = _prefix(extents, sizes.pop())
    if rows is None or nest.rows not in ((), rows):
        return "needs rows that the nest before does not run over"
    if not nest.rows and nest.phases[0].inner[: len(rows)] != rows:
        return "runs over other rows"
    return rows


def _add(root: Root, nest: Nest, room: _Room) -> None:
    """Put `root` into the first phase it fits, or into a new one at the end."""
    if room.joint is not None:
        _join(root, nest, room.joint)
        return
    if room.rows and not nest.rows:
        nest.rows = room.rows
        nest.phases[0].inner = nest.phases[0].inner[len(room.rows) :]
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


def _prefix(extents: tuple[int, ...], size: int) -> tuple[int, ...] | None:
    """The leading extents whose product is `size`."""
    return next((extents[:k] for k in range(1, len(extents) + 1) if prod(extents[:k]) == size), None)
