"""Factorisations of square and tall matrices: the rows of `cholesky`, `lu` and `qr`.

All work on stacks of real or complex matrices, in the last two dimensions. Derivatives: M. Giles, "An
extended collection of matrix derivative results" (2008); I. Murray, "Differentiation of the Cholesky
decomposition" (2016); S. Walter, "Structured higher-order algorithmic differentiation" (2012) for QR.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tapejit.ir import ops
from tapejit.ir.emission import Library
from tapejit.ir.matrix import (
    as_numbers_of,
    columns,
    conj,
    dagger,
    half_lower,
    hermitian,
    lower,
    matrices,
    on_diagonal,
    product,
    real,
    square_matrices,
    stack_size,
    turned,
    upper,
)
from tapejit.ir.primitive import Primitive
from tapejit.ir.solve import inverse_order, permuted, triangular_solve
from tapejit.ir.types import TensorType

if TYPE_CHECKING:
    from tapejit.ir.builder import Var

_A = np.array([[0.4, 1.3, -0.6], [2.1, -0.7, 0.5], [0.9, 0.8, 1.7]])
_B = np.sin(np.arange(1.0, 19.0) ** 1.5).reshape(2, 3, 3)
_POSITIVE = _A @ _A.T + np.eye(3)
_POSITIVES = np.stack([_POSITIVE, np.diag([0.7, 2.5, 1.9]) + 0.3])
_TALL = np.array([[0.4, 1.3, -0.6], [2.1, -0.7, 0.5], [0.9, 0.8, 1.7], [-0.2, 0.6, 1.1]])
_Z, _Z_TALL = _B + 1j * _B[::-1], _TALL + 1j * np.cos(_TALL)
_Z_POSITIVE = _Z @ _Z.conj().swapaxes(-1, -2) + np.eye(3)


def square_sizes(x: TensorType, *_: TensorType, **attrs: Any) -> tuple[int, int]:
    """How many matrices, of how many rows."""
    return stack_size(x), x.shape[-1]


# -- Cholesky --------------------------------------------------------------------------------------------


def _cholesky_jvp(ts: Any, r: Var, x: Var) -> Var:
    """L half(L^-1 dA L^-H)."""
    left = triangular_solve(r, hermitian(ts[0]), lower=True, turn=False, unit=False, strict=False)
    both = triangular_solve(r, dagger(left), lower=True, turn=False, unit=False, strict=False)
    return product(r, half_lower(both))


def _cholesky_vjp(ct: Var, r: Var, x: Var) -> tuple[Var]:
    """L^-T half(L^T ct) conj(L)^-1, made Hermitian."""
    inner = half_lower(product(r, ct, turn=(True, False)))
    left = triangular_solve(r, inner, lower=True, turn=True, unit=False, strict=False)
    return (hermitian(triangular_solve(r, dagger(left), lower=True, turn=True, unit=False, strict=False)),)


# The lower triangle is read, of the diagonal the real part. The derivative is that on Hermitian matrices (of
# real ones: on symmetric ones), so the adjoint is Hermitian.
cholesky: Primitive = Primitive(
    name="cholesky",
    arity=1,
    results=1,
    infer=square_matrices,
    reference=np.linalg.cholesky,
    jvp=_cholesky_jvp,
    vjp=_cholesky_vjp,
    batch=lambda x: cholesky(x),
    emission=Library("cholesky", square_sizes, failure="Matrix is not positive definite"),
    examples=(
        ((_POSITIVE,), {}),
        ((_POSITIVES,), {}),
        ((_POSITIVE.astype(np.float32),), {}),
        ((_POSITIVE[:1, :1],), {}),
        ((np.ones((2, 0, 0)),), {}),
        ((_Z_POSITIVE,), {}),
        ((_Z_POSITIVE[0].astype(np.complex64),), {}),
    ),
)

# -- LU --------------------------------------------------------------------------------------------------


def _lu_type(x: TensorType) -> tuple[TensorType, TensorType]:
    return square_matrices(x), x.with_shape(x.shape[:-1]).with_dtype("i64")


def _reference_lu(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Doolittle's elimination with partial pivoting, all matrices of the stack at once.

    As in LAPACK the pivot of complex numbers is the one with the largest sum of its parts' sizes.
    """
    count, n = stack_size(TensorType("f64", x.shape)), x.shape[-1]
    a, stack = np.array(x).reshape(count, n, n), np.arange(count)
    order = np.tile(np.arange(n), (count, 1))
    for k in range(n):
        below = a[:, k:, k]
        pivot = k + np.argmax(np.abs(below.real) + np.abs(below.imag), axis=1)
        for each in (a, order):
            each[stack, k], each[stack, pivot] = each[stack, pivot], each[stack, k].copy()
        divisor = np.where(a[:, k, k] == 0, 1, a[:, k, k])
        a[:, k + 1 :, k] /= divisor[:, None]
        a[:, k + 1 :, k + 1 :] -= a[:, k + 1 :, k, None] * a[:, None, k, k + 1 :]
    return a.reshape(x.shape), order.reshape(x.shape[:-1])


