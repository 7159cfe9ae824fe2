"""Spaces that are nearly one: loops over the larger share what is loaded with roots of the smaller.

A difference of neighbours runs over one element less than what it is taken of, and its adjoint over all of
them. In a nest over both the smaller space is a *window* of the larger: it begins at some value of each loop.
Start with `joint`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tapejit.codegen.affine import Affine
from tapejit.codegen.condition import Check, inside
from tapejit.codegen.parallel import evaluated
from tapejit.codegen.plan import Plan
from tapejit.codegen.root import Kind, Root
from tapejit.ir.emission import Padded
from tapejit.ir.function import Instr, Value

SHARE = 8  # of a loop, at least so many times what lies outside a window
FEW = 2  # steps outside a window where sizes are to be found at run time: nothing then depends on them

Extents = tuple[int, ...]


@dataclass(frozen=True)
class Joint:
    """Loops over two spaces: their extents, and where each space begins in them."""

    extents: Extents
    old: Extents
    new: Extents


def window_checks(root: Root, space: Sequence[Affine]) -> tuple[Check, ...]:
    """The checks under which the loops are inside a root's space."""
    return tuple(t for n, e in zip(root.space, space, strict=True) for t in inside(e, n))


def joint(extents: Extents, roots: Sequence[Root], root: Root, plan: Plan) -> Joint | None:
    """Loops over the space `extents` of `roots` and over that of `root`, if that saves loads."""
    other = long_extents(root)
    if extents == other or not _close(extents, other, plan.general):
        return None
    instrs, leaves = evaluated(roots, plan)
    more, others = evaluated([root], plan)
    if not any(v.type.size > 1 for v in {*leaves}.intersection(others)):
        return None
    zeros = (0,) * len(extents)
    if _holds(extents, other) and _moves(root, extents):
        return Joint(extents, zeros, _begin(other, extents, instrs))
    if _holds(other, extents) and all(_moves(old, other) for old in roots):
        return Joint(other, _begin(extents, other, more), zeros)
    return None


def long_extents(root: Root) -> Extents:
    """The extents of the loops a root needs."""
    return tuple(n for n in root.space if n != 1)


def _close(a: Extents, b: Extents, general: bool) -> bool:
    """They have the same loops, some a little longer in one of them."""
    if len(a) != len(b):
        return False
    pairs = list(zip(a, b, strict=True))
    return all(abs(n - m) <= FEW if general else abs(n - m) * SHARE <= max(n, m) for n, m in pairs)


def _holds(outer: Extents, inner: Extents) -> bool:
    return all(n >= m for n, m in zip(outer, inner, strict=True))


def _moves(root: Root, outer: Extents) -> bool:
    """It can run in a window of these loops: what it folds or stores is about elements inside it only."""
    if root.kind in (Kind.DEFINE, Kind.COPY):
        return True
    long = [d for d, n in enumerate(root.space) if n != 1]
    cut = {d for d, m in zip(long, outer, strict=True) if root.space[d] != m}
    return root.kind is Kind.FOLD and not cut.intersection(root.kept)


def _begin(inner: Extents, outer: Extents, instrs: Sequence[Instr]) -> Extents:
    """Where values of the inner extents lie most often when they are padded to the outer ones."""
    lows = Counter(
        tuple(low for low, n in zip(i.attrs["low"], i.results[0].type.shape, strict=True) if n != 1)
        for i in instrs
        if isinstance(i.primitive.emission, Padded)
        and _long(i.operands[0]) == inner
        and _long(i.results[0]) == outer
        and not any(i.attrs["interior"])
    )
    return min(lows, key=lambda low: (-lows[low], low), default=(0,) * len(outer))


def _long(value: Value) -> Extents:
    return tuple(n for n in value.type.shape if n != 1)
