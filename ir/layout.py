"""Rows that move elements and compute nothing: reshaped, transposed, reversed, sliced, padded, side by side.

Each is a linear map whose transpose is another of them, so that masks move along.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tapejit.ir import shape
from tapejit.ir.emission import IndexMap, Padded, Pieces, Reinterpret
from tapejit.ir.example import INTS, ZM, A, B, M, N, P, Q, T, W, Z
from tapejit.ir.primitive import Primitive, linear

if TYPE_CHECKING:
    from tapejit.ir.builder import Var

reshape: Primitive = linear(
    "reshape", infer=shape.reshape, reference=lambda x, *, shape: np.reshape(x, shape), moves=True,
    transpose=lambda ct, x, *, shape: reshape(ct, shape=x.shape),
    batch=lambda x, *, shape: reshape(x, shape=(x.shape[0], *shape)), emission=Reinterpret(),
    examples=(((M,), {"shape": (3, 2)}), ((T,), {"shape": (4, 6)}), ((A,), {"shape": (1, 3, 1)})))
transpose: Primitive = linear(
    "transpose", infer=shape.transpose, reference=lambda x, *, perm: np.transpose(x, perm), moves=True,
    transpose=lambda ct, x, *, perm: transpose(ct, perm=shape.inverse(perm)),
    batch=lambda x, *, perm: transpose(x, perm=(0, *(p + 1 for p in perm))),
    emission=IndexMap(lambda index, x, *, perm: tuple(index[k] for k in shape.inverse(perm))),
    examples=(((M,), {"perm": (1, 0)}), ((T,), {"perm": (2, 0, 1)}), ((ZM,), {"perm": (1, 0)})))
reverse: Primitive = linear(
    "reverse", infer=shape.reverse, reference=lambda x, *, axes: np.flip(x, axes), moves=True,
    transpose=lambda ct, x, *, axes: reverse(ct, axes=axes),
    batch=lambda x, *, axes: reverse(x, axes=tuple(a + 1 for a in axes)),
    emission=IndexMap(lambda index, x, *, axes: tuple(
        i * -1 + (x.shape[k] - 1) if k in axes else i for k, i in enumerate(index))),
    examples=(((M,), {"axes": (1,)}), ((T,), {"axes": (0, 2)})))
# Elements start, start + step, … below stop, on each dimension; 0 <= start <= stop <= size, step >= 1.
slice_: Primitive = linear(
    "slice", infer=shape.slice_, reference=shape.reference_slice, moves=True,
    transpose=lambda ct, x, *, start, stop, step: pad(
        ct, low=start, high=shape.slice_high(x.shape, start, ct.shape, step),
        interior=tuple(s - 1 for s in step), value=0.0),
    batch=lambda x, *, start, stop, step: slice_(
        x, start=(0, *start), stop=(x.shape[0], *stop), step=(1, *step)),
    emission=IndexMap(lambda index, x, *, start, stop, step: tuple(
        i * s + b for i, b, s in zip(index, start, step, strict=True))),
    examples=(((M,), {"start": (0, 1), "stop": (1, 3), "step": (1, 1)}),
              ((T,), {"start": (1, 0, 1), "stop": (2, 3, 4), "step": (1, 2, 2)}),
              ((N,), {"start": (0, 0), "stop": (3, 4), "step": (1, 3)})))
# `low` and `high` elements of `value` around each dimension, `interior` between neighbours.
pad: Primitive = linear(
    "pad", infer=shape.pad, reference=shape.reference_pad, moves=True,
    tangent=lambda t, *, low, high, interior, value: pad(
        t, low=low, high=high, interior=interior, value=0.0),
    transpose=lambda ct, x, *, low, high, interior, value: slice_(
        ct, start=low, stop=tuple(lo + max((n - 1) * (i + 1) + 1, 0) if n else lo
                                  for lo, n, i in zip(low, x.shape, interior, strict=True)),
        step=tuple(i + 1 for i in interior)),
    batch=lambda x, *, low, high, interior, value: pad(
        x, low=(0, *low), high=(0, *high), interior=(0, *interior), value=value),
    emission=Padded(lambda index, x, *, low, high, interior, value: tuple(
        (i + -lo, step + 1) for i, lo, step in zip(index, low, interior, strict=True))),
    examples=(((M,), {"low": (1, 0), "high": (0, 2), "interior": (0, 0), "value": 0.0}),
              ((M,), {"low": (0, 1), "high": (1, 0), "interior": (1, 2), "value": 1.5}),
              ((INTS,), {"low": (1,), "high": (1,), "interior": (0,), "value": 7}),
              ((Z,), {"low": (1,), "high": (0,), "interior": (1,), "value": 0.0})))
concat: Primitive = Primitive(
    name="concat", arity=None, results=1, infer=shape.concat,
    reference=lambda *xs, axis: np.concatenate(xs, axis),
    jvp=lambda ts, r, *xs, axis: concat(
        *(x.like(0.0) if t is None else t for t, x in zip(ts, xs, strict=True)), axis=axis),
    vjp=lambda ct, r, *xs, axis: tuple(
        _cut(ct, cut) for cut in shape.concat_cuts([x.shape for x in xs], axis)),
    batch=lambda *xs, axis: concat(*xs, axis=axis + 1), emission=Pieces(),
    examples=(((M, M * 2.0 + 1.0, M[:, :1]), {"axis": 1}), ((A, B), {"axis": 0}),
              ((M, M[:1]), {"axis": 0}), ((P, Q), {"axis": 0}),
              ((Z, W), {"axis": 0})))


def _cut(ct: Var, cut: dict[str, Any]) -> Var:
    return slice_(ct, **cut).masked_by(None if ct.mask is None else slice_(ct.mask, **cut))
