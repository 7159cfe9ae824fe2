"""Roots: the computations that loops are written for. Everything else is evaluated inside them on demand.

A root runs over an iteration `space`, reads `operands` there, combines them (a fold) or not (a store),
and completes one `value`. `plan` finds the roots of a function, `schedule` groups them into nests.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from math import prod

from tapejit.codegen.affine import Affine
from tapejit.codegen.index import Index
from tapejit.ir.emission import (
    Fold,
    FoldIndex,
    Library,
    Ordered,
    Product,
    Routine,
    Scanned,
    Scattered,
    Updated,
)
from tapejit.ir.function import Instr, Value
from tapejit.ir.shape import free_dims

SUM = Fold(lambda dtype: "0", "plus({0}, {1})")  # how a product adds up


@dataclass(frozen=True)
class Operand:
    """A value read in a space: dimension d is indexed by the loop over space dimension `loops[d]`."""

    value: Value
    loops: tuple[int, ...]

    def index(self, space: Sequence[Affine]) -> Index:
        """The element at a place in the space."""
        return Index(self.value.type.shape, [space[k] for k in self.loops])


class Kind(Enum):
    """What a root does with the elements it evaluates."""

    DEFINE = "store"  # computes the value it stores
    COPY = "copy"  # stores a value that lives elsewhere
    OUTER = "outer product"  # stores products of two elements, which are added up with no others
    FOLD = "fold"
    SCATTER = "scatter"  # folds into the element that an operand names
    SCAN = "scan"  # each element from the one before
    SORT = "sort"
    LIBRARY = "call"  # a matrix product by BLAS
    CONTROL = "control"  # regions


IN_LOOPS = frozenset({Kind.DEFINE, Kind.COPY, Kind.OUTER, Kind.FOLD})  # what nests run row by row


@dataclass(frozen=True, eq=False)
class Root:
    """One unit of scheduling. `kept[d]` is the space dimension of the target's dimension d."""

    kind: Kind
    value: Value
    space: tuple[int, ...]
    operands: tuple[Operand, ...]
    kept: tuple[int, ...]
    slot: int | None = None  # the function's result it writes; None: a temporary
    start: tuple[int, ...] = ()  # where the target begins, per dimension, for a piece of a whole
    step: tuple[int, ...] = ()  # how far apart its elements are there; () is one
    instr: Instr | None = field(default=None, repr=False)
    mirror: int = 0  # of a sum over half of a table: 1 if that is its own mirror image, -1 if minus that is

    @property
    def values(self) -> tuple[Value, ...]:
        """What it completes: several values only if it has regions."""
        return self.instr.results if self.kind is Kind.CONTROL and self.instr else (self.value,)

    @property
    def rule(self) -> Fold | FoldIndex:
        """How a fold combines elements."""
        assert self.instr is not None
        emission = self.instr.primitive.emission
        if isinstance(emission, Scattered):
            return emission.fold
        return emission if isinstance(emission, Fold | FoldIndex) else SUM

    @property
    def adds(self) -> bool:
        """It is a sum, which may start from what is there."""
        return isinstance(self.rule, Fold) and self.rule.combine == SUM.combine

    @cached_property
    def size(self) -> int:
        return prod(self.space)

    @cached_property
    def trailing(self) -> bool:
        """It is complete after the innermost loops: a store, or a fold of trailing dimensions."""
        long = [d for d, n in enumerate(self.space) if n != 1]
        kept = [d for d in self.kept if self.space[d] != 1]
        in_order = self.kind in IN_LOOPS and not self.start and not self.mirror
        return in_order and kept == long[: len(kept)]

    def positions(self, loops: Iterable[Affine]) -> list[Affine]:
        """The position in each dimension of its space, where these are those in the loops over it."""
        places = iter(loops)
        return [Affine() if n == 1 else next(places) for n in self.space]

    def index(self, space: Sequence[Affine]) -> Index:
        """Where the element at a place in the space belongs in the value."""
        dims = [space[k] for k in self.kept]
        if self.start:
            steps = self.step or (1,) * len(dims)
            dims = [d * step + s for d, s, step in zip(dims, self.start, steps, strict=True)]
        return Index(self.value.type.shape, dims)

    @property
    def is_call(self) -> bool:
        """It is no loops of a nest, but lines of its own."""
        return self.kind in (Kind.LIBRARY, Kind.SORT, Kind.CONTROL)


