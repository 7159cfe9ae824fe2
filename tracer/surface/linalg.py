"""`np.linalg` as operations on matrices in the last two dimensions: factorisations, solves, spectra.

These lower to the rows of `ir.factor`, `ir.solve`, `ir.spectrum` and `ir.determinant`. What NumPy returns
under names, and what is made of these, is in `matrix_function` and `norm`. Gradients of functions that read
one triangle are those on symmetric matrices, of complex ones on Hermitian ones.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tapejit.ir import determinant as determinants
from tapejit.ir import factor, matrix, ops, spectrum
from tapejit.ir import solve as systems
from tapejit.ir.builder import Var
from tapejit.ir.sort import argsort
from tapejit.tracer.errors import MatrixError, ShapeError, UnsupportedError
from tapejit.tracer.operation import Operand, as_var, broadcast_to, float_dtype
from tapejit.tracer.surface.function import traced
from tapejit.tracer.surface.indexing import along
from tapejit.tracer.surface.interpreted import own


def matrices(a: Operand) -> Var:
    """The operand in floating point; MatrixError unless it has two dimensions."""
    x = as_var(a, float_dtype(a))
    if len(x.shape) < 2:
        raise MatrixError(f"{len(x.shape)}-dimensional array given; a matrix has two dimensions at least")
    return x


def square(a: Operand) -> Var:
    """The same, and rows as many as columns."""
    x = matrices(a)
    if x.shape[-1] != x.shape[-2]:
        raise MatrixError(f"the last two dimensions have to be equal, got shape {x.shape}")
    return x


# -- Factors ---------------------------------------------------------------------------------------------


@traced(np.linalg.cholesky)
def cholesky(a: Operand, *, upper: bool = False) -> Var:
    """The factor of a positive definite matrix; LinAlgError, with your line, when it runs, for another one.

    One triangle is read, and the gradient is Hermitian: that on Hermitian matrices.
    """
    x = square(a)
    return matrix.turned(factor.cholesky(matrix.turned(x))) if upper else factor.cholesky(x)


@traced(name="qr", numpy=lambda a, *, mode: tuple(np.linalg.qr(a, mode)))
def qr(a: Operand, *, mode: str) -> tuple[Var, Var]:
    x = matrices(a)
    m, n = x.shape[-2:]
    if m >= n:
        q, r = factor.qr.several(x, complete=mode == "complete")
        return q, r
    q, left = factor.qr.several(matrix.columns(x, 0, m), complete=False)
    right = matrix.product(matrix.conj(q), matrix.columns(x, m, n), turn=(True, False))
    return q, ops.concat(left, right, axis=len(x.shape) - 1)


# -- Systems ---------------------------------------------------------------------------------------------


def system(a: Operand, b: Operand, *, columns: bool) -> tuple[Var, Var]:
    """Matrices and right sides of one dtype, broadcast to one stack. `columns`: b is no stack of vectors."""
    dtype = float_dtype(a, b)
    x, y = as_var(square(a), dtype), as_var(b, dtype)
    y = y if columns else ops.reshape(y, shape=(*y.shape, 1))
    if len(y.shape) < 2 or y.shape[-2] != x.shape[-1]:
        raise ShapeError(f"right sides of shape {y.shape} do not fit matrices of shape {x.shape}")
    try:
        batch = np.broadcast_shapes(x.shape[:-2], y.shape[:-2])
    except ValueError:
        raise ShapeError(f"stacks of shapes {x.shape} and {y.shape} do not broadcast together") from None
    return broadcast_to(x, batch + x.shape[-2:]), broadcast_to(y, batch + y.shape[-2:])


def as_given(found: Var, columns: bool) -> Var:
    """A solution in the form of the right sides."""
    return found if columns else ops.reshape(found, shape=found.shape[:-1])


@traced(np.linalg.solve)
def solve(a: Operand, b: Operand) -> Var:
    """The solution of a x = b; as in NumPy 2, b is a vector if it has one dimension, else matrices.

    A singular matrix raises LinAlgError, with your line, when it runs.
    """
    columns = len(as_var(b).shape) != 1
    x, y = system(a, b, columns=columns)
    found = systems.lu_solve(x, *factor.lu.several(x), y, turn=False, strict=True)
    return as_given(found, columns)


@traced(np.linalg.inv)
def inv(a: Operand) -> Var:
    x = square(a)
    return systems.inverse(x, *factor.lu.several(x), strict=True)


@own
def inv_or_nan(a: Operand) -> Var:
    """The inverse; of a singular matrix infinities or NaN."""
    x = square(a)
    return systems.inverse(x, *factor.lu.several(x))


@traced(np.linalg.det)
def det(a: Operand) -> Var:
    """The gradient is the matrix of cofactors, right for singular matrices too."""
    x = square(a)
    return determinants.determinant(x, *factor.lu.several(x))


@traced(name="slogdet", numpy=lambda a: tuple(np.linalg.slogdet(a)))
def slogdet(a: Operand) -> tuple[Var, Var]:
    x = square(a)
    sign, logarithm = determinants.log_determinant.several(x, *factor.lu.several(x))
    return sign, logarithm


# -- Spectra ---------------------------------------------------------------------------------------------


def _is_lower(uplo: str) -> bool:
    """Which triangle is read."""
    if uplo not in ("L", "U", "l", "u"):
        raise ShapeError(f"UPLO has to be 'L' or 'U', got {uplo!r}")
    return uplo in "Ll"


@traced(name="eigh", numpy=lambda a, *, UPLO="L": tuple(np.linalg.eigh(a, UPLO)))
def eigh(a: Operand, *, UPLO: str = "L") -> tuple[Var, Var]:
    values, vectors = spectrum.eigh.several(square(a), lower=_is_lower(UPLO))
    return values, vectors


@traced(np.linalg.eigvalsh)
def eigvalsh(a: Operand, *, UPLO: str = "L") -> Var:
    """The gradient of equal values is that of the vectors that LAPACK chose; it is never NaN."""
    return spectrum.eigh.several(square(a), lower=_is_lower(UPLO))[0]


@traced(name="svd", numpy=lambda a, *, full_matrices=True: tuple(np.linalg.svd(a, full_matrices)))
def svd(a: Operand, *, full_matrices: bool = True) -> tuple[Var, Var, Var]:
    u, s, vt = spectrum.svd.several(matrices(a), full=full_matrices)
    return u, s, vt


@traced(name="svd_hermitian", numpy=lambda a: tuple(np.linalg.svd(a, hermitian=True)))
def svd_hermitian(a: Operand) -> tuple[Var, Var, Var]:
    """By the eigenvalues: their sizes, descending; their signs go into V."""
    values, vectors = spectrum.eigh.several(square(a), lower=True)
    last = len(values.shape) - 1
    order = ops.reverse(argsort(ops.abs_(values)), axes=(last,))
    columns = ops.reshape(order, shape=(*order.shape[:-1], 1, order.shape[-1]))
    u, ordered = along(vectors, columns, last + 1), along(values, order, last)
    return u, ops.abs_(ordered), matrix.dagger(matrix.scaled_columns(u, ops.sign(ordered)))


@traced(np.linalg.svdvals)
def svdvals(x: Operand) -> Var:
    """The gradient of equal values is that of the vectors that LAPACK chose; it is never NaN."""
    return spectrum.svd.several(matrices(x), full=False)[1]


def _epsilon(x: Var) -> float:
    """The unit of rounding."""
    return float(np.finfo(x.type.numpy_dtype).eps)


@traced(np.linalg.pinv)
def pinv(a: Operand, *, rcond: Any = None, hermitian: bool = False, rtol: Any = np._NoValue) -> Var:
    """The pseudo-inverse; its gradient is right where the rank stays. `hermitian` is believed."""
    x = matrices(a)
    if rcond is not None and rtol is not np._NoValue:
        raise ShapeError("give one of rcond and rtol, not both")
    default = 1e-15 if rtol is np._NoValue else max(x.shape[-2:]) * _epsilon(x)
    cutoff = rcond if rcond is not None else default if rtol in (np._NoValue, None) else rtol
    if not isinstance(cutoff, int | float):
        raise UnsupportedError("pinv: a cutoff for each matrix is not traced; give one number")
    return spectrum.pinv(x, cutoff=float(cutoff))
