"""Fourier transforms with a real side are done by halves, by `rfft` and `irfft`.

The transform of real numbers is Hermitian, X[n - k] = conj X[k]: `rfft` gives one half, the other one is its
mirror image. The real part of a transform is the transform of the Hermitian part, (X[k] + conj X[n - k]) / 2,
of which `irfft` wants one half. Both hold for all data, whatever is done with them, but round differently by
some ulp, so this is no part of `canonicalise`, which keeps bits: it is for a program that is about to run.
Start at `hermitian`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from tapejit.ir import ops
from tapejit.ir.builder import Var
from tapejit.ir.complex_number import complex_, conj, imag, real
from tapejit.ir.fourier import fft
from tapejit.ir.function import Function, Instr, Value
from tapejit.ir.passes.fold import constant
from tapejit.ir.passes.rewrite import Rewrite, rewrite
from tapejit.ir.types import REAL_OF

_SHORTEST = 8  # below, the halves cost more than a transform as a whole


def hermitian(function: Function) -> Function:
    """`function` with transforms of real numbers, or of which the real part is read, done by halves."""
    if not any(instr.primitive is fft or instr.regions for instr in function.body):
        return function
    uses = Counter(v for instr in function.body for v in instr.operands)
    uses.update(function.results)
    return rewrite(function, partial(_rewritten, uses), hermitian)


def _rewritten(uses: Mapping[Value, int], out: Rewrite, instr: Instr) -> Sequence[Value] | None:
    found = _RULES[instr.primitive](out, instr, uses) if instr.primitive in _RULES else None
    return None if found is None else [found.value]


def _is_whole(instr: Instr) -> bool:
    return instr.attrs["kind"] in ("fft", "ifft") and instr.attrs["length"] >= _SHORTEST


# -- Of real numbers ---------------------------------------------------------------------------------------


def _of_real(out: Rewrite, instr: Instr, uses: Mapping[Value, int]) -> Var | None:
    """fft x -> rfft x and its mirror image; ifft x -> the same, conjugated and divided by the length."""
    x = _real_operand(out, instr) if _is_whole(instr) else None
    if x is None:
        return None
    axis, length = instr.attrs["axis"], instr.attrs["length"]
    half = fft(x, kind="rfft", axis=axis, length=length)
    if instr.attrs["kind"] == "ifft":
        half = _scaled(half, 1.0 / length, -1.0 / length)
    return _mirrored(half, axis, length)


def _real_operand(out: Rewrite, instr: Instr) -> Var | None:
    """What the operand is made of, where it is a real number made complex."""
    z = instr.operands[0]
    if (made := out.made_by(z, complex_)) is not None:
        number = constant(out, made.operands[1])
        return out.var(made.operands[0]) if number is not None and number[1] == 0 else None
    if (made := out.made_by(z, ops.cast)) is not None and not made.operands[0].type.is_complex:
        return _as(out.var(made.operands[0]), REAL_OF[z.type.dtype])
    return None


def _as(x: Var, dtype: str) -> Var:
    return x if x.dtype == dtype else ops.cast(x, dtype=dtype)


def _mirrored(half: Var, axis: int, length: int) -> Var:
    """All frequencies from those up to half of the length."""
    rest = _cut(half, axis, 1, (length + 1) // 2)
    return ops.concat(half, conj(ops.reverse(rest, axes=(axis,))), axis=axis)


# -- Of which the real part is read ------------------------------------------------------------------------


def _real_part(out: Rewrite, instr: Instr, uses: Mapping[Value, int]) -> Var | None:
    """real ifft x -> irfft of the Hermitian part of x; real fft x -> the same of conj x, times the length."""
    made = out.made_by(instr.operands[0], fft)
    if made is None or not _is_whole(made) or uses[instr.operands[0]] != 1:
        return None
    axis, length, forward = made.attrs["axis"], made.attrs["length"], made.attrs["kind"] == "fft"
    half = _hermitian_half(out.var(made.operands[0]), axis, length, -0.5 if forward else 0.5)
    found = fft(half, kind="irfft", axis=axis, length=length)
    return found * float(length) if forward else found


def _hermitian_half(z: Var, axis: int, length: int, imaginary: float) -> Var:
    """(z[k] + conj z[length - k]) / 2 up to half of the length, or (`imaginary` is -0.5) its conjugate.

    Of the first element `irfft` reads the real part alone, so it stands there as it is.
    """
    one, mirror = _cut(z, axis, 1, length // 2 + 1), _cut(z, axis, length - length // 2, length)
    other = ops.reverse(mirror, axes=(axis,))
    mean = complex_(0.5 * (real(one) + real(other)), imaginary * (imag(one) - imag(other)))
    return ops.concat(_cut(z, axis, 0, 1), mean, axis=axis)


def _scaled(z: Var, of_real: float, of_imag: float) -> Var:
    return complex_(of_real * real(z), of_imag * imag(z))


def _cut(x: Var, axis: int, start: int, stop: int) -> Var:
    rank = len(x.shape)
    return ops.slice_(
        x,
        start=tuple(start if k == axis else 0 for k in range(rank)),
        stop=tuple(stop if k == axis else n for k, n in enumerate(x.shape)),
        step=(1,) * rank,
    )


_RULES: dict[object, Callable[[Rewrite, Instr, Mapping[Value, int]], Var | None]] = {
    fft: _of_real,
    real: _real_part,
}
