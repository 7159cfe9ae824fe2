"""What `np.linalg` makes of factorisations and products, and what it returns under names."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tapejit.tracer.errors import MatrixError, ShapeError, UnsupportedError
from tapejit.tracer.handle import Handle
from tapejit.tracer.surface import linalg
from tapejit.tracer.surface.composed import composed

_UNIT = np.eye(1)
EighResult = type(np.linalg.eigh(_UNIT))
QRResult = type(np.linalg.qr(_UNIT))
SlogdetResult = type(np.linalg.slogdet(_UNIT))
SVDResult = type(np.linalg.svd(_UNIT))


def _array(x: Any) -> Any:
    """An argument that may be a list, or no array of ours."""
    return x if isinstance(x, Handle) else np.asarray(x)


# -- Under names -----------------------------------------------------------------------------------------


@composed(np.linalg.slogdet)
def slogdet(a: Any) -> Any:
    return SlogdetResult(*linalg.slogdet(a))


@composed(np.linalg.eigh)
def eigh(a: Any, UPLO: str = "L") -> Any:
    """Vectors that belong to equal values have no derivative: it is NaN."""
    return EighResult(*linalg.eigh(a, UPLO=UPLO))


@composed(np.linalg.qr)
def qr(a: Any, mode: str = "reduced") -> Any:
    """The derivative is that of matrices of full rank; modes: reduced, complete, r."""
    if mode not in ("reduced", "complete", "r"):
        raise UnsupportedError(f"the mode {mode!r} is not traced; use 'reduced', 'complete' or 'r'")
    found = linalg.qr(a, mode="complete" if mode == "complete" else "reduced")
    return found[1] if mode == "r" else QRResult(*found)


@composed(np.linalg.svd)
def svd(a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False) -> Any:
    """Vectors that belong to equal values have no derivative: it is NaN."""
    if not compute_uv:
        return -np.sort(-abs(linalg.eigvalsh(a))) if hermitian else linalg.svdvals(a)
    found = linalg.svd_hermitian(a) if hermitian else linalg.svd(a, full_matrices=full_matrices)
    return SVDResult(*found)


# -- Least squares, rank, condition ----------------------------------------------------------------------


@composed(np.linalg.lstsq)
def lstsq(a: Any, b: Any, rcond: float | None = None) -> tuple[Any, Any, Any, Any]:
    """By the pseudo-inverse. Residuals are there if `a` has more rows than columns, whatever its rank."""
    a, b = _array(a), _array(b)
    if len(a.shape) != 2 or len(b.shape) not in (1, 2) or a.shape[0] != b.shape[0]:
        raise MatrixError(f"shapes {a.shape} and {b.shape} are no system of equations")
    (m, n), dtype = a.shape, _common(a, b)
    a, b, unit = a.astype(dtype), b.astype(dtype), float(np.finfo(dtype).eps)
    cutoff = unit * max(m, n) if rcond is None else unit if rcond < 0 else float(rcond)
    values = np.linalg.svdvals(a)
    x = np.matmul(np.linalg.pinv(a, rcond=cutoff), b)
    rest = b - np.matmul(a, x)
    squares = np.real(rest * np.conjugate(rest))
    residuals = np.sum(squares, axis=0) if m > n else np.sum(squares[:0], axis=0, keepdims=True)[:0]
    rank = np.count_nonzero(values > cutoff * _largest(values)).astype("int32")
    return x, np.reshape(residuals, (-1,)), rank, values


def _common(*arrays: Any) -> Any:
    """NumPy's floating point for these."""
    dtype = np.result_type(*(x.dtype for x in arrays))
    return dtype if dtype.kind in "fc" else np.dtype(np.float64)


def _largest(values: Any) -> Any:
    return np.max(values, axis=-1, keepdims=True) if values.shape[-1] else values


@composed(np.linalg.matrix_rank)
def matrix_rank(A: Any, tol: Any = None, hermitian: bool = False, *, rtol: Any = None) -> Any:
    """An integer, with derivative zero."""
    if len(A.shape) < 2:
        return np.any(A != 0).astype("int64")
    if rtol is not None and tol is not None:
        raise ShapeError("give one of tol and rtol, not both")
    values = abs(linalg.eigvalsh(A)) if hermitian else linalg.svdvals(A)
    if tol is None:
        scale = max(A.shape[-2:]) * float(np.finfo(values.dtype).eps) if rtol is None else rtol
        bound = _largest(values) * scale
    else:
        bound = _array(tol)[..., None]
    return np.count_nonzero(values > bound, axis=-1)


@composed(np.linalg.cond)
def cond(x: Any, p: Any = None) -> Any:
    """Infinite for a singular matrix, as NumPy has it."""
    if 0 in x.shape[-2:]:
        raise MatrixError("an empty array has no condition number")
    if p in (None, 2, -2):
        values = linalg.svdvals(x)
        first, last = values[..., 0], values[..., -1]
        found = last / first if p == -2 else first / last
    else:
        order: Any = {"axis": (-2, -1), "ord": p}
        found = np.linalg.norm(x, **order) * np.linalg.norm(linalg.inv_or_nan(x), **order)
    unknown = np.logical_and(np.isnan(found), np.logical_not(np.any(np.isnan(x), axis=(-2, -1))))
    return np.where(unknown, np.inf, found)


# -- Products ---------------------------------------------------------------------------------------------


