"""The rows that lead into the complex numbers and out of them: `complex`, `real`, `imag`, `conj`.

Derivatives follow one convention (JAX's): the adjoint z_bar of z = x + iy is x_bar - i y_bar, so that the
change of a real result is Re(z_bar z_dot). With it the adjoint of a C-linear map is its plain transpose,
and a row that is holomorphic needs no rule but its partials; only the rows here take a number apart.
Start at `real` and `complex_`: each is the transpose of the other up to a sign.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tapejit.ir.emission import Scalar
from tapejit.ir.primitive import Primitive, linear, same_type
from tapejit.ir.types import COMPLEX_OF, REAL_OF, TensorType

if TYPE_CHECKING:
    from tapejit.ir.builder import Var

_Z = np.array([0.3 - 1.7j, -1.2 + 0.4j, 2.5 + 0.6j])
_SINGLE = _Z.astype(np.complex64)
_EXAMPLES: tuple[Any, ...] = (((_Z,), {}), ((_SINGLE,), {}), ((_Z.reshape(3, 1),), {}))


def _complex_type(x: TensorType, y: TensorType) -> TensorType:
    part = same_type(x, y)
    if part.dtype not in COMPLEX_OF:
        raise TypeError(f"the parts of a complex number are f64 or f32, got {part}")
    return part.with_dtype(COMPLEX_OF[part.dtype])


def _only_complex(x: TensorType) -> TensorType:
    if not x.is_complex:
        raise TypeError(f"expected c128 or c64, got {x}")
    return x


def part_type(x: TensorType) -> TensorType:
    return x.with_dtype(REAL_OF[_only_complex(x).dtype])


def _reference_complex(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    result = np.empty(np.shape(x), np.result_type(x, np.complex64))
    result.real, result.imag = x, y
    return result


def _complex_tangent(tangents: Any, r: Var, x: Var, y: Var) -> Var:
    x_dot, y_dot = (p.like(0.0) if t is None else t for t, p in zip(tangents, (x, y), strict=True))
    return complex_(x_dot, y_dot)


def _complex_adjoint(ct: Var, r: Var, x: Var, y: Var) -> tuple[Var, Var]:
    return real(ct).masked_by(ct.mask), (-imag(ct)).masked_by(ct.mask)


complex_: Primitive = Primitive(
    name="complex",
    arity=2,
    results=1,
    infer=_complex_type,
    reference=_reference_complex,
    jvp=_complex_tangent,
    vjp=_complex_adjoint,
    batch=lambda x, y: complex_(x, y),
    emission=Scalar("complex({0}, {1})"),
    examples=(((_Z.real, _Z.imag), {}), ((_SINGLE.real, _SINGLE.imag), {})),
)
real: Primitive = linear(
    "real",
    infer=part_type,
    reference=lambda z: np.real(z).copy(),
    transpose=lambda ct, z: complex_(ct, ct.like(0.0)),
    moves=lambda mask, z: mask,
    batch=lambda z: real(z),
    emission=Scalar("{0}.real"),
    examples=_EXAMPLES,
)
imag: Primitive = linear(
    "imag",
    infer=part_type,
    reference=lambda z: np.imag(z).copy(),
    transpose=lambda ct, z: complex_(ct.like(0.0), -ct),
    moves=lambda mask, z: mask,
    batch=lambda z: imag(z),
    emission=Scalar("{0}.imag"),
    examples=_EXAMPLES,
)
conj: Primitive = linear(
    "conj",
    infer=_only_complex,
    reference=np.conjugate,
    transpose=lambda ct, z: conj(ct),
    moves=lambda mask, z: mask,
    batch=lambda z: conj(z),
    emission=Scalar("{0}.conjugate()"),
    examples=_EXAMPLES,
)
