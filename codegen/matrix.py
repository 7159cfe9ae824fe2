"""Operands of a matrix product where they lie: memory, and how far apart rows and columns are there.

A view (a transpose, a slice, a reshape) of a stored value is never copied when its strides make it a matrix.
Start with `matrices`; `product` rewrites the products that need a copy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import prod

from tapejit.codegen.affine import Affine, LoopVar, atom
from tapejit.codegen.index import Index
from tapejit.codegen.moves import origins
from tapejit.ir.function import Instr, Value
from tapejit.ir.shape import free_dims

PRODUCT_DTYPES = ("f64", "f32")  # multiplied by a function of our own, others by BLAS


@dataclass(frozen=True)
class Matrix:
    """A stack of matrices inside `base`: the first at `start`, one every `step` elements."""

    base: Value
    start: int
    step: int
    rows: int
    columns: int
    down: int  # elements from row to row
    across: int  # from column to column

    @property
    def transposed(self) -> bool:
        """For BLAS: its columns lie in memory, not its rows."""
        return self.across != 1 and self.columns != 1

    @property
    def leading(self) -> int:
        """For BLAS: from one row or column in memory to the next; 0 if neither lies in memory."""
        if not self.transposed:
            return self.down if self.rows > 1 else self.columns
        return self.across if self.down == 1 or self.rows == 1 else 0

    @property
    def suits_blas(self) -> bool:
        return self.leading >= (self.rows if self.transposed else self.columns)


@dataclass(frozen=True)
class Groups:
    """The dimensions of an operand that make up the stack, the free side and the contracted side."""

    batch: tuple[int, ...]
    free: tuple[int, ...]
    inner: tuple[int, ...]


def groups(instr: Instr) -> tuple[Groups, Groups]:
    """The groups of both operands of a product."""
    contract, batch = instr.attrs["contract"], instr.attrs["batch"]
    found = [
        Groups(tuple(b), free_dims(v.type.rank, c, b), tuple(c))
        for v, c, b in zip(instr.operands, contract, batch, strict=True)
    ]
    return found[0], found[1]


def extents(instr: Instr) -> tuple[int, int, int, int]:
    """How many matrices a product multiplies, and their rows, columns and contracted length."""
    (x, y), (left, right) = instr.operands, groups(instr)
    sizes = [prod(v.type.shape[d] for d in g) for v, g in ((x, left.batch), (x, left.free), (y, right.free))]
    return sizes[0], sizes[1], sizes[2], prod(x.type.shape[d] for d in left.inner)


def matrices(value: Value, group: Groups, definitions: Mapping[Value, Instr]) -> list[Matrix]:
    """The ways to read `value` as a stack of matrices: itself, or what it is a view of."""
    blas = value.type.dtype not in PRODUCT_DTYPES
    loops = [LoopVar(f"d{k}", n) for k, n in enumerate(value.type.shape)]
    index = Index(value.type.shape, [atom(v) if v.extent > 1 else Affine() for v in loops])
    found = (_matrix(base, at.flat, loops, group) for base, at in origins(value, index, definitions))
    return [m for m in found if m is not None and (m.suits_blas or not blas)]


def _matrix(base: Value, flat: Affine, loops: Sequence[LoopVar], group: Groups) -> Matrix | None:
    if any(not isinstance(a, LoopVar) for a, _ in flat.terms):
        return None
    merged = [_merged(flat, [loops[d] for d in dims]) for dims in (group.batch, group.free, group.inner)]
    if None in merged:
        return None
    (_, step), (rows, down), (columns, across) = (m for m in merged if m is not None)
    return Matrix(base, flat.const, step, rows, columns, down, across)


def _merged(flat: Affine, loops: Sequence[LoopVar]) -> tuple[int, int] | None:
    """Extent and stride of several dimensions taken as one; None if the strides do not fit."""
    long = [v for v in loops if v.extent > 1]
    if any(flat.coefficient(a) != flat.coefficient(b) * b.extent for a, b in pairwise(long)):
        return None
    return prod(v.extent for v in long), flat.coefficient(long[-1]) if long else 0
