"""Jacobians: a tangent or an adjoint over all directions at once.

The derivative is batched over the unit vectors of the space it comes from, while the primal, which no
direction changes, is computed once. The result is a function again, so a Hessian is the Jacobian of a
Jacobian.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from tapejit.ir import ops
from tapejit.ir.builder import Builder, Var
from tapejit.ir.function import Function
from tapejit.ir.passes.dce import dce
from tapejit.ir.transforms.adjoint import adjoint
from tapejit.ir.transforms.batch import batch
from tapejit.ir.transforms.tangent import tangent
from tapejit.ir.types import TensorType


def forward_jacobian(f: Function, wrt: Sequence[int], heads: int) -> Function:
    """Forward mode: `f : x -> y` to `x -> (J, rest)`, one sweep per element of the parameters `wrt`.

    J holds, for each of the first `heads` results and each parameter of `wrt`, an array of shape
    `y.shape + x.shape`; the results after them follow as they are.
    """
    pushed = tangent(f, wrt)
    pushed.results = pushed.results[len(f.results) :][:heads]
    types = [f.params[i].type for i in wrt]
    builder, xs, dots = _swept(f, pushed, types)
    rows = _offsets(types)
    found = [
        _columns(dot, y.type, x, start)
        for dot, y in zip(dots, f.results[:heads], strict=True)
        for x, start in zip(types, rows, strict=True)
    ]
    return builder.finish([*found, *builder.inline(f, xs)[heads:]])


def reverse_jacobian(f: Function, wrt: Sequence[int], heads: int) -> Function:
    """Reverse mode: as `forward_jacobian`, one sweep per element of the first `heads` results."""
    top = Function(f.name, f.params, f.body, f.results[:heads])
    pulled = adjoint(top, wrt)
    pulled.results = pulled.results[heads:]
    types = [v.type for v in top.results]
    builder, xs, bars = _swept(f, pulled, types)
    found = [
        _rows(bar, y, f.params[i].type, start)
        for y, start in zip(types, _offsets(types), strict=True)
        for bar, i in zip(bars, wrt, strict=True)
    ]
    return builder.finish([*found, *builder.inline(f, xs)[heads:]])


def _swept(
    f: Function, derivative: Function, types: Sequence[TensorType]
) -> tuple[Builder, Sequence[Var], Sequence[Var]]:
    """`derivative : (x, seeds) -> z` at all unit vectors of the seeds' `types`: z with a leading axis."""
    builder = Builder(f"{f.name}.jacobian")
    xs = [builder.param(v.type, v.name) for v in f.params]
    total = sum(t.size for t in types)
    seeds = [_unit_vectors(builder, t, start, total) for t, start in zip(types, _offsets(types), strict=True)]
    if total == 1:
        single = [ops.reshape(seed, shape=t.shape) for seed, t in zip(seeds, types, strict=True)]
        found = builder.inline(derivative, [*xs, *single])
        return builder, xs, [ops.reshape(z, shape=(1, *z.shape)) for z in found]
    mapped = [False] * len(xs) + [True] * len(seeds)
    stacked = batch(dce(derivative), total, mapped)
    return builder, xs, builder.inline(stacked, [*xs, *seeds])


def _unit_vectors(builder: Builder, type_: TensorType, start: int, total: int) -> Var:
    """Those of `total` unit vectors that lie in a space of `type_`, which begins at `start`."""
    if total == 1:
        return builder.full(type_.with_shape((type_.size, *type_.shape)), 1.0)
    shape = (total, type_.size)
    row = ops.iota(builder=builder, dtype="i64", shape=shape, axis=0)
    column = ops.iota(builder=builder, dtype="i64", shape=shape, axis=1)
    ones = ops.cast(ops.eq(row, column + column.like(start)), dtype=type_.dtype)
    return ops.reshape(ones, shape=(total, *type_.shape))


def _offsets(types: Sequence[TensorType]) -> list[int]:
    """Where each type begins when all are laid out one after the other."""
    return [sum(t.size for t in types[:k]) for k in range(len(types))]


def _block(z: Var, start: int, size: int) -> Var:
    """`size` entries of the leading axis from `start` on."""
    if size == z.shape[0]:
        return z
    behind = z.shape[1:]
    return ops.slice_(
        z, start=(start, *(0 for _ in behind)), stop=(start + size, *behind), step=(1,) * len(z.shape)
    )


def _columns(dots: Var, y: TensorType, x: TensorType, start: int) -> Var:
    """The tangents of y along the unit vectors of x, as a Jacobian."""
    block = _block(dots, start, x.size)
    order = (*range(1, len(y.shape) + 1), 0)
    return ops.reshape(ops.transpose(block, perm=order), shape=(*y.shape, *x.shape))


def _rows(bars: Var, y: TensorType, x: TensorType, start: int) -> Var:
    """The adjoints of x for the unit vectors of y, as a Jacobian."""
    return ops.reshape(_block(bars, start, y.size), shape=(*y.shape, *x.shape))


def cheaper_jacobian(f: Function, wrt: Sequence[int], heads: int) -> Function:
    """Whichever mode needs fewer sweeps, forward mode for a square Jacobian; forward mode of complex results,
    reverse mode of complex parameters, since the derivatives by both parts of a number are apart there.
    """
    if any(v.type.is_complex for v in f.results[:heads]):
        return forward_jacobian(f, wrt, heads)
    if any(f.params[i].type.is_complex for i in wrt):
        return reverse_jacobian(f, wrt, heads)
    inputs = sum(math.prod(f.params[i].type.shape) for i in wrt)
    outputs = sum(math.prod(v.type.shape) for v in f.results[:heads])
    return (reverse_jacobian if outputs < inputs else forward_jacobian)(f, wrt, heads)
