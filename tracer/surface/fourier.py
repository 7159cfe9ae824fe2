"""`numpy.fft`: transforms along one axis or several, of complex and of real numbers, and shifts.

All of them are made of the row `fft`, which scales by 1 / n on the way back; what `norm` asks for beyond
that is one multiplication. f32 and c64 stay single, as in NumPy 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tapejit.ir import ops
from tapejit.ir.builder import Var
from tapejit.ir.fourier import fft as transform
from tapejit.ir.types import COMPLEX_OF
from tapejit.tracer.errors import DtypeError, ShapeError
from tapejit.tracer.operation import Operand, as_var, float_dtype
from tapejit.tracer.surface.complex_number import conj, scaled
from tapejit.tracer.surface.composed import composed
from tapejit.tracer.surface.function import traced
from tapejit.tracer.surface.shape import normal_axis

Axes = tuple[int, ...] | None
SWAPPED = {None: "forward", "backward": "forward", "ortho": "ortho", "forward": "backward"}


# -- One axis ----------------------------------------------------------------------------------------------


def _scale(kind: str, norm: str | None, length: int) -> float:
    """What the row's result is multiplied by."""
    if norm not in SWAPPED:
        raise ShapeError(f'norm must be None, "backward", "ortho" or "forward", got {norm!r}')
    whole = 1.0 / length if kind in ("fft", "rfft") else float(length)
    part = whole**0.5
    return {None: 1.0, "backward": 1.0, "ortho": part, "forward": whole}[norm]


def _fitted(x: Var, axis: int, size: int) -> Var:
    """x cut off, or filled up with zeros, to `size` elements along `axis`."""
    rank, have = len(x.shape), x.shape[axis]
    if size < have:
        stop = tuple(size if k == axis else n for k, n in enumerate(x.shape))
        return ops.slice_(x, start=(0,) * rank, stop=stop, step=(1,) * rank)
    high = tuple(size - have if k == axis else 0 for k in range(rank))
    return ops.pad(x, low=(0,) * rank, high=high, interior=(0,) * rank, value=0.0) if size > have else x


