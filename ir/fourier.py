"""The discrete Fourier transform along one axis, of complex numbers and of real ones: the row `fft`.

Scales are those of NumPy without `norm`: none on the way there, 1 / length on the way back. The matrices of
`fft` and `ifft` are symmetric, and adjoints are transposes without conjugation (`ir.complex_number`), so each
is its own transpose. `rfft` and `irfft` are one another's, but for the frequencies that stand for two.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from tapejit.ir import ops
from tapejit.ir.complex_number import conj
from tapejit.ir.emission import Library
from tapejit.ir.primitive import Primitive, linear
from tapejit.ir.shape import reduced
from tapejit.ir.types import COMPLEX_OF, REAL_OF, TensorType

if TYPE_CHECKING:
    from tapejit.ir.builder import Var

KINDS: dict[str, Callable[..., Any]] = {
    "fft": np.fft.fft,
    "ifft": np.fft.ifft,
    "rfft": np.fft.rfft,
    "irfft": np.fft.irfft,
}

_Z = np.sin(np.arange(30.0)).reshape(3, 5, 2) + 1j * np.cos(np.arange(30.0) ** 2).reshape(3, 5, 2)
_X = np.cos(np.arange(24.0) ** 1.5).reshape(2, 4, 3)
_SINGLE = np.array([0.3, -1.2, 2.5, 0.7, 1.1, -0.4], np.float32)


def _type(x: TensorType, *, kind: str, axis: int, length: int) -> TensorType:
    """`length` counts the elements that are not frequencies."""
    if kind not in KINDS:
        raise TypeError(f"kinds of Fourier transforms are {', '.join(KINDS)}, not {kind}")
    reduced(x, (axis,))
    size = length // 2 + 1 if kind == "irfft" else length
    if x.shape[axis] != size or length < 1:
        raise TypeError(f"a transform {kind} of length {length} along axis {axis} does not fit {x}")
    return _along(x, axis, length // 2 + 1 if kind == "rfft" else length).with_dtype(_dtype(x, kind))


def _dtype(x: TensorType, kind: str) -> str:
    if kind == "rfft":
        if not x.is_float:
            raise TypeError(f"the transform rfft takes f64 or f32, got {x}")
        return COMPLEX_OF[x.dtype]
    if not x.is_complex:
        raise TypeError(f"the transform {kind} takes c128 or c64, got {x}")
    return REAL_OF[x.dtype] if kind == "irfft" else x.dtype


def _along(x: TensorType, axis: int, size: int) -> TensorType:
    return x.with_shape((*x.shape[:axis], size, *x.shape[axis + 1 :]))


def _reference(x: np.ndarray, *, kind: str, axis: int, length: int) -> np.ndarray:
    found: np.ndarray = KINDS[kind](x, length, axis)
    return found


def _transpose(ct: Var, x: TensorType, *, kind: str, axis: int, length: int) -> Var:
    if kind == "rfft":
        halved = conj(ct) * _weights(ct, axis, length, 0.5 * length, float(length))
        return fft(halved, kind="irfft", axis=axis, length=length)
    if kind == "irfft":
        found = conj(fft(ct, kind="rfft", axis=axis, length=length))
        return found * _weights(found, axis, length, 2.0 / length, 1.0 / length)
    return fft(ct, kind=kind, axis=axis, length=length)


def _weights(z: Var, axis: int, length: int, inside: float, ends: float) -> Var:
    """`inside`, and `ends` at the frequencies that have no negative: 0, and half of an even length."""
    place = ops.iota(builder=z.builder, dtype="i64", shape=z.shape, axis=axis)
    alone = ops.eq(place, place.like(0))
    if length % 2 == 0:
        alone = ops.logical_or(alone, ops.eq(place, place.like(length // 2)))
    return ops.select(alone, z.like(ends), z.like(inside))


def _sizes(x: TensorType, *, kind: str, axis: int, length: int) -> tuple[int, ...]:
    """What the runtime is told: the kind's number, how often outside and inside of the axis, the length."""
    outside = TensorType(x.dtype, x.shape[:axis]).size
    inside = TensorType(x.dtype, x.shape[axis + 1 :]).size
    return list(KINDS).index(kind), outside, inside, length


fft: Primitive = linear(
    "fft",
    infer=_type,
    reference=_reference,
    transpose=_transpose,
    batch=lambda x, *, kind, axis, length: fft(x, kind=kind, axis=axis + 1, length=length),
    emission=Library("fft", _sizes, of_result=True),
    examples=(
        ((_Z,), {"kind": "fft", "axis": 1, "length": 5}),
        ((_Z,), {"kind": "ifft", "axis": 0, "length": 3}),
        ((_Z[0].astype(np.complex64),), {"kind": "fft", "axis": 1, "length": 2}),
        ((_X,), {"kind": "rfft", "axis": 1, "length": 4}),
        ((_X,), {"kind": "rfft", "axis": 2, "length": 3}),
        ((_SINGLE,), {"kind": "rfft", "axis": 0, "length": 6}),
        ((_Z,), {"kind": "irfft", "axis": 0, "length": 4}),
        ((_Z,), {"kind": "irfft", "axis": 0, "length": 5}),
        ((_Z[0, :1].astype(np.complex64),), {"kind": "irfft", "axis": 0, "length": 1}),
        ((_X[:, :1],), {"kind": "rfft", "axis": 1, "length": 1}),
    ),
)
