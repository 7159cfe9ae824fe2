"""Large products that run block by block in the nest that reads them, while their rows are still in cache.

A block multiplies its rows of the left matrix by the packed right one, then runs the nest's loops over
them. If nobody else reads the product, no more of it exists than the blocks that run. The order of loops
that this needs is there already where the nest reads the product row by row. Start with `with_products`.
"""

from __future__ import annotations

from collections.abc import Sequence

from tapejit.codegen.dependence import Needs, needs_of_roots
from tapejit.codegen.matrix import PRODUCT_DTYPES, extents
from tapejit.codegen.nesting import Nest
from tapejit.codegen.parallel import Division, is_chain, most_blocks
from tapejit.codegen.plan import Plan
from tapejit.codegen.product_size import whole_size
from tapejit.codegen.root import Kind, Root

LEAST_BYTES = 2**20  # of a product: what is smaller stays in cache between two nests
MOST_PACKED = 2**20  # elements of a right matrix, packed as a whole
MOST_BLOCK = 2**20  # bytes of the product that a block has
ROWS = 48  # of the product: what a block has is a multiple, for whole tiles
LEAST_BLOCKS = 4


def with_products(nests: Sequence[Nest], plan: Plan) -> list[Nest]:
    """The nests, less the products that others of them have taken."""
    if not any(_suits(nest) for nest in nests):
        return list(nests)
    needs = dict(zip(plan.roots, needs_of_roots(plan), strict=True))
    found = list(nests)
    for nest in nests:
        product = _taken(nest, found, plan, needs)
        if product is not None:
            found.remove(product)
            _take(nest, product)
    return found


def _suits(nest: Nest) -> bool:
    """It is a product that is large, with a right matrix that is not."""
    root = nest.roots[0]
    if root.kind is not Kind.LIBRARY or root.instr is None or root.value.type.dtype not in PRODUCT_DTYPES:
        return False
    count, _, columns, inner = extents(root.instr)
    return count == 1 and root.value.type.nbytes >= LEAST_BYTES and whole_size(columns, inner) <= MOST_PACKED


def _taken(nest: Nest, nests: Sequence[Nest], plan: Plan, needs: dict[Root, Needs]) -> Nest | None:
    """The last of the products that a nest can take."""
    if nest.is_call or nest.lanes or nest.is_half or nest.has_windows or any(map(is_chain, nest.roots)):
        return None
    before = list(nests[: nests.index(nest)])
    for k in reversed(range(len(before))):
        if _suits(before[k]) and _reads_rows(nest, before[k].roots[0], plan, needs):
            bit = 1 << plan.roots.index(before[k].roots[0])
            between = (needs[root] for other in before[k + 1 :] for root in other.roots)
            if not any((n.aligned | n.scattered) & bit for n in between):
                return before[k]
    return None


def _reads_rows(nest: Nest, product: Root, plan: Plan, needs: dict[Root, Needs]) -> bool:
    """A pass of the nest's outermost loop reads whole rows of the product, and no others' ."""
    bit, found = 1 << plan.roots.index(product), [needs[root] for root in nest.roots]
    if any(n.scattered & bit for n in found) or not any(n.aligned & bit for n in found):
        return False
    outermost = _outermost(nest)
    if not outermost or _rows(product) % outermost:
        return False
    blocks, _ = _blocks(nest, product)
    return blocks >= LEAST_BLOCKS and product.value.type.nbytes <= MOST_BLOCK * blocks


def _take(nest: Nest, taken: Nest) -> None:
    (product,) = taken.roots
    blocks, unit = _blocks(nest, product)
    block = -(-_outermost(nest) // blocks)
    rows = f"{product.value.type.nbytes // _outermost(nest) * block:,} of {product.value.type.nbytes:,} bytes"
    nest.product, nest.reason = product, taken.reason
    nest.division = Division(blocks, f"parallel, up to {blocks} blocks: each makes its rows, {rows}", unit)


def _blocks(nest: Nest, product: Root) -> tuple[int, int]:
    """How many blocks there are, and how many passes of the outermost loop make up whole tiles."""
    outermost = _outermost(nest)
    unit = -(-ROWS * outermost // _rows(product))
    return min(-(-outermost // unit), most_blocks(nest.loops)), unit


def _outermost(nest: Nest) -> int:
    return next(iter((*nest.rows, *nest.phases[0].inner)), 0)


def _rows(product: Root) -> int:
    assert product.instr is not None
    return extents(product.instr)[1]