@composed(np.linalg.matrix_power)
def matrix_power(a: Any, n: int) -> Any:
    """By repeated squaring, of the inverse if n is negative."""
    if len(a.shape) < 2 or a.shape[-1] != a.shape[-2]:
        raise MatrixError(f"the last two dimensions have to be equal, got shape {a.shape}")
    if n == 0:
        return np.zeros_like(a) + np.eye(a.shape[-1], dtype=a.dtype)
    power, rest = (linalg.inv(a), -n) if n < 0 else (a, n)
    result = None
    while rest:
        if rest & 1:
            result = power if result is None else np.matmul(result, power)
        rest >>= 1
        power = np.matmul(power, power) if rest else power
    return result


@composed(np.linalg.multi_dot)
def multi_dot(arrays: Sequence[Any], *, out: Any = None) -> Any:
    """A product in the order that costs least; the first and the last may be vectors."""
    if out is not None:
        raise UnsupportedError("the argument `out` is not traced")
    if len(arrays) < 2:
        raise ShapeError("a product needs two arrays at least")
    first, *middle, last = map(_array, arrays)
    chain = [first if len(first.shape) > 1 else first[None, :], *middle]
    chain.append(last if len(last.shape) > 1 else last[:, None])
    if any(len(x.shape) != 2 for x in chain):
        raise MatrixError(f"a product of matrices, got shapes {[x.shape for x in chain]}")
    found = _chained(chain, _cuts([chain[0].shape[0], *(x.shape[1] for x in chain)]), 0, len(chain) - 1)
    shape = (*(first.shape[:-1]), *(last.shape[1:]))
    return found if found.shape == shape else np.reshape(found, shape)


def _cuts(sizes: Sequence[int]) -> dict[tuple[int, int], int]:
    """Where to cut each stretch of a chain of matrices (Cormen et al., Introduction to Algorithms, 15.2)."""
    count = len(sizes) - 1
    cost = {(i, i): 0 for i in range(count)}
    cuts: dict[tuple[int, int], int] = {}

    def whole(i: int, k: int, j: int) -> int:
        return cost[i, k] + cost[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1]

    for length in range(1, count):
        for i in range(count - length):
            j = i + length
            cost[i, j], cuts[i, j] = min((whole(i, k, j), k) for k in range(i, j))
    return cuts


def _chained(chain: Sequence[Any], cuts: dict[tuple[int, int], int], i: int, j: int) -> Any:
    if i == j:
        return chain[i]
    cut = cuts[i, j]
    return np.matmul(_chained(chain, cuts, i, cut), _chained(chain, cuts, cut + 1, j))


@composed(np.linalg.tensorinv)
def tensorinv(a: Any, ind: int = 2) -> Any:
    if ind <= 0:
        raise ShapeError(f"ind has to be positive, got {ind}")
    left, right = a.shape[:ind], a.shape[ind:]
    return np.reshape(linalg.inv(np.reshape(a, (math.prod(left), math.prod(right)))), (*right, *left))


@composed(np.linalg.tensorsolve)
def tensorsolve(a: Any, b: Any, axes: Sequence[int] | None = None) -> Any:
    a, b = _array(a), _array(b)
    if axes is not None:
        moved = [k for k in range(len(a.shape)) if k not in axes] + list(axes)
        a = np.transpose(a, tuple(moved))
    shape = a.shape[len(b.shape) :]
    size = math.prod(shape)
    if size * size != math.prod(a.shape):
        raise MatrixError(f"shapes {a.shape} and {b.shape} are no square system of equations")
    return np.reshape(linalg.solve(np.reshape(a, (size, size)), np.ravel(b)), shape)


@composed(np.linalg.matmul)
def matmul(x1: Any, x2: Any) -> Any:
    return np.matmul(x1, x2)


@composed(np.linalg.outer)
def outer(x1: Any, x2: Any) -> Any:
    if np.ndim(x1) != 1 or np.ndim(x2) != 1:
        raise ShapeError(f"an outer product is of two vectors, got shapes {np.shape(x1)} and {np.shape(x2)}")
    return np.outer(x1, x2)


@composed(np.linalg.tensordot)
def tensordot(x1: Any, x2: Any, *, axes: Any = 2) -> Any:
    return np.tensordot(x1, x2, axes=axes)


@composed(np.linalg.vecdot)
def vecdot(x1: Any, x2: Any, *, axis: int = -1) -> Any:
    return np.sum(_array(x1) * _array(x2), axis=axis)


@composed(np.linalg.diagonal)
def diagonal(x: Any, *, offset: int = 0) -> Any:
    return np.diagonal(x, offset, axis1=-2, axis2=-1)


@composed(np.linalg.trace)
def trace(x: Any, *, offset: int = 0, dtype: Any = None) -> Any:
    return np.sum(np.diagonal(x, offset, axis1=-2, axis2=-1), axis=-1, dtype=dtype)


@composed(np.linalg.cross)
def cross(x1: Any, x2: Any, *, axis: int = -1) -> Any:
    """Of vectors with three components."""
    x1, x2 = _array(x1), _array(x2)
    if x1.shape[axis] != 3 or x2.shape[axis] != 3:
        raise ShapeError(f"vectors of three components have a cross product, got {x1.shape} and {x2.shape}")
    a, b = ([np.moveaxis(x, axis, 0)[k] for k in range(3)] for x in (x1, x2))
    parts = [a[k - 2] * b[k - 1] - a[k - 1] * b[k - 2] for k in range(3)]
    return np.stack(parts, axis)
