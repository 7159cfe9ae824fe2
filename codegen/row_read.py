"""What nests read of one another row by row: element by element in their loops, or row by row in a product.

Rows are the passes of a nest's outermost loop, and as many equal parts of a matrix or of any other array.
Start with `needs_of_nests`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import or_

from tapejit.codegen.dependence import Needs, needs_of_roots
from tapejit.codegen.matrix import PRODUCT_DTYPES, Matrix, extents, groups, matrices
from tapejit.codegen.nesting import Nest
from tapejit.codegen.plan import Plan
from tapejit.codegen.root import Kind, Root


def is_product(nest: Nest) -> bool:
    """It is one product of two matrices, by a function of our own."""
    root = nest.roots[0]
    own = root.kind is Kind.LIBRARY and root.value.type.dtype in PRODUCT_DTYPES
    return own and root.instr is not None and extents(root.instr)[0] == 1


def rows_of(nest: Nest) -> int:
    """How many rows a nest runs over; 0 if it has no loops."""
    if is_product(nest):
        instr = nest.roots[0].instr
        assert instr is not None
        return extents(instr)[1]
    return next(iter((*nest.rows, *nest.phases[0].inner)), 0)


def completes_rows(root: Root, rows: int) -> bool:
    """A pass over one of so many rows completes what the root has for that row."""
    in_order = root.trailing or root.kind is Kind.LIBRARY
    return in_order and root.value.type.size > 0 and root.value.type.size % rows == 0


def needs_of_nests(nests: Sequence[Nest], plan: Plan) -> list[Needs]:
    """For every nest the roots of others that it reads: row by row, and in any other way."""
    needs = dict(zip(plan.roots, needs_of_roots(plan), strict=True))
    number = {root: k for k, root in enumerate(plan.roots)}
    found = []
    for nest in nests:
        total = _of_product(nest.roots[0], plan) if is_product(nest) else _union(needs, nest)
        others = ~sum(1 << number[root] for root in nest.roots)
        found.append(Needs(total.aligned & others, total.scattered & others))
    return found


def _union(needs: dict[Root, Needs], nest: Nest) -> Needs:
    return reduce(or_, (needs[root] for root in nest.roots))


def _of_product(root: Root, plan: Plan) -> Needs:
    """The left matrix is read row by row if its rows follow one another in memory."""
    assert root.instr is not None
    pairs = zip(root.instr.operands, groups(root.instr), strict=True)
    left, right = (matrices(v, group, plan.definitions)[-1] for v, group in pairs)
    makers = [sum(1 << k for k in plan.roots_by_value.get(m.base, ())) for m in (left, right)]
    return Needs(makers[0] * in_rows(left), makers[1] | makers[0] * (not in_rows(left)))


def in_rows(matrix: Matrix) -> bool:
    """Equal parts of its memory hold one row each."""
    whole = matrix.start == 0 and matrix.down * matrix.rows == matrix.base.type.size
    return whole and 0 <= matrix.across * (matrix.columns - 1) < max(matrix.down, 1)
