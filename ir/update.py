"""Writes into windows of an array: what `x[1:-1] = v` means for values that never change.

`update(x, v, w, ..., starts=, steps=)` is x with v, w, ... in windows of it that do not overlap: operand
k + 1 has its first element at `starts[k]` and its neighbours `steps[k]` apart. Writes one after another are
gathered into one update (`ir.passes.updates`), so that n of them copy the array once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import gcd
from typing import TYPE_CHECKING, Any

import numpy as np

from tapejit.ir import ops
from tapejit.ir.emission import Updated
from tapejit.ir.primitive import Primitive
from tapejit.ir.types import TensorType

if TYPE_CHECKING:
    from tapejit.ir.builder import Var

Ints = tuple[int, ...]
Extent = tuple[tuple[int, int, int], ...]  # per dimension: start, stop, step (0 for a single element)


def extent(start: Ints, step: Ints, shape: Ints) -> Extent:
    """The window that a value of this shape fills."""
    return tuple(
        (b, b + (n - 1) * s + 1, s if n > 1 else 0) if n else (b, b, 0)
        for b, s, n in zip(start, step, shape, strict=True)
    )


def disjoint(one: Extent, other: Extent) -> bool:
    """Whether two windows surely have no element in common."""
    return any(
        b >= stop or start >= e or ((s or step) and (b - start) % gcd(s, step) != 0)
        for (start, stop, step), (b, e, s) in zip(one, other, strict=True)
    )


def covers(one: Extent, other: Extent) -> bool:
    """Whether every element of `other` is one of `one`."""
    return all(
        b <= start and stop <= e and (start - b) % (s or 1) == 0 and step % (s or 1) == 0
        for (b, e, s), (start, stop, step) in zip(one, other, strict=True)
    )


def within(one: Extent, other: Extent) -> tuple[Ints, Ints]:
    """Start and step of `other` among the elements of `one`, which covers it."""
    pairs = list(zip(one, other, strict=True))
    start = tuple((o[0] - w[0]) // (w[2] or 1) for w, o in pairs)
    return start, tuple(max(o[2] // (w[2] or 1), 1) for w, o in pairs)


def windows(
    x: TensorType, values: Sequence[TensorType], starts: Sequence[Ints], steps: Sequence[Ints]
) -> Any:
    """The window of each value."""
    triples = zip(starts, steps, values, strict=True)
    return [extent(start, step, v.shape) for start, step, v in triples]


def _update_type(x: TensorType, *values: TensorType, starts: Any, steps: Any) -> TensorType:
    if not len(starts) == len(steps) == len(values):
        raise TypeError(f"{len(values)} values need as many starts and steps")
    if not x.rank:
        raise TypeError("an array without dimensions has no windows")
    for value, start, step in zip(values, starts, steps, strict=True):
        if value.dtype != x.dtype or not len(start) == len(step) == value.rank == x.rank:
            raise TypeError(f"cannot write {value} into {x} at {start} in steps of {step}")
        for n, (b, e, _), s in zip(x.shape, extent(start, step, value.shape), step, strict=True):
            if b < 0 or s < 1 or e > n:
                raise TypeError(f"a window of {value} at {start} in steps of {step} is not inside {x}")
    found = windows(x, values, starts, steps)
    if not all(disjoint(a, b) for a, b in _near(found)):
        raise TypeError(f"windows of {x} overlap: starts {starts}, steps {steps}")
    return x


def _near(found: Sequence[Extent]) -> Iterator[tuple[Extent, Extent]]:
    """The pairs of windows that meet along the first dimension."""
    ordered = sorted(w for w in found if all(b < e for b, e, _ in w))
    for k, window in enumerate(ordered):
        for other in ordered[k + 1 :]:
            if other and other[0][0] >= window[0][1]:
                break
            yield window, other


def _slices(start: Ints, step: Ints, shape: Ints) -> tuple[slice, ...]:
    bounds = zip(extent(start, step, shape), step, strict=True)
    return tuple(slice(b, e, s) for (b, e, _), s in bounds)


def _reference(x: np.ndarray, *values: np.ndarray, starts: Any, steps: Any) -> np.ndarray:
    result = np.array(x)
    for value, start, step in zip(values, starts, steps, strict=True):
        result[_slices(start, step, value.shape)] = value
    return result


def window_of(x: Var, shape: Ints, start: Ints, step: Ints) -> Var:
    """What a write of this shape at `start` overwrites."""
    bounds = extent(start, step, shape)
    return ops.slice_(x, start=start, stop=tuple(e for _, e, _ in bounds), step=step)


def added(x: Var, v: Var, start: Ints, step: Ints) -> Var:
    """x with v added in a window."""
    total = window_of(x, v.shape, start, step) + v
    return x if not v.type.size else update(x, total, starts=(start,), steps=(step,))


def _tangent(ts: Any, r: Var, x: Var, *values: Var, starts: Any, steps: Any) -> Var | None:
    if all(t is None for t in ts):
        return None
    found = [o.like(0.0) if t is None else t for t, o in zip(ts, (x, *values), strict=True)]
    return update(*found, starts=starts, steps=steps)


def _adjoint(ct: Var, r: Var, x: Var, *values: Var, starts: Any, steps: Any) -> tuple[Var, ...]:
    """A written value has the adjoint of its window, and what it overwrote has none: not even of infinity."""
    places = [(v, start, step) for v, start, step in zip(values, starts, steps, strict=True)]

    def without(whole: Var, nothing: Any) -> Var:
        blank = [x.builder.full(TensorType(whole.dtype, v.shape), nothing) for v in values]
        return update(whole, *blank, starts=starts, steps=steps)

    kept = x.builder.full(x.type.with_dtype("bool"), True) if ct.mask is None else ct.mask
    cuts = [_cut(ct, v.shape, start, step) for v, start, step in places]
    return without(ct, 0.0).masked_by(without(kept, False)), *cuts


def _cut(ct: Var, shape: Ints, start: Ints, step: Ints) -> Var:
    mask = None if ct.mask is None else window_of(ct.mask, shape, start, step)
    return window_of(ct, shape, start, step).masked_by(mask)


_M = np.sin(np.arange(12.0)).reshape(3, 4)
_T = np.cos(np.arange(24.0)).reshape(2, 3, 4)
_A = np.array([0.3, -1.2, 0.7, 2.5, -0.1])

update: Primitive = Primitive(
    name="update",
    arity=None,
    results=1,
    infer=_update_type,
    reference=_reference,
    jvp=_tangent,
    vjp=_adjoint,
    batch=lambda *xs, starts, steps: update(
        *xs, starts=tuple((0, *b) for b in starts), steps=tuple((1, *s) for s in steps)
    ),
    emission=Updated(),
    examples=(
        ((_M, _M[:2, 1:] * 3.0), {"starts": ((1, 0),), "steps": ((1, 1),)}),
        ((_M, _M[:2, :2] + 1.0, _M[:1] * 2.0), {"starts": ((0, 1), (1, 0)), "steps": ((2, 2), (1, 1))}),
        ((_T, _T[:1, :2, :2] - 2.0), {"starts": ((1, 0, 1),), "steps": ((1, 2, 2),)}),
        (
            (_A, _A[:2] * 5.0, _A[2:3], _A[:1] - 4.0),
            {"starts": ((0,), (1,), (3,)), "steps": ((2,), (1,), (1,))},
        ),
        ((_A.astype(np.float32), _A[:5].astype(np.float32) ** 2), {"starts": ((0,),), "steps": ((1,),)}),
        ((_A + 1j, _A[:2] * 2j), {"starts": ((3,),), "steps": ((1,),)}),
        ((np.arange(6), np.array([7, 8])), {"starts": ((2,),), "steps": ((3,),)}),
        ((_M > 0.2, _M[:, :1] > -0.5), {"starts": ((0, 2),), "steps": ((1, 1),)}),
        ((_A, _A[:0]), {"starts": ((5,),), "steps": ((1,),)}),
    ),
)
