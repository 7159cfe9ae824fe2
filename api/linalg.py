"""`tapejit.linalg`: functions of `scipy.linalg`, by SciPy's names and with SciPy's arguments.

SciPy's own functions do not dispatch on arrays of other libraries; those of `np.linalg` do, so write these
only for what NumPy lacks. On NumPy arrays they compute at once and return NumPy arrays. Arguments of SciPy's
that only tune speed (`overwrite_a`, `check_finite`, ...) are accepted and mean nothing.

>>> import numpy as np
>>> import tapejit as tj
>>> def misfit(a):
...     factor = tj.linalg.cho_factor(a, lower=True)
...     return np.sum(tj.linalg.cho_solve(factor, np.ones(2)))
>>> tj.grad(misfit)(np.array([[2.0, 1.0], [1.0, 3.0]]))
array([[-0.16, -0.08],
       [-0.08, -0.04]])
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tapejit.tracer.handle import Handle
from tapejit.tracer.surface import eigenvalue
from tapejit.tracer.surface import linalg as surface
from tapejit.tracer.surface import matrix_equation as equations
from tapejit.tracer.surface.function import Function

LinAlgError = np.linalg.LinAlgError


def _call(function: Function, *operands: Any, **statics: Any) -> Any:
    """On arrays of ours the operation, on others its value."""
    if any(isinstance(x, Handle) for x in operands):
        return function(*operands, **statics)
    values = [np.asarray(x) for x in operands]
    return function.op.numpy(*values, **statics)


# -- Factors ----------------------------------------------------------------------------------------------


def cholesky(a: Any, lower: bool = False, **tuning: Any) -> Any:
    """The Cholesky factor of a symmetric positive definite matrix f[..., n, n]; upper unless `lower`.

    One triangle is read; the gradient is that on symmetric matrices. LinAlgError if `a` is not positive
    definite.

    >>> cholesky(np.array([[4.0, 2.0], [2.0, 5.0]]))
    array([[2., 1.],
           [0., 2.]])
    """
    return _call(surface.cholesky, a, upper=not lower)


def cho_factor(a: Any, lower: bool = False, **tuning: Any) -> tuple[Any, bool]:
    """The Cholesky factor and `lower`, for `cho_solve`. The other triangle is zero (SciPy leaves it as is).

    >>> cho_factor(np.array([[4.0]]))
    (array([[2.]]), False)
    """
    return cholesky(a, lower), lower


def cho_solve(c_and_lower: tuple[Any, bool], b: Any, **tuning: Any) -> Any:
    """The solution of a x = b by the results of `cho_factor(a)`; b is f[n] or f[..., n, k].

    >>> cho_solve((np.array([[2.0]]), True), np.array([8.0]))
    array([2.])
    """
    c, lower = c_and_lower
    return _call(equations.cho_solve, c, b, lower=bool(lower))


def lu(a: Any, permute_l: bool = False, **tuning: Any) -> tuple[Any, ...]:
    """P, L, U of a square matrix with a = P L U, or P L and U with `permute_l`. P has no derivative.

    >>> [x.tolist() for x in lu(np.array([[0.0, 2.0], [1.0, 3.0]]))]
    [[[0.0, 1.0], [1.0, 0.0]], [[1.0, 0.0], [0.0, 1.0]], [[1.0, 3.0], [0.0, 2.0]]]
    """
    p, lower, upper = _call(equations.lu, a)
    return (np.matmul(p, lower), upper) if permute_l else (p, lower, upper)


def lu_factor(a: Any, **tuning: Any) -> tuple[Any, Any]:
    """Both factors of a square matrix in one, and the rows of `a` in their order (SciPy: exchanges of rows).

    >>> factors, order = lu_factor(np.array([[0.0, 2.0], [1.0, 3.0]]))
    >>> order
    array([1, 0])
    """
    factors, order = _call(equations.lu_factor, a)
    return factors, order


def lu_solve(lu_and_piv: tuple[Any, Any], b: Any, trans: int | str = 0, **tuning: Any) -> Any:
    """The solution of a x = b (`trans`: of the transposed system) by the results of `lu_factor(a)`.

    >>> lu_solve(lu_factor(np.array([[0.0, 2.0], [1.0, 3.0]])), np.array([2.0, 5.0]))
    array([2., 1.])
    """
    factors, order = lu_and_piv
    return _call(equations.lu_solve, factors, order, b, trans=trans)


# -- Systems ----------------------------------------------------------------------------------------------


def solve_triangular(
    a: Any, b: Any, trans: int | str = 0, lower: bool = False, unit_diagonal: bool = False, **tuning: Any
) -> Any:
    """The solution of a x = b for the upper (`lower`: the lower) triangle of a; the other is not read.

    LinAlgError if there is a zero on the diagonal.

    >>> solve_triangular(np.array([[2.0, 1.0], [0.0, 4.0]]), np.array([4.0, 8.0]))
    array([1., 2.])
    """
    how = {"trans": trans, "lower": lower, "unit_diagonal": unit_diagonal}
    return _call(equations.solve_triangular, a, b, **how)


def solve(
    a: Any, b: Any, lower: bool = False, assume_a: str | None = None, transposed: bool = False, **tuning: Any
) -> Any:
    """The solution of a x = b, b of f[n] or f[..., n, k], for what is known of a: "general" (the default),
    "symmetric", "positive definite", "lower triangular", "upper triangular", "diagonal".

    A structure is taken at its word: `lower` says which triangle of a symmetric matrix is read. LinAlgError
    for a singular matrix, or one that is not positive definite.

    >>> solve(np.array([[2.0, 0.0], [0.0, 4.0]]), np.array([4.0, 8.0]), assume_a="pos")
    array([2., 2.])
    """
    how = {"lower": lower, "assume_a": assume_a, "transposed": transposed}
    return _call(equations.solve, a, b, **how)


def inv(a: Any, **tuning: Any) -> Any:
    """The inverse; LinAlgError for a singular matrix.

    >>> inv(np.array([[4.0]]))
    array([[0.25]])
    """
    return _call(surface.inv, a)


def det(a: Any, **tuning: Any) -> Any:
    """The determinant; its gradient, the matrix of cofactors, is right for singular matrices too.

    >>> round(float(det(np.array([[2.0, 1.0], [0.0, 4.0]]))), 12)
    8.0
    """
    return _call(surface.det, a)


def eig(a: Any, **tuning: Any) -> tuple[Any, Any]:
    """Eigenvalues c[..., n] and, as columns of c[..., n, n], vectors of length 1: complex for every matrix.

    `np.linalg.eig` returns real ones where it can, for which Python has to look at the values; so `vmap` maps
    this one. Vectors of equal values have the derivative NaN. LinAlgError for NaN and infinities.

    >>> eig(np.array([[0.0, 1.0], [-1.0, 0.0]]))[0]
    array([0.+1.j, 0.-1.j])
    """
    values, vectors = _call(eigenvalue.complex_eig, a)
    return values, vectors


def eigvals(a: Any, **tuning: Any) -> Any:
    """The values of `eig`, as in SciPy complex for every matrix.

    >>> eigvals(np.array([[2.0, 1.0], [0.0, 3.0]]))
    array([2.+0.j, 3.+0.j])
    """
    return _call(eigenvalue.complex_eigvals, a)


# -- Functions of matrices, and matrices of structure ------------------------------------------------------


def expm(A: Any) -> Any:
    """The exponential of square matrices f[..., n, n].

    By the [13/13] Padé approximant with scaling and squaring (N. Higham, 2005); its derivative is that of
    this computation, in both modes and to any order.

    >>> expm(np.array([[0.0, 1.0], [0.0, 0.0]]))
    array([[1., 1.],
           [0., 1.]])
    """
    return _call(equations.expm, A)


def toeplitz(c: Any, r: Any = None) -> Any:
    """The matrix of constant diagonals with the first column c and the first row r (or c); r[0] is not read.

    >>> toeplitz(np.array([1.0, 2.0]), np.array([1.0, 3.0, 4.0]))
    array([[1., 3., 4.],
           [2., 1., 3.]])
    """
    column: Any = np.ravel(_array(c))
    row: Any = column if r is None else np.ravel(_array(r))
    values = np.concatenate([np.flip(column), row[1:]])
    rows, columns = column.shape[0], row.shape[0]
    places = np.arange(columns)[None, :] - np.arange(rows)[:, None] + rows - 1
    return values[places]


def block_diag(*arrs: Any) -> Any:
    """The matrices side by side along the diagonal, zeros elsewhere; vectors count as rows.

    >>> block_diag(np.array([[1.0]]), np.array([2.0, 3.0]))
    array([[1., 0., 0.],
           [0., 2., 3.]])
    """
    blocks = [_block(x) for x in arrs] or [np.zeros((1, 0))]
    width, before = sum(x.shape[1] for x in blocks), 0
    rows: list[Any] = []
    for x in blocks:
        rows.append(np.pad(x, ((0, 0), (before, width - before - x.shape[1]))))
        before += x.shape[1]
    return np.concatenate(rows)


def _array(x: Any) -> Any:
    return x if isinstance(x, Handle) else np.asarray(x)


def _block(x: Any) -> Any:
    x = _array(x)
    shape: Sequence[int] = (1,) * (2 - len(x.shape)) + tuple(x.shape)
    return np.reshape(x, tuple(shape))


__all__ = [
    "LinAlgError",
    "block_diag",
    "cho_factor",
    "cho_solve",
    "cholesky",
    "det",
    "expm",
    "inv",
    "lu",
    "lu_factor",
    "lu_solve",
    "solve",
    "solve_triangular",
    "toeplitz",
]
