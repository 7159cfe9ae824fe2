"""Eigenvalues, singular values and what is computed by them: the rows of `eigh`, `svd` and `pinv`.

Derivatives: M. Giles, "An extended collection of matrix derivative results" (2008), sections 3.1 and 3.2;
of the pseudo-inverse: G. Golub and V. Pereyra (1973). Vectors that belong to equal values are not unique, and
have no derivative: NaN, unless nothing depends on them. Values alone are always differentiable here: where
two are equal, each moves with the vector that LAPACK has chosen.

Complex vectors are unique up to their phases. As in JAX an eigenvector moves orthogonally to itself, and of a
pair of singular vectors so does the right one; a function that does not depend on phases cannot tell.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from tapejit.ir import complex_number, ops
from tapejit.ir.emission import Library
from tapejit.ir.factor import square_sizes
from tapejit.ir.matrix import (
    along_columns,
    along_rows,
    as_numbers_of,
    columns,
    conj,
    dagger,
    diagonal,
    diagonal_matrix,
    hermitian,
    is_zero,
    magnitude,
    matrices,
    on_diagonal,
    product,
    real,
    real_type,
    scaled_columns,
    square_matrices,
    stack_size,
    sum_of,
    turned,
)
from tapejit.ir.primitive import Primitive
from tapejit.ir.types import TensorType

if TYPE_CHECKING:
    from tapejit.ir.builder import Var

Divide = Callable[..., Any]  # (x, gap, values) -> x / gap, and what stands where the gap is none

NO_CONVERGENCE = {"eigh": "Eigenvalues did not converge", "svd": "SVD did not converge"}

_SYMMETRIC = np.array([[0.4, 1.3, -0.6], [1.3, -0.7, 0.5], [-0.6, 0.5, 1.7]])
_SYMMETRICS = np.stack([_SYMMETRIC, 1.3 * _SYMMETRIC[::-1, ::-1]])
_TALL = np.array([[0.4, 1.3, -0.6], [2.1, -0.7, 0.5], [0.9, 0.8, 1.7], [-0.2, 0.6, 1.1]])
_WIDE = np.sin(np.arange(12.0) ** 1.5).reshape(2, 2, 3)
_HERMITIANS = _SYMMETRICS + 1j * np.stack([np.triu(_SYMMETRIC, 1) - np.tril(_SYMMETRIC, -1)] * 2)
_Z_TALL, _Z_WIDE = _TALL + 1j * np.cos(_TALL), _WIDE - 1j * np.cos(_WIDE)


# -- Differences of values -------------------------------------------------------------------------------


def over_gaps(divide: Divide, x: Var, values: Var, *, plus: bool = False) -> Var:
    """x[i, j] / (values[j] - values[i]) off the diagonal, 0 on it; `plus`: over the sum of both."""
    along, down = along_columns(values, x.shape), along_rows(values, x.shape)
    quotient = divide(x, along + down if plus else along - down, values)
    return ops.select(on_diagonal(x), x.like(0.0), quotient)


def tangent_over(x: Var, gap: Var, values: Var) -> Var:
    """x / gap. Where the gap is but rounding: 0 if x is 0, as then the values stay equal; else NaN."""
    settled = ops.select(ops.eq(x, x.like(0.0)), x.like(0.0), x.like(float("nan")))
    none = _is_rounding(gap, values)
    return ops.select(none, settled, x / as_numbers_of(x, ops.select(none, gap.like(1.0), gap)))


def adjoint_over(x: Var, gap: Var, values: Var) -> Var:
    """x / gap. Where the gap is but rounding: NaN unless x is 0, and NaN for 0 / 0 too.

    An adjoint may be 0 at one point, as w is in V diag(w) V^T, and matter all the same next to it.
    """
    lost = ops.logical_and(_is_rounding(gap, values), ops.ne(x, x.like(0.0)))
    return ops.select(lost, x.like(float("nan")), x / as_numbers_of(x, gap))


def _is_rounding(gap: Var, values: Var) -> Var:
    """Where two values are as close as rounding can bring values that are equal."""
    rank = len(values.shape)
    if not values.type.size:
        return gap.builder.full(gap.type.with_dtype("bool"), False)
    largest = ops.reduce_max(magnitude(values), axes=(rank - 1,))
    unit = float(np.finfo(values.type.numpy_dtype).eps) * values.shape[-1]
    bound = ops.broadcast(largest * unit, shape=gap.shape, dims=tuple(range(rank - 1)))
    return ops.le(magnitude(gap), bound)


# -- Hermitian eigenvalues -------------------------------------------------------------------------------


def _eigh_type(x: TensorType, *, lower: bool) -> tuple[TensorType, TensorType]:
    return real_type(square_matrices(x).with_shape(x.shape[:-1])), x


def _eigh_jvp(ts: Any, rs: tuple[Var, Var], x: Var, *, lower: bool) -> tuple[Var, Var]:
    w, v = rs
    inner = product(conj(v), product(hermitian(ts[0]), v), turn=(True, False))
    return real(diagonal(inner)), product(v, over_gaps(tangent_over, inner, w))


def _eigh_vjp(cts: tuple[Var, Var], rs: tuple[Var, Var], x: Var, *, lower: bool) -> tuple[Var]:
    (w_bar, v_bar), (w, v) = cts, rs
    if is_zero(v_bar):
        return (product(scaled_columns(conj(v), w_bar), v, turn=(False, True)),)
    turns = over_gaps(adjoint_over, product(v, v_bar, turn=(True, False)), w)
    inner = turns + diagonal_matrix(as_numbers_of(v, w_bar))
    return (hermitian(product(product(conj(v), inner), v, turn=(False, True))),)


# Ascending values, vectors as columns. `lower` says which triangle of x is read; its adjoint is Hermitian.
eigh: Primitive = Primitive(
    name="eigh",
    arity=1,
    results=2,
    infer=_eigh_type,
    reference=lambda x, *, lower: tuple(np.linalg.eigh(x, "L" if lower else "U")),
    jvp=_eigh_jvp,
    vjp=_eigh_vjp,
    batch=lambda x, **attrs: eigh.several(x, **attrs),
    emission=Library(
        "eigh",
        lambda x, *, lower: (*square_sizes(x), lower),
        extras=(1,),
        failure=NO_CONVERGENCE["eigh"],
    ),
    examples=(
        ((_SYMMETRIC,), {"lower": True}),
        ((_SYMMETRICS,), {"lower": False}),
        ((_SYMMETRIC.astype(np.float32),), {"lower": True}),
        ((_SYMMETRIC[:1, :1],), {"lower": True}),
        ((np.ones((0, 0)),), {"lower": False}),
        ((_HERMITIANS,), {"lower": True}),
        ((_HERMITIANS[1],), {"lower": False}),
        ((_HERMITIANS[0].astype(np.complex64),), {"lower": True}),
    ),
)

# -- Singular values -------------------------------------------------------------------------------------


def _svd_type(x: TensorType, *, full: bool) -> tuple[TensorType, TensorType, TensorType]:
    *batch, m, n = matrices(x).shape
    k = min(m, n)
    rows, columns = (m, n) if full else (k, k)
    values = real_type(x.with_shape((*batch, k)))
    return x.with_shape((*batch, m, rows)), values, x.with_shape((*batch, columns, n))


def _svd_sizes(x: TensorType, *, full: bool) -> tuple[int, int, int, bool]:
    return stack_size(x), x.shape[-2], x.shape[-1], full


def _thin(rs: tuple[Var, Var, Var]) -> tuple[Var, Var, Var]:
    """Both factors as matrices of as many columns as there are values."""
    u, s, vt = rs
    k = s.shape[-1]
    return columns(u, 0, k), s, columns(dagger(vt), 0, k)


def _svd_jvp(ts: Any, rs: tuple[Var, Var, Var], x: Var, *, full: bool) -> tuple[Var, Var, Var]:
    """With P = U^H dA V: the turns of U and V are [P + P^H] / (s_j - s_i) and [P - P^H] / (s_j + s_i), half
    their sum and half their difference, and on U's diagonal i Im(P) / s; what leaves the columns of U is
    (dA V - U P) / s, likewise V."""
    u, s, v = _thin(rs)
    right, left = product(ts[0], v), product(conj(ts[0]), u, turn=(True, False))
    inner = product(conj(u), right, turn=(True, False))
    even = 0.5 * over_gaps(tangent_over, inner + dagger(inner), s)
    odd = 0.5 * over_gaps(tangent_over, inner - dagger(inner), s, plus=True)
    turns = sum_of(even + odd, _phases(tangent_over, inner, s))
    u_dot = sum_of(product(u, turns), _leaving(tangent_over, right, u, inner, s))
    v_dot = sum_of(product(v, even - odd), _leaving(tangent_over, left, v, dagger(inner), s))
    u_dot, v_dot = _completed(u_dot, rs[0], s), _completed(v_dot, dagger(rs[2]), s)
    return u_dot, real(diagonal(inner)), dagger(v_dot)


def _phases(divide: Divide, x: Var, s: Var) -> Var | None:
    """i Im(x) / s on the diagonal; None of real matrices."""
    if not x.is_complex:
        return None
    turns = divide(complex_number.imag(diagonal(x)), s, s)
    return diagonal_matrix(complex_number.complex_(turns.like(0.0), turns))


def _leaving(divide: Divide, image: Var, basis: Var, inner: Var, s: Var) -> Var | None:
    """What of `image` is outside of a basis that is not square, over the values."""
    if basis.shape[-2] == basis.shape[-1]:
        return None
    return divide(image - product(basis, inner), along_columns(s, image.shape), s)


def _completed(dot: Var, whole: Var, s: Var) -> Var:
    """With the tangents of the columns beyond the values: they turn with the others, not in themselves."""
    k, count = s.shape[-1], whole.shape[-1]
    if count == k:
        return dot
    basis, others = columns(whole, 0, k), columns(whole, k, count)
    rest = -product(basis, product(conj(dot), others, turn=(True, False)))
    return ops.concat(dot, rest, axis=len(dot.shape) - 1)


def _svd_vjp(cts: Any, rs: tuple[Var, Var, Var], x: Var, *, full: bool) -> tuple[Var]:
    """The transpose of the tangent."""
    unused = is_zero(cts[0]), is_zero(cts[2])
    u, s, v = _thin(rs)
    if all(unused):
        return (product(scaled_columns(conj(u), cts[1]), v, turn=(False, True)),)
    u_bar, v_bar = _folded(cts[0], rs[0], s), _folded(dagger(cts[2]), dagger(rs[2]), s)
    from_u, from_v = product(u, u_bar, turn=(True, False)), product(v, v_bar, turn=(True, False))
    even = 0.5 * over_gaps(adjoint_over, from_u + from_v, s)
    odd = 0.5 * over_gaps(adjoint_over, from_u - from_v, s, plus=True)
    inner = even + dagger(even) + odd - dagger(odd) + diagonal_matrix(as_numbers_of(u, cts[1]))
    inner = sum_of(inner, None if unused[0] else _phases(adjoint_over, from_u, s))
    left = None if unused[0] else _leaving(adjoint_over, u_bar, conj(u), from_u, s)
    right = None if unused[1] else _leaving(adjoint_over, v_bar, conj(v), from_v, s)
    outside = None if right is None else product(conj(u), conj(right), turn=(False, True))
    return (sum_of(product(sum_of(product(conj(u), inner), left), v, turn=(False, True)), outside),)


def _folded(bar: Var, whole: Var, s: Var) -> Var:
    """The adjoint of the columns that have values, with what comes from those that complete them."""
    k, count = s.shape[-1], whole.shape[-1]
    if count == k:
        return bar
    basis, others = columns(whole, 0, k), columns(whole, k, count)
    others_bar = columns(bar, k, count)
    return columns(bar, 0, k) - conj(product(others, product(others_bar, basis, turn=(True, False))))


# x = U diag(s) V^H, s descending; `full`: U and V^H are square.
svd: Primitive = Primitive(
    name="svd",
    arity=1,
    results=3,
    infer=_svd_type,
    reference=lambda x, *, full: tuple(np.linalg.svd(x, full_matrices=full)),
    jvp=_svd_jvp,
    vjp=_svd_vjp,
    batch=lambda x, **attrs: svd.several(x, **attrs),
    emission=Library("svd", _svd_sizes, extras=(0, 2), failure=NO_CONVERGENCE["svd"]),
    examples=(
        ((_TALL,), {"full": False}),
        ((_TALL,), {"full": True}),
        ((_WIDE,), {"full": False}),
        ((_WIDE,), {"full": True}),
        ((_TALL[:3],), {"full": False}),
        ((_TALL.astype(np.float32),), {"full": False}),
        ((_TALL[:1, :1],), {"full": True}),
        ((np.ones((0, 3)),), {"full": True}),
        ((np.ones((2, 3, 0)),), {"full": False}),
        ((_Z_TALL,), {"full": True}),
        ((_Z_WIDE,), {"full": False}),
        ((_Z_TALL.astype(np.complex64),), {"full": False}),
    ),
)

# -- Pseudo-inverse --------------------------------------------------------------------------------------


def _pinv_type(x: TensorType, *, cutoff: float) -> TensorType:
    *batch, m, n = matrices(x).shape
    return x.with_shape((*batch, n, m))


def _pinv_jvp(ts: Any, r: Var, x: Var, *, cutoff: float) -> Var:
    """-A+ dA A+  +  A+ A+^H dA^H (1 - A A+)  +  (1 - A+ A) dA^H A+^H A+, at constant rank."""
    (t,) = ts
    found = -product(product(r, t), r)
    gram, rest = product(product(r, conj(r), turn=(False, True)), conj(t), turn=(False, True)), product(x, r)
    found = found + gram - product(gram, rest)
    right = product(conj(product(t, r, turn=(True, True))), r)
    return found + right - product(product(r, x), right)


def _pinv_vjp(ct: Var, r: Var, x: Var, *, cutoff: float) -> tuple[Var]:
    """The transpose of the tangent, term by term."""
    c, h = turned(ct), conj(r)
    first = product(product(r, ct, turn=(True, False)), r, turn=(False, True))
    second = product(product(c - product(x, product(r, c)), r), h, turn=(False, True))
    third = product(h, product(r, c - product(product(c, r), x)), turn=(True, False))
    return (conj(second + third) - first,)


# Singular values up to `cutoff` times the largest count as zero.
pinv: Primitive = Primitive(
    name="pinv",
    arity=1,
    results=1,
    infer=_pinv_type,
    reference=lambda x, *, cutoff: np.linalg.pinv(x, rcond=cutoff),
    jvp=_pinv_jvp,
    vjp=_pinv_vjp,
    batch=lambda x, **attrs: pinv(x, **attrs),
    emission=Library(
        "pinv", lambda x, *, cutoff: (stack_size(x), *x.shape[-2:], cutoff), failure=NO_CONVERGENCE["svd"]
    ),
    examples=(
        ((_TALL,), {"cutoff": 1e-15}),
        ((_WIDE,), {"cutoff": 1e-15}),
        ((_TALL.astype(np.float32),), {"cutoff": 1e-6}),
        ((np.ones((0, 3)),), {"cutoff": 1e-15}),
        ((_Z_TALL,), {"cutoff": 1e-15}),
        ((_Z_WIDE.astype(np.complex64),), {"cutoff": 1e-6}),
    ),
)