def _lu_jvp(ts: Any, rs: tuple[Var, Var], x: Var) -> tuple[Var, None]:
    """With M = L^-1 P dA U^-1: dL = L tril(M, -1), dU = triu(M) U."""
    factor, order = rs
    left = _solve_unit(factor, permuted(ts[0], order), turn=False)
    inner = turned(triangular_solve(factor, turned(left), lower=False, turn=True, unit=False, strict=False))
    return _packed(
        product(_unit_lower(factor), lower(inner, strict=True)), product(upper(inner), upper(factor))
    ), None


def _lu_vjp(cts: Any, rs: tuple[Var, Var], x: Var) -> tuple[Var]:
    """The transpose of the tangent, from right to left."""
    (ct, _), (factor, order) = cts, rs
    from_lower = lower(product(_unit_lower(factor), lower(ct, strict=True), turn=(True, False)), strict=True)
    inner = from_lower + upper(product(upper(ct), upper(factor), turn=(False, True)))
    right = turned(triangular_solve(factor, turned(inner), lower=False, turn=False, unit=False, strict=False))
    return (permuted(_solve_unit(factor, right, turn=True), inverse_order(order)),)


def _solve_unit(factor: Var, b: Var, *, turn: bool) -> Var:
    return triangular_solve(factor, b, lower=True, turn=turn, unit=True, strict=False)


def _unit_lower(factor: Var) -> Var:
    return ops.select(on_diagonal(factor), factor.like(1.0), lower(factor, strict=True))


def _packed(below: Var, above: Var) -> Var:
    """The strict lower triangle of the one, the upper of the other."""
    return lower(below, strict=True) + upper(above)


# The factors in one matrix, L below the diagonal (which is 1) and U above; row i comes from row order[i].
lu: Primitive = Primitive(
    name="lu",
    arity=1,
    results=2,
    infer=_lu_type,
    reference=_reference_lu,
    jvp=_lu_jvp,
    vjp=_lu_vjp,
    batch=lambda x: lu.several(x),
    emission=Library("lu", square_sizes),
    examples=(
        ((_A,), {}),
        ((_B,), {}),
        ((_A.astype(np.float32),), {}),
        ((_A[:1, :1],), {}),
        ((np.ones((0, 3, 3)),), {}),
        ((_Z,), {}),
        ((_Z[0].astype(np.complex64),), {}),
        ((np.ones((0, 0)),), {}),
    ),
)

# -- QR --------------------------------------------------------------------------------------------------


def _qr_type(x: TensorType, *, complete: bool) -> tuple[TensorType, TensorType]:
    *batch, m, n = matrices(x).shape
    if m < n:
        raise TypeError(f"expected matrices with at least as many rows as columns, got {x}")
    rows = m if complete else n
    return x.with_shape((*batch, m, rows)), x.with_shape((*batch, rows, n))


def _qr_sizes(x: TensorType, *, complete: bool) -> tuple[int, int, int, bool]:
    return stack_size(x), x.shape[-2], x.shape[-1], complete


