"""Repeating along dimensions and reducing over `axes`; `broadcast` and `reduce_sum` are mutual transposes.

Ties of an extreme share its adjoint evenly; a product is differentiated without division, so right at zeros.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tapejit.ir import shape
from tapejit.ir.choice import eq, logical_and, logical_or, ne
from tapejit.ir.conversion import cast
from tapejit.ir.emission import Fold, FoldIndex, IndexMap
from tapejit.ir.example import INTS, SINGLE, ZM, ZT, A, M, P, T, Z
from tapejit.ir.layout import concat, pad, reshape, slice_, transpose
from tapejit.ir.primitive import Discrete, Primitive, linear, reduction

if TYPE_CHECKING:
    from tapejit.ir.builder import Var

reduce_sum: Primitive = linear(
    "reduce_sum", infer=shape.reduce_numeric, moves=True,
    reference=lambda x, *, axes: np.sum(x, axis=axes, dtype=x.dtype),
    transpose=lambda ct, x, *, axes: _spread(ct, x.shape, axes),
    batch=lambda x, *, axes: reduce_sum(x, axes=tuple(a + 1 for a in axes)),
    emission=Fold(lambda dtype: "0", "plus({0}, {1})"),
    examples=(((M,), {"axes": (0,)}), ((T,), {"axes": (1, 2)}), ((T,), {"axes": (0, 2)}),
              ((SINGLE,), {"axes": (0,)}), ((INTS,), {"axes": (0,)}), ((ZT,), {"axes": (0, 2)}),
              ((Z.astype(np.complex64),), {"axes": (0,)})))
reduce_prod = reduction(
    "reduce_prod", infer=shape.reduce_numeric, spread=lambda y, s, axes: _spread(y, s, axes),
    reference=lambda x, *, axes: np.prod(x, axis=axes, dtype=x.dtype),
    partial=lambda r, x, axes: _others_product(x, axes), total=lambda x, axes: reduce_sum(x, axes=axes),
    emission=Fold(lambda dtype: "1", "{0} * {1}"),
    examples=(((M,), {"axes": (1,)}), ((T,), {"axes": (0, 2)}), ((A * [0, 1, 1],), {"axes": (0,)}),
              ((T[0, :, :2] * [0.0, 1.0],), {"axes": (0,)}), ((SINGLE,), {"axes": (0,)}),
              ((INTS,), {"axes": (0,)}), ((ZM,), {"axes": (1,)})))


def _extreme(name: str, **fields: Any) -> Primitive:
    """A maximum or minimum over `axes`. Ties share the adjoint evenly, and a NaN wins.

    As for `select`, the adjoint is masked, so that an infinite one leaves the losers at zero.
    """

    def jvp(tangents: Any, r: Var, x: Var, *, axes: tuple[int, ...]) -> Var:
        won, count = _winners(r, x, axes)
        return reduce_sum(won.guard(tangents[0]), axes=axes) / count

    def vjp(ct: Var, r: Var, x: Var, *, axes: tuple[int, ...]) -> tuple[Var]:
        won, count = _winners(r, x, axes)
        mask = won if ct.mask is None else logical_and(won, _spread(ct.mask, x.shape, axes))
        return (mask.guard(_spread(ct / count, x.shape, axes)),)

    row = Primitive(
        name=name, arity=1, results=1, infer=shape.reduce_ordered, jvp=jvp, vjp=vjp,
        batch=lambda x, *, axes: row(x, axes=tuple(a + 1 for a in axes)), **fields)
    return row


reduce_max = _extreme(
    "reduce_max", reference=lambda x, *, axes: np.max(x, axis=axes),
    emission=Fold(shape.lowest, "maximum({0}, {1})"),
    examples=(((M,), {"axes": (1,)}), ((T,), {"axes": (0, 2)}), ((SINGLE,), {"axes": (0,)}),
              ((INTS,), {"axes": (0,)})))
reduce_min = _extreme(
    "reduce_min", reference=lambda x, *, axes: np.min(x, axis=axes),
    emission=Fold(shape.highest, "minimum({0}, {1})"),
    examples=(((M,), {"axes": (0,)}), ((T,), {"axes": (1, 2)}), ((SINGLE,), {"axes": (0,)}),
              ((INTS,), {"axes": (0,)})))


def _discrete_reduction(name: str, why: str, **fields: Any) -> Primitive:
    unused: Any = None  # only a derivative spreads and totals
    return reduction(name, partial=Discrete(why), spread=unused, total=unused, **fields)


reduce_any = _discrete_reduction(
    "reduce_any", "a truth value has no derivative", infer=shape.reduce_logic,
    reference=lambda x, *, axes: np.any(x, axis=axes), emission=Fold(lambda dtype: "False", "{0} | {1}"),
    examples=(((P,), {"axes": (0,)}), ((T > 0.9,), {"axes": (1,)})))
reduce_all = _discrete_reduction(
    "reduce_all", "a truth value has no derivative", infer=shape.reduce_logic,
    reference=lambda x, *, axes: np.all(x, axis=axes), emission=Fold(lambda dtype: "True", "{0} & {1}"),
    examples=(((P,), {"axes": (0,)}), ((T > -0.9,), {"axes": (1,)})))
argmax = _discrete_reduction(
    "argmax", "a position is piecewise constant", infer=shape.reduce_position,
    reference=lambda x, *, axes: np.argmax(x, axis=axes[0]), emission=FoldIndex("wins_max({1}, {0})"),
    examples=(((M,), {"axes": (1,)}), ((T,), {"axes": (0,)}), ((INTS,), {"axes": (0,)})))
argmin = _discrete_reduction(
    "argmin", "a position is piecewise constant", infer=shape.reduce_position,
    reference=lambda x, *, axes: np.argmin(x, axis=axes[0]), emission=FoldIndex("wins_min({1}, {0})"),
    examples=(((M,), {"axes": (1,)}), ((T,), {"axes": (1,)}), ((INTS,), {"axes": (0,)})))

# Operand dimension k becomes dimension dims[k] of `shape`; the other dimensions repeat.
broadcast: Primitive = linear(
    "broadcast", infer=shape.broadcast, reference=shape.reference_broadcast,
    transpose=lambda ct, x, *, shape, dims: reduce_sum(ct, axes=_repeated(shape, dims)),
    moves=lambda mask, x, *, shape, dims: reduce_any(mask, axes=_repeated(shape, dims)),
    batch=lambda x, *, shape, dims: broadcast(
        x, shape=(x.shape[0], *shape), dims=(0, *(d + 1 for d in dims))),
    emission=IndexMap(lambda index, x, *, shape, dims: tuple(index[d] for d in dims)),
    examples=(((A,), {"shape": (2, 3), "dims": (1,)}), ((M,), {"shape": (2, 4, 3), "dims": (0, 2)}),
              ((P,), {"shape": (3, 2), "dims": (0,)}), ((Z,), {"shape": (2, 3), "dims": (1,)})))


def _spread(y: Var, to: tuple[int, ...], axes: tuple[int, ...]) -> Var:
    """A reduction's result repeated along the reduced `axes`."""
    return broadcast(y, shape=to, dims=tuple(i for i in range(len(to)) if i not in axes))


