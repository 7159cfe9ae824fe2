"""Bands: products and nests around them that run together, some rows at a time, while these are in cache.

The rows of an operand are computed right before they are multiplied, and those of a product right before they
are read. If nobody else reads them, no more of them exists than the blocks that run have. Start with
`with_bands`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tapejit.codegen.band_cost import BandCost
from tapejit.codegen.dependence import Needs
from tapejit.codegen.matrix import extents
from tapejit.codegen.nesting import Band, Nest
from tapejit.codegen.parallel import Division, is_chain, most_blocks
from tapejit.codegen.plan import Plan
from tapejit.codegen.product_size import whole_size
from tapejit.codegen.row_read import completes_rows, is_product, needs_of_nests, rows_of

MOST_PACKED = 2**20  # elements of a right matrix, packed as a whole
ROWS = 24  # of a product: what a block has is a multiple, for whole tiles

Numbers = Sequence[int]  # of nests, ascending


def with_bands(nests: Sequence[Nest], plan: Plan) -> list[Nest]:
    """The nests, those of a band one after another, and all after those that they need."""
    if not any(is_product(nest) and _suits(nest) for nest in nests):
        return list(nests)
    bands = _Bands(nests, plan)
    bands.grow()
    return bands.settled()


class _Bands:
    """Which nests run together: at first each for itself."""

    def __init__(self, nests: Sequence[Nest], plan: Plan):
        self._nests, self._roots = nests, plan.roots
        self._needs = needs_of_nests(nests, plan)
        maker = {root: n for n, nest in enumerate(nests) for root in nest.roots}
        self._maker = [maker.get(root, -1) for root in plan.roots]  # of each root; -1 after these nests
        self._makers = [
            {self._maker[d] for d in needs.all()} for needs in self._needs
        ]  # whom each nest needs
        self._together: list[Numbers] = [(n,) for n in range(len(nests))]  # with each nest

    def grow(self) -> None:
        """Let each nest join those of which it reads rows, the last one first, until none does any more."""
        while sum(self._joins(n, maker) for n in range(len(self._nests)) for maker in self._row_makers(n)):
            pass

    def _row_makers(self, n: int) -> list[int]:
        return sorted({self._maker[d] for d in self._needs[n].aligned_ids()}, reverse=True)

    def settled(self) -> list[Nest]:
        """The nests in order; those of a band know it."""
        for numbers in dict.fromkeys(self._together):
            if len(numbers) > 1:
                self._settle(numbers)
        return [self._nests[n] for numbers in self._in_order() for n in numbers]

    def _joins(self, n: int, maker: int) -> bool:
        """If what runs together with one can run with the other, and gains by that, let it."""
        one, other = self._together[n], self._together[maker]
        both = tuple(sorted({*one, *other}))
        if one == other or not self._fits(both) or self._gain(both) <= self._gain(one) + self._gain(other):
            return False
        for k in both:
            self._together[k] = both
        return True

    def _fits(self, numbers: Numbers) -> bool:
        """Whether these nests can run together."""
        nests, inside = [self._nests[n] for n in numbers], set(numbers)
        rows = _rows(nests) if all(map(_suits, nests)) else 0
        in_rows = rows > 0 and all(self._reads_rows(self._needs[n], inside, rows) for n in numbers)
        return in_rows and self._is_convex(inside)

    def _gain(self, numbers: Numbers) -> float:
        return self._cost(numbers).gain if len(numbers) > 1 else 0.0

    def _reads_rows(self, needs: Needs, inside: set[int], rows: int) -> bool:
        """Of the nests inside nothing is read but rows that are complete."""
        if any(self._maker[d] in inside for d in needs.scattered_ids()):
            return False
        read = (self._roots[d] for d in needs.aligned_ids() if self._maker[d] in inside)
        return all(completes_rows(root, rows) for root in read)

    def _is_convex(self, inside: set[int]) -> bool:
        """Nothing that is needed inside, and lies outside, needs something from inside."""
        pending = [m for n in inside for m in self._makers[n] - inside]
        seen = set(pending)
        while pending:
            needed = {m for n in self._together[pending.pop()] for m in self._makers[n]}
            if needed & inside:
                return False
            pending += needed - seen
            seen |= needed
        return True

    def _passed_on(self, numbers: Numbers) -> int:
        """The bytes that one of the nests writes and another one reads."""
        read = {d for n in numbers for d in self._needs[n].aligned_ids() if self._maker[d] in numbers}
        return sum(self._roots[d].value.type.nbytes for d in read)

    def _cost(self, numbers: Numbers) -> BandCost:
        nests = [self._nests[n] for n in numbers]
        products = [nest for nest in nests if is_product(nest)]
        rows = _rows(nests)
        unit = -(-ROWS * rows // min(map(rows_of, products), default=rows))
        packed = sum(map(_packed_size, products))
        return BandCost(self._passed_on(numbers), packed, rows, unit, _most_blocks(nests))

    def _settle(self, numbers: Numbers) -> None:
        """Tell the nests that they run together."""
        cost, nests = self._cost(numbers), [self._nests[n] for n in numbers]
        about = f"{cost.passed_on // cost.rows:,} bytes a row are passed on in cache"
        reason = (
            f"parallel, up to {cost.blocks} blocks of rows: {about}, about {cost.gain / 1000:,.0f} µs saved"
        )
        band = Band(nests, cost.rows, Division(cost.blocks, reason, cost.unit))
        for nest in nests:
            nest.band = band

    def _in_order(self) -> Iterator[Numbers]:
        """What runs together, after all that it needs."""
        waiting = list(dict.fromkeys(self._together))
        done: set[int] = set()
        while waiting:
            ready = next(ns for ns in waiting if all(self._makers[n] <= done.union(ns) for n in ns))
            waiting.remove(ready)
            done.update(ready)
            yield ready


def _suits(nest: Nest) -> bool:
    """It can run in blocks of rows: loops, or a product with a right matrix that is small enough."""
    if is_product(nest):
        return _packed_elements(nest) <= MOST_PACKED
    return not (nest.is_call or nest.is_half or nest.has_windows or any(map(is_chain, nest.roots)))


def _packed_elements(product: Nest) -> int:
    instr = product.roots[0].instr
    assert instr is not None
    _, _, columns, inner = extents(instr)
    return whole_size(columns, inner)


def _packed_size(product: Nest) -> int:
    return _packed_elements(product) * product.roots[0].value.type.numpy_dtype.itemsize


def _rows(nests: Sequence[Nest]) -> int:
    """The rows of all these nests together; 0 if they have different ones, or there is no product."""
    loops = {rows_of(nest) for nest in nests if not is_product(nest)}
    products = {rows_of(nest) for nest in nests if is_product(nest)}
    if len(loops) > 1 or 0 in loops or not products:
        return 0
    rows = min(loops or products)
    return rows if all(n % rows == 0 for n in products) else 0


def _most_blocks(nests: Sequence[Nest]) -> int:
    """How many blocks may leave parts of sums over the rows."""
    loops = [phase for nest in nests if not is_product(nest) for phase in nest.loops]
    return most_blocks(loops) if loops else rows_of(nests[0])