def store(kind: Kind, value: Value, slot: int | None, instr: Instr | None) -> Root:
    """Write `value` element by element in its own order."""
    dims = tuple(range(value.type.rank))
    return Root(kind, value, value.type.shape, (Operand(value, dims),), dims, slot, instr=instr)


def fold(instr: Instr, slot: int | None) -> Root:
    """A reduction over `axes`. The position of an extreme is found with its axis innermost."""
    (x,), axes = instr.operands, tuple(instr.attrs["axes"])
    kept = tuple(d for d in range(x.type.rank) if d not in axes)
    order = (*kept, *axes) if isinstance(instr.primitive.emission, FoldIndex) else tuple(range(x.type.rank))
    place = {d: k for k, d in enumerate(order)}
    operand = Operand(x, tuple(place[d] for d in range(x.type.rank)))
    return Root(
        Kind.FOLD,
        instr.results[0],
        tuple(x.type.shape[d] for d in order),
        (operand,),
        tuple(place[d] for d in kept),
        slot,
        instr=instr,
    )


def pieces(instr: Instr, slot: int | None) -> list[Root]:
    """One store for every operand, side by side in the result."""
    axis, found, begin = instr.attrs["axis"], [], 0
    for x in instr.operands:
        dims = tuple(range(x.type.rank))
        start = tuple(begin if d == axis else 0 for d in dims)
        found.append(
            Root(
                Kind.COPY, instr.results[0], x.type.shape, (Operand(x, dims),), dims, slot, start, instr=instr
            )
        )
        begin += x.type.shape[axis]
    return found


def updated(instr: Instr, slot: int | None) -> list[Root]:
    """A copy of the first operand, then a store of every other into its window."""
    x, *values = instr.operands
    whole = tuple(range(x.type.rank))
    found = [Root(Kind.COPY, instr.results[0], x.type.shape, (Operand(x, whole),), whole, slot, instr=instr)]
    for v, start, step in zip(values, instr.attrs["starts"], instr.attrs["steps"], strict=True):
        window = Operand(v, whole)
        found.append(
            Root(Kind.COPY, instr.results[0], v.type.shape, (window,), whole, slot, start, step, instr)
        )
    return found


def product(instr: Instr, slot: int | None, general: bool = False) -> Root:
    """A sum of products, as loops or by BLAS."""
    x, y = instr.operands
    names = _product_dims(instr)
    extent = dict(zip((*names.x, *names.y), (*x.type.shape, *y.type.shape), strict=True))
    order = _product_order(instr, names, extent)
    place = {n: k for k, n in enumerate(order)}
    located = [Operand(v, tuple(place[n] for n in dims)) for v, dims in ((x, names.x), (y, names.y))]
    return Root(
        _product_kind(instr, prod(extent[n] for n in names.inner), general),
        instr.results[0],
        tuple(extent[n] for n in order),
        tuple(located),
        tuple(place[n] for n in (*names.batch, *names.rows, *names.columns)),
        slot,
        instr=instr,
    )


def _product_kind(instr: Instr, inner: int, general: bool) -> Kind:
    if not is_loop_product(instr, general):
        return Kind.LIBRARY
    return Kind.OUTER if inner == 1 else Kind.FOLD


def scatter(instr: Instr, slot: int | None) -> Root:
    """Updates in their own order; without updates, positions in the order of the index."""
    where, axis = instr.operands[-1], instr.attrs["axis"]
    source = instr.operands[0]
    dims = tuple(range(source.type.rank))
    taken = dims[axis : axis + where.type.rank]
    updates = [Operand(source, dims)] if source is not where or len(instr.operands) > 1 else []
    return Root(
        Kind.SCATTER,
        instr.results[0],
        source.type.shape,
        (*updates, Operand(where, taken)),
        (*dims[:axis], *dims[axis + where.type.rank :]),
        slot,
        instr=instr,
    )


def scan(instr: Instr, slot: int | None) -> Root:
    """With the axis innermost, so that a register holds the element before."""
    shape, axis = instr.results[0].type.shape, instr.attrs["axis"]
    order = (*(d for d in range(len(shape)) if d != axis), axis)
    place = tuple(order.index(d) for d in range(len(shape)))
    located = tuple(Operand(v, place) for v in instr.operands)
    space = tuple(shape[d] for d in order)
    return Root(Kind.SCAN, instr.results[0], space, located, place, slot, instr=instr)