def _repeated(shape: tuple[int, ...], dims: tuple[int, ...]) -> tuple[int, ...]:
    """The dimensions along which a broadcast repeats."""
    return tuple(i for i in range(len(shape)) if i not in dims)


def _winners(r: Var, x: Var, axes: tuple[int, ...]) -> tuple[Var, Var]:
    """Where x is the extreme r of its `axes`, and how many elements of each group are."""
    won = logical_or(eq(x, _spread(r, x.shape, axes)), ne(x, x))
    return won, reduce_sum(cast(won, dtype=x.dtype), axes=axes)


def _others_product(x: Var, axes: tuple[int, ...]) -> Var:
    """For every element the product of the others along `axes`, without dividing (zeros!).

    A binary tree of products, up and down again: 2 log2(n) instructions, differentiable again.
    """
    front = tuple(i for i in range(len(x.shape)) if i not in axes)
    perm = (*axes, *front)
    moved = transpose(x, perm=perm)
    count = math.prod(x.shape[a] for a in axes)
    rest = tuple(x.shape[i] for i in front)
    level = reshape(moved, shape=(count, *rest))
    halves: list[tuple[Var, Var]] = []
    while level.shape[0] > 1:
        level = _even(level)
        half = level.shape[0] // 2
        first, second = _rows(level, 0, half), _rows(level, half, 2 * half)
        halves.append((first, second))
        level = first * second
    others = level.like(1.0)
    for first, second in reversed(halves):
        others = _rows(others, 0, first.shape[0])
        others = concat(others * second, others * first, axis=0)
    others = reshape(_rows(others, 0, count), shape=moved.shape)
    return transpose(others, perm=shape.inverse(perm))


def _even(x: Var) -> Var:
    """x with a row of ones added when its rows are odd in number."""
    odd = x.shape[0] % 2
    zeros = (0,) * len(x.shape)
    return pad(x, low=zeros, high=(odd, *zeros[1:]), interior=zeros, value=1.0) if odd else x


def _rows(x: Var, start: int, stop: int) -> Var:
    rank = len(x.shape)
    return slice_(x, start=(start,) + (0,) * (rank - 1), stop=(stop, *x.shape[1:]), step=(1,) * rank)
