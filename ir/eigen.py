"""Eigenvalues and eigenvectors of matrices of any kind: the row of `eig`.

Derivatives: C. Boeddeker et al., "On the computation of complex-valued gradients with application to
statistically optimum beamforming" (2017); M. Giles (2008), section 3.1. Vectors are LAPACK's, and so is
what their derivatives keep: the length is 1, and the component of the largest size is real. Where two values
are equal, vectors have no derivative: NaN, unless nothing depends on them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tapejit.ir import ops
from tapejit.ir.complex_number import complex_, imag
from tapejit.ir.emission import Library
from tapejit.ir.factor import lu, square_sizes
from tapejit.ir.matrix import (
    along_columns,
    as_numbers_of,
    conj,
    diagonal,
    diagonal_matrix,
    is_zero,
    magnitude,
    place,
    product,
    real,
    scaled_columns,
    square_matrices,
)
from tapejit.ir.primitive import Primitive
from tapejit.ir.solve import lu_solve
from tapejit.ir.spectrum import adjoint_over, over_gaps, tangent_over
from tapejit.ir.types import COMPLEX_OF, TensorType

if TYPE_CHECKING:
    from tapejit.ir.builder import Var

_A = np.array([[0.4, 1.3, -0.6], [-2.1, -0.7, 0.5], [0.9, 0.8, 1.7]])  # one real value, two complex ones
_STACK = np.stack([_A, np.array([[0.4, 1.3, 0.6], [2.1, -0.7, 0.5], [0.9, 0.8, 1.7]])])


def _type(x: TensorType) -> tuple[TensorType, TensorType]:
    found = square_matrices(x).with_dtype(COMPLEX_OF.get(x.dtype, x.dtype))
    return found.with_shape(x.shape[:-1]), found


def _reference(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    dtype = np.result_type(x, np.complex64)
    w, v = np.linalg.eig(x)
    return w.astype(dtype), v.astype(dtype)


def _jvp(ts: Any, rs: tuple[Var, Var], x: Var) -> tuple[Var, Var]:
    """With P = V^-1 dA V and Q = P / (w_j - w_i): dw = diag(P), dV = V (Q - diag(Re diag(V^H V Q))), where
    each vector is turned back so far that its largest component stays real."""
    w, v = rs
    inner = _solved(v, product(as_numbers_of(v, ts[0]), v), turn=False)
    turns = over_gaps(tangent_over, inner, w)
    growth = real(diagonal(product(conj(v), product(v, turns), turn=(True, False))))
    moved = product(v, turns) - scaled_columns(v, growth)
    angle = imag(ops.reduce_sum(_over_largest(v) * moved, axes=(len(v.shape) - 2,)))
    return diagonal(inner), moved - scaled_columns(v, _imaginary(angle))


def _over_largest(v: Var) -> Var:
    """At the largest component of each vector its reciprocal, 0 elsewhere."""
    if not v.type.size:
        return v
    first = ops.argmax(magnitude(v), axes=(len(v.shape) - 2,))
    largest = ops.eq(place(v, -2), along_columns(first, v.shape))
    return ops.select(largest, 1.0 / ops.select(largest, v, v.like(1.0)), v.like(0.0))


def _imaginary(y: Var) -> Var:
    return complex_(y.like(0.0), y)


def _vjp(cts: tuple[Var, Var], rs: tuple[Var, Var], x: Var) -> tuple[Var]:
    """The transpose of the tangent."""
    (w_bar, v_bar), (w, v) = cts, rs
    values_alone = is_zero(v_bar)
    inner = diagonal_matrix(w_bar)
    if not values_alone:
        angle = imag(ops.reduce_sum(v * v_bar, axes=(len(v.shape) - 2,)))
        v_bar = v_bar - scaled_columns(_over_largest(v), _imaginary(angle))
        turns = product(v, v_bar, turn=(True, False))
        gram = product(v, conj(v), turn=(True, False))
        turns = turns - scaled_columns(gram, real(diagonal(turns)))
        inner = inner + over_gaps(adjoint_over, turns, w)
    found = _solved(v, product(inner, v, turn=(False, True)), turn=True)
    return (found if x.is_complex else real(found),)


def _solved(v: Var, b: Var, *, turn: bool) -> Var:
    return lu_solve(v, *lu.several(v), b, turn=turn, strict=False)


# Values and, as columns, vectors of length 1; complex ones of real matrices too.
eig: Primitive = Primitive(
    name="eig",
    arity=1,
    results=2,
    infer=_type,
    reference=_reference,
    jvp=_jvp,
    vjp=_vjp,
    batch=lambda x: eig.several(x),
    emission=Library("eig", square_sizes, extras=(1,), failure="Eigenvalues did not converge"),
    examples=(
        ((_A,), {}),
        ((_STACK,), {}),
        ((_A.astype(np.float32),), {}),
        ((_A[:1, :1],), {}),
        ((np.ones((2, 0, 0)),), {}),
        ((_STACK + 1j * _STACK[::-1],), {}),
        (((_A + 0.5j * _A.T).astype(np.complex64),), {}),
    ),
)
