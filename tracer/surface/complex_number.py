"""Functions of complex numbers and their parts; of real numbers they are what NumPy says.

`real` and `imag` are views, as in NumPy: what is written to them changes the array.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tapejit.ir import complex_number, ops
from tapejit.ir.builder import Var
from tapejit.ir.modulus import modulus
from tapejit.tracer.errors import DtypeError
from tapejit.tracer.handle import Handle
from tapejit.tracer.operation import Operand, as_var, broadcast_to, cast, float_dtype
from tapejit.tracer.surface.composed import composed
from tapejit.tracer.surface.function import traced


def parts(z: Var) -> tuple[Var, Var]:
    """The real part and the imaginary part of a complex number."""
    return complex_number.real(z), complex_number.imag(z)


def turned(z: Var) -> Var:
    """iz, with the signs of zeros."""
    x, y = parts(z)
    return complex_number.complex_(-y, x)


def turned_back(z: Var) -> Var:
    """-iz, with the signs of zeros."""
    x, y = parts(z)
    return complex_number.complex_(y, -x)


def expm1(z: Var) -> Var:
    """exp(z) - 1 by its parts: exp(x) cos(y) - 1 is expm1(x) cos(y) - 2 sin(y/2)**2."""
    x, y = parts(z)
    half = ops.sin(0.5 * y)
    real_part = ops.expm1(x) * ops.cos(y) - 2.0 * half * half
    return complex_number.complex_(real_part, ops.exp(x) * ops.sin(y))


def log1p(z: Var) -> Var:
    """log(1 + z) by its parts, the logarithm of |1 + z| and the angle.

    Where z is small, the former is half that of |1 + z|**2 = 1 + x (2 + x) + y**2, which is lost near z = -1.
    """
    x, y = parts(z)
    small = ops.le(square_magnitude(z), x.like(0.25))
    u, v = parts(ops.select(small, z, z.like(0.0)))
    near = 0.5 * ops.log1p(u * (2.0 + u) + v * v)
    far = ops.log(modulus(ops.select(small, z.like(1.0), z + 1.0)))
    return complex_number.complex_(ops.select(small, near, far), ops.arctan2(y, 1.0 + x))


def _with_real(z: Var, part: Operand) -> Var:
    """z after `z.real = part`."""
    if not z.is_complex:
        return _fitted(part, z)
    x, y = parts(z)
    return complex_number.complex_(_fitted(part, x), y)


def _with_imag(z: Var, part: Operand) -> Var:
    """z after `z.imag = part`."""
    if not z.is_complex:
        raise DtypeError(f"{z.type} has no imaginary part to write to; convert it: x.astype('complex128')")
    x, y = parts(z)
    return complex_number.complex_(x, _fitted(part, y))


def _fitted(part: Operand, like: Var) -> Var:
    return broadcast_to(as_var(part, like.dtype), like.shape)


@traced(np.real, view=True, numpy=lambda x: np.asarray(x).real, write=_with_real)
def real(val: Var) -> Var:
    return complex_number.real(val) if val.is_complex else val


@traced(np.imag, view=True, numpy=lambda x: np.asarray(x).imag, write=_with_imag)
def imag(val: Var) -> Var:
    return complex_number.imag(val) if val.is_complex else val.like(0)


def conj(x: Var) -> Var:
    """The conjugate; a real number itself."""
    return complex_number.conj(x) if x.is_complex else x


def magnitude(x: Var) -> Var:
    """The absolute value, which is real. At zero the derivative is zero."""
    return modulus(x) if x.is_complex else ops.abs_(x)


def square_magnitude(x: Var) -> Var:
    """|x|**2, which is real."""
    squares = [part * part for part in (parts(x) if x.is_complex else (x,))]
    return sum(squares[1:], squares[0])


def scaled(x: Var, factor: float) -> Var:
    """x times a real number, part by part: an infinite part leaves the other one alone."""
    return complex_number.complex_(*(part * factor for part in parts(x))) if x.is_complex else x * factor


@traced(np.conjugate)
def conjugate(x: Var) -> Var:
    return conj(x)


@traced(np.absolute)
def absolute(x: Operand) -> Var:
    var = as_var(x)
    return var if var.dtype == "bool" else magnitude(var)


@traced(np.sign)
def sign(x: Operand) -> Var:
    """z / |z| of a complex number, 0 at 0."""
    var = as_var(x)
    if not var.is_complex:
        return ops.sign(var)
    size = modulus(var)
    zero = ops.eq(size, size.like(0.0))
    direction = var / cast(ops.select(zero, size.like(1.0), size), var.dtype)
    return ops.select(zero, var.like(0.0), direction)


@traced(np.angle)
def angle(z: Operand, *, deg: bool = False) -> Var:
    var = as_var(z, float_dtype(z))
    if var.is_complex:
        found = ops.arctan2(complex_number.imag(var), complex_number.real(var))
    else:
        found = ops.arctan2(var.like(0.0), var)
    return found * (180.0 / np.pi) if deg else found


@traced(np.iscomplex)
def iscomplex(x: Var) -> Var:
    """Where the imaginary part is not zero."""
    part = imag.op.lower(x)
    return ops.ne(part, part.like(0))


@traced(np.isreal)
def isreal(x: Var) -> Var:
    """Where the imaginary part is zero."""
    part = imag.op.lower(x)
    return ops.eq(part, part.like(0))


@composed(np.real_if_close)
def real_if_close(a: Any, tol: float = 100) -> Any:
    """The real part, if all imaginary parts are close to zero: Python looks at them."""
    if not (isinstance(a, Handle) and a.type.is_complex):
        return a
    unit = float(np.finfo(a.type.numpy_dtype).eps) if tol > 1 else 1.0
    return real(a) if bool(np.all(np.abs(imag(a)) < tol * unit)) else a


def iscomplexobj(x: Any) -> bool:
    """Answered from the dtype."""
    return x.type.is_complex if isinstance(x, Handle) else np.iscomplexobj(x)
