"""Random programs of reductions that need one another: what the scheduler merges into loops over rows.

Row results go into columns and back, several reductions share a space, reshapes cut dimensions or join
them between two reductions, types change in the middle.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
from random_program import STEPS, RandomProgram, clamp

from tapejit.ir import ops
from tapejit.ir.builder import Var
from tapejit.ir.types import TensorType

SPACES = (
    (2, 3, 4),
    (2, 3),
    (2,),
    (3, 4),
    (2, 1, 3),
    (2, 3, 1),
    (1, 3, 4),
    (2, 3, 2, 2),
    (6,),
    (6, 4),
    (4,),
    (24,),
    (1, 1, 3),
    (),
    (0, 3),
    (3, 0),
)
MOST = 400  # elements, as they are computed one by one


class RandomRows(RandomProgram):
    """A random program most of whose steps are reductions, and uses of them."""

    def __init__(self, seed: int, dtype: str):
        random = np.random.default_rng(seed)
        shapes = [SPACES[k] for k in random.integers(len(SPACES), size=3)]
        super().__init__(random, dtype, [TensorType(dtype, shape) for shape in shapes])

    def grow(self, steps: int) -> None:
        for _ in range(steps):
            found = self.pick(ROW_STEPS)(self, self.some())
            if found is not None and found.type.size < MOST:
                self.values.append(found)


def fold(p: RandomRows, x: Var, axes: tuple[int, ...]) -> Var:
    empty = any(x.shape[a] == 0 for a in axes)
    rows = (ops.reduce_sum, ops.reduce_sum, ops.reduce_max, ops.reduce_min)
    row = ops.reduce_sum if empty else p.pick(rows)
    return clamp(row(x, axes=axes))


def along_rows(p: RandomRows, x: Var) -> Var:
    return fold(p, x, tuple(range(int(p.random.integers(len(x.shape) + 1)), len(x.shape))))


def along_columns(p: RandomRows, x: Var) -> Var:
    return fold(p, x, tuple(range(int(p.random.integers(len(x.shape) + 1)))))


def twice(p: RandomRows, x: Var) -> Var:
    p.values.append(fold(p, x, p.axes(x)))
    return fold(p, x, p.axes(x))


def spread(p: RandomRows, x: Var) -> Var | None:
    """Repeated to the shape of another value, and combined with that."""
    options = [(v, dims) for v in p.values for dims in _embeddings(x.shape, v.shape)]
    if not options:
        return None
    other, dims = p.pick(options)
    row = p.pick((ops.add, ops.sub, ops.mul, ops.maximum))
    return clamp(row(ops.broadcast(x, shape=other.shape, dims=dims), other))


def _embeddings(inner: tuple[int, ...], outer: tuple[int, ...]) -> list[tuple[int, ...]]:
    places = combinations(range(len(outer)), len(inner)) if len(inner) < len(outer) else ()
    return [dims for dims in places if tuple(outer[d] for d in dims) == inner]


def normalised(p: RandomRows, x: Var) -> Var | None:
    """As softmax: the largest of a row, the sum of what is left, and what both are used for."""
    kept = tuple(range(int(p.random.integers(len(x.shape) + 1))))
    axes = tuple(range(len(kept), len(x.shape)))
    if any(x.shape[a] == 0 for a in axes):
        return None
    rest = clamp(x - ops.broadcast(ops.reduce_max(x, axes=axes), shape=x.shape, dims=kept))
    total = clamp(ops.reduce_sum(rest, axes=axes))
    p.values += [total, clamp(rest * ops.broadcast(total, shape=x.shape, dims=kept))]
    return along_rows(p, p.values[-1])


def truth(p: RandomRows, x: Var) -> Var:
    row = p.pick((ops.reduce_any, ops.reduce_all))
    return ops.cast(row(ops.gt(x, p.like(x)), axes=p.axes(x)), dtype=x.dtype)


def in_another_type(p: RandomRows, x: Var) -> Var:
    dtype = p.pick(("f64", "f32", "i64", "i32"))
    product = ops.cast(x, dtype=dtype) * ops.cast(p.like(x), dtype=dtype)
    return ops.cast(fold(p, clamp(product), p.axes(x)), dtype=x.dtype)


def joined_dims(p: RandomRows, x: Var) -> Var | None:
    if len(x.shape) < 2:
        return None
    k = int(p.random.integers(len(x.shape) - 1))
    return ops.reshape(x, shape=(*x.shape[:k], x.shape[k] * x.shape[k + 1], *x.shape[k + 2 :]))


def cut_dim(p: RandomRows, x: Var) -> Var | None:
    if not x.shape or len(x.shape) > 4:
        return None
    k = int(p.random.integers(len(x.shape)))
    n = x.shape[k]
    part = p.pick([m for m in range(1, n + 1) if n % m == 0] or [1])
    return ops.reshape(x, shape=(*x.shape[:k], part, n // part, *x.shape[k + 1 :]))


ROW_STEPS = (
    *STEPS,
    *(along_rows,) * 6,
    *(along_columns,) * 4,
    *(twice,) * 3,
    *(spread,) * 12,
    *(normalised,) * 3,
    truth,
    in_another_type,
    in_another_type,
    joined_dims,
    joined_dims,
    cut_dim,
    cut_dim,
)
