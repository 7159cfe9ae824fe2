"""Stacks of matrices in the last two dimensions: the notation of the rules of linear algebra.

`product`, `turned` and the triangles are to those rules what `+` and `*` are to maps over scalars. Rules are
written for complex matrices; of real ones `conj` is the identity, `dagger` the transpose. Adjoints are paired
without conjugation (see `ir.complex_number`): the transpose of X -> A X B is C -> A^T C B^T, that of X -> X^H
is C -> C^H.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from tapejit.ir import complex_number, ops
from tapejit.ir.modulus import modulus
from tapejit.ir.types import REAL_OF, TensorType

if TYPE_CHECKING:
    from tapejit.ir.builder import Var


def matrices(x: TensorType) -> TensorType:
    """The type itself; TypeError unless it is a stack of matrices in floating point, real or complex."""
    if x.rank < 2 or not x.is_inexact:
        raise TypeError(f"expected matrices of f64, f32, c128 or c64, got {x}")
    return x


def square_matrices(x: TensorType) -> TensorType:
    """The type itself; TypeError unless it is a stack of square matrices in floating point."""
    if matrices(x).shape[-1] != x.shape[-2]:
        raise TypeError(f"expected square matrices, got {x}")
    return x


def stack_size(x: TensorType) -> int:
    """How many matrices a stack holds."""
    return math.prod(x.shape[:-2])


def turned(x: Var) -> Var:
    """Each matrix transposed."""
    rank = len(x.shape)
    return ops.transpose(x, perm=(*range(rank - 2), rank - 1, rank - 2))


def conj(x: Var) -> Var:
    """The conjugate; of real matrices themselves."""
    return complex_number.conj(x) if x.is_complex else x


def dagger(x: Var) -> Var:
    """Each matrix transposed and conjugated."""
    return conj(turned(x))


def real(x: Var) -> Var:
    """The real parts."""
    return complex_number.real(x) if x.is_complex else x


def magnitude(x: Var) -> Var:
    """The sizes of the elements."""
    return modulus(x) if x.is_complex else ops.abs_(x)


def as_numbers_of(x: Var, d: Var) -> Var:
    """`d`, which may be real, in the dtype of x."""
    return d if d.dtype == x.dtype else ops.cast(d, dtype=x.dtype)


def real_type(x: TensorType) -> TensorType:
    """The type of the real parts."""
    return x.with_dtype(REAL_OF.get(x.dtype, x.dtype))


def product(x: Var, y: Var, *, turn: tuple[bool, bool] = (False, False)) -> Var:
    """Matrix products; `turn` says which of the factors is transposed, which costs nothing."""
    rank, batch = len(x.shape), tuple(range(len(x.shape) - 2))
    inner = (rank - 2 if turn[0] else rank - 1, rank - 1 if turn[1] else rank - 2)
    return ops.dot_general(x, y, contract=((inner[0],), (inner[1],)), batch=(batch, batch))


def place(x: Var, axis: int) -> Var:
    """Of every element the number of its row (axis -2) or of its column (axis -1)."""
    rank = len(x.shape)
    return ops.iota(builder=x.builder, dtype="i64", shape=x.shape, axis=rank + axis)


def lower(x: Var, *, strict: bool = False) -> Var:
    """The lower triangle, zeros elsewhere; `strict` leaves the diagonal out."""
    inside = ops.gt if strict else ops.ge
    return ops.select(inside(place(x, -2), place(x, -1)), x, x.like(0.0))


def upper(x: Var, *, strict: bool = False) -> Var:
    """The upper triangle, zeros elsewhere; `strict` leaves the diagonal out."""
    inside = ops.lt if strict else ops.le
    return ops.select(inside(place(x, -2), place(x, -1)), x, x.like(0.0))


def half_lower(x: Var) -> Var:
    """The lower triangle with half of the diagonal; with its `dagger` it adds up to a Hermitian matrix."""
    return ops.select(on_diagonal(x), 0.5 * x, lower(x, strict=True))


def on_diagonal(x: Var) -> Var:
    """Which elements are on the diagonal."""
    return ops.eq(place(x, -2), place(x, -1))


def hermitian(x: Var) -> Var:
    """The Hermitian part; of real matrices the symmetric one."""
    return 0.5 * (x + dagger(x))


def identity(like: Var, size: int) -> Var:
    """Unit matrices of `size`, as many as `like` has matrices and of its dtype."""
    zeros = like.builder.full(TensorType(like.dtype, (*like.shape[:-2], size, size)), 0.0)
    return ops.select(on_diagonal(zeros), zeros.like(1.0), zeros)


def diagonal(x: Var) -> Var:
    """The diagonals of square matrices, as vectors."""
    *batch, n, _ = x.shape
    rows = ops.reshape(x, shape=(*batch, n * n))
    rank = len(rows.shape)
    stop = (*batch, n * n)
    return ops.slice_(rows, start=(0,) * rank, stop=stop, step=(*(1,) * (rank - 1), n + 1))


def scaled_rows(d: Var, x: Var) -> Var:
    """diag(d) x."""
    return along_rows(as_numbers_of(x, d), x.shape) * x


def scaled_columns(x: Var, d: Var) -> Var:
    """x diag(d)."""
    return along_columns(as_numbers_of(x, d), x.shape) * x


def along_rows(d: Var, shape: tuple[int, ...]) -> Var:
    """The vector down each column: element (i, j) is d[i]."""
    return ops.broadcast(d, shape=shape, dims=tuple(range(len(shape) - 1)))


def along_columns(d: Var, shape: tuple[int, ...]) -> Var:
    """The vector along each row: element (i, j) is d[j]."""
    rank = len(shape)
    return ops.broadcast(d, shape=shape, dims=(*range(rank - 2), rank - 1))


def diagonal_matrix(d: Var) -> Var:
    """diag(d)."""
    shape = (*d.shape, d.shape[-1])
    spread = along_rows(d, shape)
    return ops.select(on_diagonal(spread), spread, spread.like(0.0))


def columns(x: Var, start: int, stop: int) -> Var:
    """The columns from `start` below `stop`."""
    rank = len(x.shape)
    low = (*(0,) * (rank - 1), start)
    return ops.slice_(x, start=low, stop=(*x.shape[:-1], stop), step=(1,) * rank)


def sum_of(*terms: Any) -> Any:
    """The sum of the terms that are there; None if none is."""
    found = [t for t in terms if t is not None]
    return sum(found[1:], found[0]) if found else None


def is_zero(x: Var) -> bool:
    """Whether an adjoint is zero by structure: the transform has just made it for a result nobody uses."""
    made = [instr for instr in x.builder.function.body[-3:] if x.value in instr.results]
    return bool(made) and made[0].primitive is ops.full and made[0].attrs["value"] == 0.0