def _transformed(x: Var, kind: str, n: int | None, axis: int, norm: str | None) -> Var:
    if not x.shape:
        raise ShapeError("a Fourier transform needs at least one dimension")
    at = normal_axis(axis, len(x.shape))
    half = kind == "irfft"
    length = (x.shape[at] - 1) * 2 if n is None and half else x.shape[at] if n is None else n
    if length < 1:
        raise ShapeError(f"a Fourier transform of {length} elements does not exist (shape {x.shape})")
    fitted = _fitted(x, at, length // 2 + 1 if half else length)
    found = transform(fitted, kind=kind, axis=at, length=length)
    factor = _scale(kind, norm, length)
    return found if factor == 1.0 else scaled(found, factor)


def _complex(a: Operand) -> Var:
    dtype = float_dtype(a)
    return as_var(a, COMPLEX_OF.get(dtype, dtype))


def _real(a: Operand) -> Var:
    x = as_var(a, float_dtype(a))
    if x.is_complex:
        raise DtypeError(f"a transform of real numbers got {x.type}; use the transform without r, or x.real")
    return x


@traced(np.fft.fft)
def fft(a: Operand, *, n: int | None = None, axis: int = -1, norm: str | None = None) -> Var:
    return _transformed(_complex(a), "fft", n, axis, norm)


@traced(np.fft.ifft)
def ifft(a: Operand, *, n: int | None = None, axis: int = -1, norm: str | None = None) -> Var:
    return _transformed(_complex(a), "ifft", n, axis, norm)


@traced(np.fft.rfft)
def rfft(a: Operand, *, n: int | None = None, axis: int = -1, norm: str | None = None) -> Var:
    return _transformed(_real(a), "rfft", n, axis, norm)


@traced(np.fft.irfft)
def irfft(a: Operand, *, n: int | None = None, axis: int = -1, norm: str | None = None) -> Var:
    return _transformed(_complex(a), "irfft", n, axis, norm)


@traced(np.fft.hfft)
def hfft(a: Operand, *, n: int | None = None, axis: int = -1, norm: str | None = None) -> Var:
    """The spectrum, which is real, of a signal given by its first half."""
    return _transformed(conj(_complex(a)), "irfft", n, axis, _swapped(norm))


@traced(np.fft.ihfft)
def ihfft(a: Operand, *, n: int | None = None, axis: int = -1, norm: str | None = None) -> Var:
    return conj(_transformed(_real(a), "rfft", n, axis, _swapped(norm)))


def _swapped(norm: str | None) -> str:
    _scale("fft", norm, 1)
    return SWAPPED[norm]


# -- Several axes ------------------------------------------------------------------------------------------


def _sizes(x: Var, s: Axes, axes: Axes, half: bool = False) -> list[tuple[int, int]]:
    """The axes and the length along each, as NumPy takes them; `half`: the last one is that of `irfft`."""
    if axes is None:
        axes = tuple(range(-len(s), 0)) if s is not None else tuple(range(len(x.shape)))
    at = [normal_axis(k, len(x.shape)) for k in axes]
    lengths = [x.shape[k] for k in at] if s is None else list(s)
    if len(lengths) != len(at):
        raise ShapeError(f"shape and axes have different lengths: s={s}, axes={axes}")
    if half and s is None and at:
        lengths[-1] = (lengths[-1] - 1) * 2
    return [(k, x.shape[k] if n == -1 else n) for k, n in zip(at, lengths, strict=True)]


def _all_along(x: Var, kind: str, sizes: Sequence[tuple[int, int]], norm: str | None) -> Var:
    for axis, length in reversed(sizes):
        x = _transformed(x, kind, length, axis, norm)
    return x


@traced(np.fft.fftn)
def fftn(a: Operand, *, s: Axes = None, axes: Axes = None, norm: str | None = None) -> Var:
    sizes = _sizes(as_var(a), s, axes)
    return _all_along(_complex(a) if sizes else as_var(a), "fft", sizes, norm)


@traced(np.fft.ifftn)
def ifftn(a: Operand, *, s: Axes = None, axes: Axes = None, norm: str | None = None) -> Var:
    sizes = _sizes(as_var(a), s, axes)
    return _all_along(_complex(a) if sizes else as_var(a), "ifft", sizes, norm)


@traced(np.fft.rfftn)
def rfftn(a: Operand, *, s: Axes = None, axes: Axes = None, norm: str | None = None) -> Var:
    x = _real(a)
    *rest, (axis, length) = _occupied(_sizes(x, s, axes))
    return _all_along(_transformed(x, "rfft", length, axis, norm), "fft", rest, norm)


@traced(np.fft.irfftn)
def irfftn(a: Operand, *, s: Axes = None, axes: Axes = None, norm: str | None = None) -> Var:
    x = _complex(a)
    *rest, (axis, length) = _occupied(_sizes(x, s, axes, half=True))
    return _transformed(_all_along(x, "ifft", rest[::-1], norm), "irfft", length, axis, norm)


def _occupied(sizes: list[tuple[int, int]]) -> list[tuple[int, int]]:
    if not sizes:
        raise ShapeError("at least one axis is needed")
    return sizes


@traced(np.fft.fft2)
def fft2(a: Operand, *, s: Axes = None, axes: Axes = (-2, -1), norm: str | None = None) -> Var:
    return fftn.op.lower(a, s=s, axes=axes, norm=norm)


@traced(np.fft.ifft2)
def ifft2(a: Operand, *, s: Axes = None, axes: Axes = (-2, -1), norm: str | None = None) -> Var:
    return ifftn.op.lower(a, s=s, axes=axes, norm=norm)


@traced(np.fft.rfft2)
def rfft2(a: Operand, *, s: Axes = None, axes: Axes = (-2, -1), norm: str | None = None) -> Var:
    return rfftn.op.lower(a, s=s, axes=axes, norm=norm)


@traced(np.fft.irfft2)
def irfft2(a: Operand, *, s: Axes = None, axes: Axes = (-2, -1), norm: str | None = None) -> Var:
    return irfftn.op.lower(a, s=s, axes=axes, norm=norm)


# -- Shifts ------------------------------------------------------------------------------------------------


@composed(np.fft.fftshift)
def fftshift(x: Any, axes: Any = None) -> Any:
    return _rolled(x, axes, 1)


@composed(np.fft.ifftshift)
def ifftshift(x: Any, axes: Any = None) -> Any:
    return _rolled(x, axes, -1)


def _rolled(x: Any, axes: Any, sign: int) -> Any:
    """Half a turn along the axes; back, rounded the other way."""
    along = tuple(range(x.ndim)) if axes is None else (axes,) if isinstance(axes, int) else tuple(axes)
    return np.roll(x, tuple(sign * (x.shape[k] // 2) for k in along), along)
