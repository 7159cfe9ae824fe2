"""Group the roots of a plan into loop nests, so that each pass over memory does as much as it can.

Roots run in program order. A root joins the last nests if what it needs is complete there in time:
element by element in the same loops, or row by row in a nest whose outer loops run over rows.
Start with `schedule`; what is complete when is the matter of `Nest.admits`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod

from tapejit.codegen.dependence import Needs, needs_of_roots
from tapejit.codegen.plan import Plan, make_plan
from tapejit.codegen.root import Kind, Root
from tapejit.ir.function import Function
from tapejit.ir.signature import Signature

REACH = 16       # how many nests back a root may look for company
MOST_ROOTS = 48  # in one nest: beyond, address registers and prefetchers run out


@dataclass(eq=False)
class Phase:
    """Roots that share all loops of a nest."""

    inner: tuple[int, ...]  # extents of the loops inside the rows, without those of one
    roots: list[Root] = field(default_factory=list)


@dataclass(eq=False)
class Nest:
    """Loops over `rows`, and inside them the phases one after another."""

    rows: tuple[int, ...]
    phases: list[Phase]

    @property
    def roots(self) -> list[Root]:
        return [root for phase in self.phases for root in phase.roots]


@dataclass(frozen=True)
class Schedule:
    """The nests of a program in order, and the reason why each did not join the one before."""

    plan: Plan
    nests: tuple[Nest, ...]
    cuts: tuple[str, ...]


def schedule(function: Function, signature: Signature) -> Schedule:
    """Loop nests for a straight-line function."""
    plan = make_plan(function, signature)
    nests: list[Nest] = []
    cuts: list[str] = []
    number: dict[int, int] = {}
    for k, (root, needs) in enumerate(zip(plan.roots, needs_of_roots(plan), strict=True)):
        first = max((number[d] for d in needs.all()), default=0)
        reason = "the first nest"
        for n in range(max(first, len(nests) - REACH), len(nests)):
            reason = _join(root, needs, plan.roots, nests[n])
            if not reason:
                number[k] = n
                break
        else:
            number[k] = len(nests)
            nests.append(Nest((), [Phase(long_extents(root), [root])]))
            cuts.append(reason)
    return Schedule(plan, tuple(nests), tuple(cuts))


def long_extents(root: Root) -> tuple[int, ...]:
    """The extents of the loops a root needs."""
    return tuple(n for n in root.space if n != 1)


def _join(root: Root, needs: Needs, roots: tuple[Root, ...], nest: Nest) -> str:
    """Add `root` to `nest` and return "", or say why not."""
    inside = set(nest.roots)
    aligned = [roots[d] for d in needs.aligned_ids() if roots[d] in inside]
    if root.kind in (Kind.LIBRARY, Kind.BRANCH) or nest.roots[0].kind in (Kind.LIBRARY, Kind.BRANCH):
        return "a call stands alone"
    if any(roots[d] in inside for d in needs.scattered_ids()):
        return "reads in another order what the nest before completes"
    if len(inside) >= MOST_ROOTS:
        return "the nest is full"
    late = [d for d in aligned if not d.trailing]
    if late:
        return "needs a reduction that is complete only after the nest"
    if aligned and any(d.kind is Kind.FOLD or d.size != root.size for d in aligned):
        return "needs a reduction of the nest before"
    if nest.rows or nest.phases[0].inner != long_extents(root):
        return "runs over another space"
    nest.phases[0].roots.append(root)
    return ""