def sort(instr: Instr, slot: int | None) -> Root:
    """Rows put in order one by one."""
    (x,) = instr.operands
    dims = tuple(range(x.type.rank))
    return Root(Kind.SORT, instr.results[0], x.type.shape, (Operand(x, dims),), dims, slot, instr=instr)


def routine(instr: Instr) -> Root:
    """An instruction with regions, or a call of linear algebra."""
    operands = tuple(Operand(v, tuple(range(v.type.rank))) for v in read_whole(instr))
    return Root(Kind.CONTROL, instr.results[0], (), operands, (), instr=instr)


def read_whole(instr: Instr) -> tuple[Value, ...]:
    """The operands that are needed in memory."""
    emission = instr.primitive.emission
    if isinstance(emission, Library):
        return tuple(instr.operands[k] for k in emission.reads)
    return instr.operands


def _product_order(instr: Instr, names: ProductDims, extent: dict[str, int]) -> list[str]:
    """The loops, outermost first.

    If one operand has all dimensions (the other is a vector), they run as it lies in memory. Otherwise a
    tiny product adds up in a register, and a larger one runs along the rows of its result.
    """
    total = prod(extent.values())
    for operand, dims in zip(instr.operands, (names.x, names.y), strict=True):
        if operand.type.size == total:
            return [*dims, *(n for n in extent if n not in dims)]
    if total <= SMALL_PRODUCT:
        return [*names.batch, *names.rows, *names.columns, *names.inner]
    return [*names.batch, *names.rows, *names.inner, *names.columns]


@dataclass(frozen=True)
class ProductDims:
    """A name for every dimension of a product, and which of them each operand has, in its order."""

    batch: tuple[str, ...]
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    inner: tuple[str, ...]
    x: tuple[str, ...]
    y: tuple[str, ...]


def _product_dims(instr: Instr) -> ProductDims:
    (x_inner, y_inner), (x_batch, y_batch) = instr.attrs["contract"], instr.attrs["batch"]
    x, y = (v.type for v in instr.operands)
    rows = {d: f"m{d}" for d in free_dims(x.rank, x_inner, x_batch)}
    columns = {d: f"n{d}" for d in free_dims(y.rank, y_inner, y_batch)}
    x_names = rows | {d: f"b{k}" for k, d in enumerate(x_batch)} | {d: f"k{k}" for k, d in enumerate(x_inner)}
    y_names = columns | {d: f"b{k}" for k, d in enumerate(y_batch)}
    y_names |= {d: f"k{k}" for k, d in enumerate(y_inner)}
    return ProductDims(
        tuple(f"b{k}" for k in range(len(x_batch))),
        tuple(rows.values()),
        tuple(columns.values()),
        tuple(f"k{k}" for k in range(len(x_inner))),
        tuple(x_names[d] for d in range(x.rank)),
        tuple(y_names[d] for d in range(y.rank)),
    )


SMALL_PRODUCT = 512


def is_loop_product(instr: Instr, general: bool) -> bool:
    """Too small for BLAS to pay, one side a vector, or not of floats.

    In a general program only a stack of products can be small without that.
    """
    x, y = (v.type for v in instr.operands)
    (x_inner, _), (x_batch, _) = instr.attrs["contract"], instr.attrs["batch"]
    batch = prod(x.shape[d] for d in x_batch)
    inner = prod(x.shape[d] for d in x_inner)
    if not x.is_inexact or 0 in (batch, inner, x.size, y.size):
        return True
    rows, columns = x.size // (batch * inner), y.size // (batch * inner)
    small = rows * columns * inner <= SMALL_PRODUCT and not (general and batch == 1)
    return small or 1 in (rows, columns, inner)


def roots_of(instr: Instr, slot: int | None, general: bool = False) -> list[Root]:
    """The roots that complete the result of an instruction that is not evaluated on demand."""
    emission = instr.primitive.emission
    if isinstance(emission, Fold | FoldIndex):
        return [fold(instr, slot)]
    if isinstance(emission, Product):
        return [product(instr, slot, general)]
    if isinstance(emission, Routine):
        return [routine(instr)]
    for kind, build in ((Scattered, scatter), (Scanned, scan), (Ordered, sort)):
        if isinstance(emission, kind):
            return [build(instr, slot)]
    return updated(instr, slot) if isinstance(emission, Updated) else pieces(instr, slot)
