"""Eigenvalues of matrices that need not be symmetric: `np.linalg.eig`, `eigvals` and `np.roots`.

The operation is complex whatever the matrix is. NumPy returns real arrays if all values of a real matrix are
real; so do these, for which Python looks at the values, as `bool(x)` does. Start with `eig`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tapejit.ir.builder import Var
from tapejit.ir.eigen import eig as row
from tapejit.tracer.errors import ShapeError
from tapejit.tracer.handle import Handle
from tapejit.tracer.operation import Operand
from tapejit.tracer.surface.composed import array, composed, seen
from tapejit.tracer.surface.function import traced
from tapejit.tracer.surface.linalg import square

EigResult = type(np.linalg.eig(np.eye(1)))


def _complex_eig(a: Any) -> tuple[Any, ...]:
    return tuple(x.astype(np.result_type(x, np.complex64)) for x in np.linalg.eig(a))


@traced(name="eig", numpy=_complex_eig)
def complex_eig(a: Operand) -> tuple[Var, Var]:
    """Complex values, and vectors of length 1 as columns."""
    values, vectors = row.several(square(a))
    return values, vectors


@traced(name="eigvals", numpy=lambda a: _complex_eig(a)[0])
def complex_eigvals(a: Operand) -> Var:
    return row.several(square(a))[0]


@composed(np.linalg.eig)
def eig(a: Any) -> Any:
    """Vectors of equal values have no derivative: it is NaN."""
    values, vectors = complex_eig(a)
    return EigResult(*map(np.real, (values, vectors))) if _real(a, values) else EigResult(values, vectors)


@composed(np.linalg.eigvals)
def eigvals(a: Any) -> Any:
    values = complex_eigvals(a)
    return np.real(values) if _real(a, values) else values


def _real(a: Any, values: Any) -> bool:
    """Whether NumPy would return real arrays: Python looks at the values."""
    kind = a.type.numpy_dtype.kind if isinstance(a, Handle) else np.asarray(a).dtype.kind
    return kind != "c" and bool(np.all(np.imag(values) == 0.0))


@composed(np.roots)
def roots(p: Any) -> Any:
    """Eigenvalues of the companion matrix. Python looks where the coefficients are zero."""
    p = np.atleast_1d(array(p))
    if len(p.shape) != 1:
        raise ShapeError(f"the coefficients of a polynomial are a vector, got shape {p.shape}")
    places = np.flatnonzero(seen(p != 0))
    if not len(places):
        return np.zeros_like(p[:0], dtype=np.float64)
    trailing, p = p.shape[0] - int(places[-1]) - 1, p[int(places[0]) : int(places[-1]) + 1]
    p = p if p.dtype.kind in "fc" else p.astype(np.float64)
    if p.shape[0] == 1:
        return np.zeros_like(p[:0], shape=(trailing,), dtype=np.float64)
    below = np.eye(p.shape[0] - 1, dtype=p.dtype)[:-1]
    found = eigvals(np.concatenate([(-p[1:] / p[0])[None, :], below]))
    return np.concatenate([found, np.zeros_like(found, shape=(trailing,))]) if trailing else found
