"""The absolute value of complex numbers: the one row that takes them to reals and is not linear.

|z| changes by Re(conj(z) / |z| z_dot). At zero, where there is no derivative, it is zero, as for `abs`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tapejit.ir import ops
from tapejit.ir.complex_number import complex_, imag, part_type, real
from tapejit.ir.emission import Scalar
from tapejit.ir.primitive import Primitive

if TYPE_CHECKING:
    from tapejit.ir.builder import Var

_Z = np.array([0.3 - 1.7j, -1.2 + 0.4j, 2.5 + 0.6j])


def _direction(r: Var, z: Var) -> tuple[Var, Var]:
    """The parts of z / |z|, where r is |z|; zero at zero."""
    divisor = ops.select(ops.eq(r, r.like(0.0)), r.like(1.0), r)
    return real(z) / divisor, imag(z) / divisor


def _modulus_tangent(tangents: Any, r: Var, z: Var) -> Var:
    x, y = _direction(r, z)
    return x * real(tangents[0]) + y * imag(tangents[0])


def _modulus_adjoint(ct: Var, r: Var, z: Var) -> tuple[Var]:
    x, y = _direction(r, z)
    z_bar = complex_(ct * x, -(ct * y))
    return (z_bar if ct.mask is None else ct.mask.guard(z_bar),)


modulus: Primitive = Primitive(
    name="modulus",
    arity=1,
    results=1,
    infer=part_type,
    reference=np.abs,
    jvp=_modulus_tangent,
    vjp=_modulus_adjoint,
    batch=lambda z: modulus(z),
    emission=Scalar("modulus({0})"),
    examples=(((_Z,), {}), ((_Z.astype(np.complex64),), {})),
)