def _qr_jvp(ts: Any, rs: tuple[Var, Var], x: Var, *, complete: bool) -> tuple[Var, Var]:
    """With C = Q^H dA R^-1 and W the skew-Hermitian matrix that has C's lower triangle and Im C's diagonal:
    dQ = Q W and what of dA R^-1 is outside of Q; dR = (C - W) R. What completes Q turns with it, and not in
    itself."""
    q, r = _thin(rs, x)
    along = turned(triangular_solve(r, turned(ts[0]), lower=False, turn=True, unit=False, strict=False))
    c = product(conj(q), along, turn=(True, False))
    below = lower(c, strict=True)
    rest = _real_diagonal(c - below + dagger(below))
    q_dot, r_dot = along - product(q, rest), product(rest, r)
    if not complete:
        return q_dot, r_dot
    others = columns(rs[0], x.shape[-1], x.shape[-2])
    turn = product(conj(q_dot), others, turn=(True, False))
    return _beside(q_dot, -product(q, turn)), _over(r_dot, x)


def _qr_vjp(cts: Any, rs: tuple[Var, Var], x: Var, *, complete: bool) -> tuple[Var]:
    """[ct_Q + conj(Q) M] R^-T, with N = R ct_R^T - ct_Q^T Q and M the transpose of N's lower triangle, with
    the real part of its diagonal, and the conjugate of what is below that."""
    (q, r), (q_bar, r_bar) = _thin(rs, x), _thin(cts, x)
    if complete:
        n, m = x.shape[-1], x.shape[-2]
        others, others_bar = columns(rs[0], n, m), columns(cts[0], n, m)
        q_bar = q_bar - conj(product(others, product(others_bar, q, turn=(True, False))))
    inner = product(r, r_bar, turn=(False, True)) - product(q_bar, q, turn=(True, False))
    mirrored = _real_diagonal(conj(lower(inner)) + turned(lower(inner, strict=True)))
    left = q_bar + product(conj(q), mirrored)
    return (turned(triangular_solve(r, turned(left), lower=False, turn=False, unit=False, strict=False)),)


def _real_diagonal(x: Var) -> Var:
    """x without the imaginary parts on its diagonal."""
    return ops.select(on_diagonal(x), as_numbers_of(x, real(x)), x) if x.is_complex else x


def _thin(pair: tuple[Var, Var], x: Var) -> tuple[Var, Var]:
    """Q and R, or their adjoints, without what completes them."""
    n = x.shape[-1]
    return columns(pair[0], 0, n), upper(_rows(pair[1], n))


def _rows(x: Var, count: int) -> Var:
    rank = len(x.shape)
    stop = (*x.shape[:-2], count, x.shape[-1])
    return ops.slice_(x, start=(0,) * rank, stop=stop, step=(1,) * rank)


def _beside(x: Var, y: Var) -> Var:
    return ops.concat(x, y, axis=len(x.shape) - 1)


def _over(r: Var, x: Var) -> Var:
    """R with rows of zeros below, as many as x has."""
    rank = len(r.shape)
    missing = x.shape[-2] - x.shape[-1]
    zeros = (0,) * rank
    return ops.pad(r, low=zeros, high=(*zeros[2:], missing, 0), interior=zeros, value=0.0)


# x = Q R, for at least as many rows as columns; `complete`: Q is square, R has rows of zeros. The diagonal of
# R is real.
qr: Primitive = Primitive(
    name="qr",
    arity=1,
    results=2,
    infer=_qr_type,
    reference=lambda x, *, complete: tuple(np.linalg.qr(x, "complete" if complete else "reduced")),
    jvp=_qr_jvp,
    vjp=_qr_vjp,
    batch=lambda x, **attrs: qr.several(x, **attrs),
    emission=Library("qr", _qr_sizes),
    examples=(
        ((_TALL,), {"complete": False}),
        ((_TALL,), {"complete": True}),
        ((_B,), {"complete": False}),
        ((_TALL.astype(np.float32),), {"complete": False}),
        ((_TALL[:, :1],), {"complete": False}),
        ((np.ones((3, 0)),), {"complete": False}),
        ((_Z_TALL,), {"complete": True}),
        ((_Z,), {"complete": False}),
        ((_Z_TALL.astype(np.complex64),), {"complete": False}),
    ),
)
