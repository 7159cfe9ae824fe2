"""Which values get memory, and the roots that fill it.

A value is *stored* when loops complete it as a whole: folds, products, concatenations, results, and
whatever is too expensive to evaluate again where it is needed. All others are *virtual*: evaluated
at an index inside the loops that need them. Start with `make_plan`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

from tapejit.codegen.accumulation import partial_sums
from tapejit.codegen.cost import costly_values
from tapejit.codegen.half import halved_sums
from tapejit.codegen.matrix import groups, matrices
from tapejit.codegen.mirror import sums_of_rows
from tapejit.codegen.overwrite import (
    NO_WAYS,
    Way,
    Ways,
    first_ways,
    here,
    last_roots,
    unneeded,
    windows,
    with_kept,
)
from tapejit.codegen.product import prepare_products
from tapejit.codegen.reciprocal import shared_reciprocals
from tapejit.codegen.root import Kind, Root, is_loop_product, read_whole, roots_of, store
from tapejit.codegen.scale import unscaled_sums
from tapejit.codegen.unroll import unrolled
from tapejit.ir.emission import (
    Fold,
    FoldIndex,
    OnDemand,
    Ordered,
    Product,
    Routine,
    Scalar,
    Scanned,
    Scattered,
    Updated,
)
from tapejit.ir.function import Function, Instr, Value
from tapejit.ir.signature import Signature

IN_ARRAYS = (Scattered, Scanned, Ordered)  # complete in memory only, even a single element


@dataclass(frozen=True)
class Plan:
    """The roots in an order in which they can run, and what they define."""

    function: Function
    signature: Signature
    definitions: dict[Value, Instr]
    stored: frozenset[Value]  # parameters not among them
    roots: tuple[Root, ...]
    general: bool = False  # nothing was decided by a size other than 0 and 1
    ways: Ways = field(default_factory=dict)  # of results into parameters

    def way(self, root: Root) -> Way:
        """How the result of a root gets into its parameter; the first of ways if it has none."""
        return Way.HERE if root.slot is None else self.ways.get(root.slot, Way.HERE)

    @cached_property
    def roots_by_value(self) -> dict[Value, list[int]]:
        """The positions of the roots that complete each stored value."""
        found: dict[Value, list[int]] = {v: [] for v in self.stored}
        for k, root in enumerate(self.roots):
            if root.instr is not None:
                for value in root.values:
                    found[value].append(k)
        return found


def make_plan(
    function: Function, signature: Signature, general: bool = False, ways: Ways | None = None
) -> Plan:
    """Decide what is stored, and collect the roots in program order; `ways` if the best ones are not safe."""
    lean = sums_of_rows(unscaled_sums(shared_reciprocals(function), general))
    prepared = prepare_products(unrolled(lean, general), general)
    ways = first_ways(prepared, signature) if ways is None else ways
    return planned(*with_kept(prepared, signature, ways), signature, general, ways)


def planned(
    function: Function, more: frozenset[Value], signature: Signature, general: bool, ways: Ways = NO_WAYS
) -> Plan:
    """The plan of a function whose products are prepared; `more` is stored as well."""
    defined = function.definitions()
    inside, left_out = here(function, signature, ways), unneeded(function, signature, ways)
    homes = {v: slot for v, slot in _homes(function, signature).items() if defined.get(v) not in inside}
    kept = (
        costly_values(function)
        | partial_sums(function)
        | more
        | _read_whole(function, defined, general)
        | _stored_results(homes, defined)
    )
    mirrors = halved_sums(function, kept)
    roots: list[Root] = []
    for instr in function.body:
        mirror = mirrors.get(instr.results[0], 0)
        if instr in inside:
            roots += windows(instr, inside[instr], instr)
        elif instr not in left_out:
            roots += (replace(root, mirror=mirror) for root in _roots(instr, kept, homes, general))
    stored = {v for root in roots for v in root.values}
    for slot, value in enumerate(function.results):
        own = slot not in signature.overwritten
        if own and (value not in stored or _home_of(value, homes, defined) != slot):
            roots.append(store(Kind.COPY, value, slot, None))
    roots += last_roots(function, signature, ways)
    return Plan(function, signature, defined, frozenset(stored), tuple(roots), general, ways)


def _roots(instr: Instr, kept: set[Value], homes: dict[Value, int], general: bool) -> list[Root]:
    value = instr.results[0]
    if not isinstance(instr.primitive.emission, OnDemand):
        return roots_of(instr, homes.get(value), general)
    return [store(Kind.DEFINE, value, homes.get(value), instr)] if value in kept else []


def _stored_results(homes: dict[Value, int], defined: dict[Value, Instr]) -> set[Value]:
    """The results that are computed into their own memory. What is only moved is copied at the end."""
    return {v for v in homes if v in defined and isinstance(defined[v].primitive.emission, Scalar)}


def _read_whole(function: Function, defined: dict[Value, Instr], general: bool) -> set[Value]:
    """What BLAS and regions read: they need it in memory, or a view of memory."""
    kept: set[Value] = set()
    for instr in function.body:
        if isinstance(instr.primitive.emission, Routine | Ordered):
            kept |= {v for v in read_whole(instr) if v in defined}
        elif isinstance(instr.primitive.emission, Product) and not is_loop_product(instr, general):
            for value, group in zip(instr.operands, groups(instr), strict=True):
                kept.add(matrices(value, group, defined)[-1].base)
    return {v for v in kept if v in defined and isinstance(defined[v].primitive.emission, OnDemand)}


def _home_of(value: Value, homes: dict[Value, int], defined: dict[Value, Instr]) -> int | None:
    """The slot its roots write; a routine writes temporaries."""
    own = value in defined and isinstance(defined[value].primitive.emission, Routine)
    return None if own else homes.get(value)


def _homes(function: Function, signature: Signature) -> dict[Value, int]:
    """The result slot in which a value may live: one that nothing else is added to.

    A slot that accumulates serves as well if nobody reads the value: the root then adds to it.
    """
    read = {v for instr in function.body for v in instr.operands} | _not_added(function)
    homes: dict[Value, int] = {}
    for slot, value in enumerate(function.results):
        if slot in signature.overwritten:
            continue
        alone = value not in read and function.results.count(value) == 1
        if value not in homes and (alone or not signature.accumulate[slot]):
            homes[value] = slot
    elsewhere = _in_arrays(function).union(function.params)
    return {v: slot for v, slot in homes.items() if v not in elsewhere}


def _in_arrays(function: Function) -> set[Value]:
    """Single elements that are completed in an array, whatever holds the result."""
    made = (i.results[0] for i in function.body if isinstance(i.primitive.emission, IN_ARRAYS))
    return {v for v in made if v.type.size == 1}


def _not_added(function: Function) -> set[Value]:
    """What does not add up, as `max` or an order: it cannot start from what a result in memory holds."""
    return {i.results[0] for i in function.body if _replaces(i)}


def _replaces(instr: Instr) -> bool:
    emission = instr.primitive.emission
    folds = isinstance(emission, Fold | FoldIndex | Scattered)
    return isinstance(emission, Ordered | Updated) or (folds and not roots_of(instr, None)[0].adds)
