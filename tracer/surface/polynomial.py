"""Polynomials as rows of coefficients, the highest power first: `np.polyval` and kin."""

from __future__ import annotations

from typing import Any

import numpy as np

from tapejit.tracer.surface.composed import array, composed, seen


def _row(p: Any) -> Any:
    return np.atleast_1d(array(p))


@composed(np.polyval)
def polyval(p: Any, x: Any) -> Any:
    """By Horner's rule."""
    found = np.zeros_like(array(x))
    for coefficient in _row(p):
        found = found * x + coefficient
    return found


def _padded(p: Any, size: int) -> Any:
    row = _row(p)
    missing = size - row.shape[0]
    return np.concatenate([np.zeros(missing, row.dtype), row]) if missing else row


@composed(np.polyadd)
def polyadd(a1: Any, a2: Any) -> Any:
    size = max(_row(a1).shape[0], _row(a2).shape[0])
    return _padded(a1, size) + _padded(a2, size)


@composed(np.polysub)
def polysub(a1: Any, a2: Any) -> Any:
    size = max(_row(a1).shape[0], _row(a2).shape[0])
    return _padded(a1, size) - _padded(a2, size)


def _trimmed(p: Any) -> Any:
    """Without leading zeros: Python looks where they are."""
    row = _row(p)
    found = np.flatnonzero(seen(row != 0))
    return row[found[0] :] if len(found) else row[-1:]


@composed(np.polymul)
def polymul(a1: Any, a2: Any) -> Any:
    return np.convolve(_trimmed(a1), _trimmed(a2))


@composed(np.polydiv)
def polydiv(u: Any, v: Any) -> tuple[Any, Any]:
    """Python looks at the leading coefficients of the remainder."""
    rest, divisor = _row(u) + 0.0, _row(v) + 0.0
    degree, size = divisor.shape[0] - 1, rest.shape[0]
    factors, scale = [], 1.0 / divisor[0]
    for k in range(max(size - degree, 1)):
        if k > size - degree - 1:
            return np.zeros(1, rest.dtype), rest
        factor = scale * rest[k]
        factors.append(factor)
        before, after = np.zeros(k, rest.dtype), np.zeros(size - degree - 1 - k, rest.dtype)
        rest = rest - np.concatenate([before, divisor * factor, after])
    kept = seen(np.abs(rest) > 1e-8)
    first = int(np.flatnonzero(kept)[0]) if kept.any() else size - 1
    return np.stack(factors), rest[first:]


@composed(np.polyder)
def polyder(p: Any, m: int = 1) -> Any:
    row = _row(p)
    if m < 0:
        raise ValueError("Order of derivative must be positive (see polyint)")
    for _ in range(int(m)):
        row = row[:-1] * np.arange(row.shape[0] - 1, 0, -1)
    return row


@composed(np.polyint)
def polyint(p: Any, m: int = 1, k: Any = None) -> Any:
    constants: Any = np.zeros(m) if k is None else _row(k)
    constants = np.broadcast_to(constants, (m,)) if np.shape(constants) == (1,) else constants
    row = _row(p)
    for step in range(int(m)):
        row = np.concatenate([row / np.arange(row.shape[0], 0, -1), _row(constants[step])])
    return row


@composed(np.poly)
def poly(seq_of_zeros: Any) -> Any:
    zeros = _row(seq_of_zeros)
    if len(zeros.shape) != 1:
        raise ValueError("the polynomial of a matrix is not traced; give its eigenvalues")
    one = np.ones((), zeros.dtype)
    found: Any = np.ones(1, zeros.dtype)
    for zero in zeros:
        found = np.convolve(found, np.stack([one, -zero]))
    return found


@composed(np.polyfit)
def polyfit(
    x: Any, y: Any, deg: int, rcond: float | None = None, full: bool = False, w: Any = None, cov: Any = False
) -> Any:
    """Least squares on columns of unit length, as NumPy does it."""
    if full or cov or np.ndim(deg):
        raise ValueError("`full`, `cov` and several degrees are not traced")
    columns, right = np.vander(x * 1.0, int(deg) + 1), y * 1.0
    if w is not None:
        columns = columns * w[:, None]
        right = right * (w if len(right.shape) == 1 else w[:, None])
    scale = np.sqrt(np.sum(columns * columns, axis=0))
    limit = len(x) * np.finfo(np.float64).eps if rcond is None else rcond
    found = np.linalg.lstsq(columns / scale, right, limit)[0]
    return (found.T / scale).T
