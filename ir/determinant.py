"""Determinants by an LU factor that is at hand: the rows of `determinant` and `log_determinant`.

As in `ir.solve` the derivative is that with respect to the matrix. That of the determinant is the matrix of
cofactors: det(A) A^-T, and where A is singular (a pivot that is zero up to rounding) what singular values
give, which is right for any rank.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from tapejit.ir import ops
from tapejit.ir.control import cond
from tapejit.ir.emission import Library
from tapejit.ir.factor import lu, square_sizes
from tapejit.ir.matrix import (
    as_numbers_of,
    conj,
    diagonal,
    magnitude,
    product,
    real,
    real_type,
    scaled_columns,
    square_matrices,
)
from tapejit.ir.primitive import Primitive
from tapejit.ir.region import region_of
from tapejit.ir.solve import inverse
from tapejit.ir.spectrum import svd
from tapejit.ir.types import TensorType

if TYPE_CHECKING:
    from tapejit.ir.builder import Var

_A = np.array([[0.4, 1.3, -0.6], [2.1, -0.7, 0.5], [0.9, 0.8, 1.7]])
_B = np.sin(np.arange(1.0, 19.0) ** 1.5).reshape(2, 3, 3)


def _det_type(a: TensorType, factor: TensorType, order: TensorType) -> TensorType:
    if factor != square_matrices(a) or order != a.with_shape(a.shape[:-1]).with_dtype("i64"):
        raise TypeError(f"{factor} and {order} are not the LU factors of {a}")
    return a.with_shape(a.shape[:-2])


def _per_matrix(y: Var, like: Var) -> Var:
    """One number for each matrix, repeated over its elements."""
    return ops.broadcast(y, shape=like.shape, dims=tuple(range(len(y.shape))))


def _total(x: Var) -> Var:
    """The sum over each matrix."""
    rank = len(x.shape)
    return ops.reduce_sum(x, axes=(rank - 2, rank - 1))


def _with_factors(*matrices: np.ndarray) -> tuple[Any, ...]:
    return tuple(((a, *lu.reference(a)), {}) for a in matrices)


_EXAMPLES = _with_factors(
    _A,
    _B,
    _A.astype(np.float32),
    _A[:1, :1],
    np.ones((0, 0)),
    np.stack([_A + 1j * np.eye(3), 1j * _A.T - _A]),
    (_A + 0.5j * _A.T).astype(np.complex64),
)

# -- The determinant ---------------------------------------------------------------------------------------


def _cofactors(r: Var, a: Var, factor: Var, order: Var) -> Var:
    singular = _some_singular(diagonal(factor))
    operands = (r, a, factor, order)
    regions = (region_of("singular", operands, _by_values), region_of("regular", operands, _by_inverse))
    return cond(singular, *operands, regions=regions)


def _some_singular(pivots: Var) -> Var:
    """Whether one of the matrices is singular as far as its pivots, which are rounded, can tell."""
    sizes = magnitude(pivots)
    axes, last = tuple(range(len(pivots.shape))), len(pivots.shape) - 1
    if not pivots.type.size:
        return ops.reduce_any(ops.lt(sizes, sizes), axes=axes)
    unit = float(np.finfo(pivots.type.numpy_dtype).eps) * pivots.shape[-1]
    bound = ops.broadcast(ops.reduce_max(sizes, axes=(last,)) * unit, shape=sizes.shape, dims=axes[:-1])
    return ops.reduce_any(ops.le(sizes, bound), axes=axes)


def _by_inverse(r: Var, a: Var, factor: Var, order: Var) -> Iterable[Var]:
    """det(A) A^-T."""
    found = inverse(a, factor, order, turn=True)
    return [_per_matrix(r, found) * found]


def _by_values(r: Var, a: Var, factor: Var, order: Var) -> Iterable[Var]:
    """With A = U diag(s) V^H: det(U V^H) conj(U diag(the products of the other values) V^H)."""
    u, s, vt = svd.several(a, full=False)
    axes = (len(s.shape) - 1,)
    rule: Any = ops.reduce_prod.vjp
    others = rule(_ones(s), ops.reduce_prod(s, axes=axes), s, axes=axes)[0]
    both = product(u, vt)
    sign, _ = log_determinant.several(both, *lu.several(both))
    found = conj(product(scaled_columns(u, others), vt))
    return [_per_matrix(sign, found) * found]


def _ones(s: Var) -> Var:
    return s.builder.full(s.type.with_shape(s.shape[:-1]), 1.0)


determinant: Primitive = Primitive(
    name="determinant",
    arity=3,
    results=1,
    infer=_det_type,
    reference=lambda a, factor, order: np.asarray(np.linalg.det(a), a.dtype),
    jvp=lambda ts, r, *xs: None if ts[0] is None else _total(_cofactors(r, *xs) * ts[0]),
    vjp=lambda ct, r, *xs: (_per_matrix(ct, xs[0]) * _cofactors(r, *xs), None, None),
    batch=lambda *xs: determinant(*xs),
    emission=Library("determinant", square_sizes, reads=(1, 2)),
    examples=_EXAMPLES,
)

# -- Its logarithm -----------------------------------------------------------------------------------------


def _log_type(*types: TensorType) -> tuple[TensorType, TensorType]:
    found = _det_type(*types)
    return found, real_type(found)


def _reference_log(a: np.ndarray, factor: np.ndarray, order: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    sign, logarithm = np.linalg.slogdet(a)
    return np.asarray(sign, a.dtype), np.asarray(logarithm, a.real.dtype)


def _log_jvp(ts: Any, rs: tuple[Var, Var], *xs: Var) -> tuple[Var | None, Var | None]:
    """With t = tr(A^-1 dA): the logarithm moves by Re t, a complex sign by sign (i Im t)."""
    if ts[0] is None:
        return None, None
    trace = _total(inverse(*xs, turn=True) * ts[0])
    along = real(trace)
    return rs[0] * (trace - as_numbers_of(trace, along)) if trace.is_complex else None, along


def _log_vjp(cts: tuple[Var, Var], rs: tuple[Var, Var], *xs: Var) -> tuple[Var, None, None]:
    """The transpose of the tangent."""
    trace_bar = as_numbers_of(xs[0], cts[1])
    if xs[0].is_complex:
        turning = cts[0] * rs[0]
        trace_bar = trace_bar + turning - as_numbers_of(turning, real(turning))
    return _per_matrix(trace_bar, xs[0]) * inverse(*xs, turn=True), None, None


# The sign (0 for a singular matrix, else of modulus 1) and the logarithm of the absolute value.
log_determinant: Primitive = Primitive(
    name="log_determinant",
    arity=3,
    results=2,
    infer=_log_type,
    reference=_reference_log,
    jvp=_log_jvp,
    vjp=_log_vjp,
    batch=lambda *xs: log_determinant.several(*xs),
    emission=Library("log_determinant", square_sizes, reads=(1, 2)),
    examples=_EXAMPLES,
)
