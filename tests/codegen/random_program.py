"""Random programs that are exact: whole numbers, clamped, so that no order of summation can matter.

They look for wrong schedules and wrong indices: shapes with dimensions of one and of none, views of
views, reductions over any axes, products in any layout, values needed in several places.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tapejit.ir import control, ops
from tapejit.ir.builder import Builder, Var
from tapejit.ir.function import Function
from tapejit.ir.gather import gather, last_write, scatter_add
from tapejit.ir.loop import while_
from tapejit.ir.scan import linear_scan
from tapejit.ir.sort import argsort
from tapejit.ir.types import TensorType

SHAPES = (
    (2, 3, 4),
    (3, 4),
    (4, 3),
    (6, 4),
    (2, 3),
    (4,),
    (1, 4),
    (3, 1, 2),
    (),
    (5,),
    (12,),
    (2, 12),
    (0, 3),
)


class RandomProgram:
    """A program under construction, drawing on a random generator."""

    def __init__(self, seed: int | np.random.Generator, dtype: str, types: Sequence[TensorType] = ()):
        self.random = np.random.default_rng(seed)
        self.dtype = dtype
        self.builder = Builder("random")
        types = types or [TensorType(dtype, self.pick(SHAPES)) for _ in range(4)]
        self.values: list[Var] = [self.builder.param(type_, f"x{k}") for k, type_ in enumerate(types)]

    def pick(self, options):
        return options[self.random.integers(len(options))]

    def function(self, steps: int, results: int) -> Function:
        self.grow(steps)
        return self.builder.finish([*self.values[-2:], *(self.some() for _ in range(results))])

    def grow(self, steps: int) -> None:
        for _ in range(steps):
            found = self.pick(STEPS)(self, self.some())
            if found is not None and found.type.size < 2000:
                self.values.append(found)

    def some(self) -> Var:
        """A value, a late one more likely."""
        late = self.values[-6:]
        return self.pick(late if self.random.random() < 0.7 else self.values)

    def like(self, x: Var) -> Var:
        """Another value of the type of x."""
        return self.pick([v for v in self.values if v.type == x.type])

    def axes(self, x: Var) -> tuple[int, ...]:
        return tuple(k for k in range(len(x.shape)) if self.random.random() < 0.5)


def clamp(x: Var) -> Var:
    return ops.minimum(ops.maximum(x, x.like(-9)), x.like(9))


def arithmetic(p: RandomProgram, x: Var) -> Var:
    row = p.pick((ops.add, ops.sub, ops.mul, ops.maximum, ops.minimum))
    return clamp(row(x, p.like(x)))


def costly(p: RandomProgram, x: Var) -> Var:
    """Something the scheduler takes for expensive: its cost is what counts, it returns x."""
    for _ in range(12):
        x = ops.neg(x)
    return clamp(x * x + x.like(1)) if p.random.random() < 0.5 else x


def choice(p: RandomProgram, x: Var) -> Var:
    return ops.select(ops.lt(x, p.like(x)), p.like(x), ops.neg(x))


def transposed(p: RandomProgram, x: Var) -> Var:
    return ops.transpose(x, perm=tuple(int(k) for k in p.random.permutation(len(x.shape))))


def reshaped(p: RandomProgram, x: Var) -> Var | None:
    options = [s for s in SHAPES if int(np.prod(s)) == x.type.size]
    return ops.reshape(x, shape=p.pick(options)) if options else None


def sliced(p: RandomProgram, x: Var) -> Var:
    start = [int(p.random.integers(0, n // 2 + 1)) for n in x.shape]
    stop = [int(p.random.integers(b, n + 1)) for b, n in zip(start, x.shape, strict=True)]
    step = tuple(int(p.random.integers(1, 3)) for _ in x.shape)
    return ops.slice_(x, start=tuple(start), stop=tuple(stop), step=step)


def reversed_(p: RandomProgram, x: Var) -> Var:
    return ops.reverse(x, axes=p.axes(x))


def padded(p: RandomProgram, x: Var) -> Var:
    low, high, interior = (tuple(int(k) for k in p.random.integers(0, 3, len(x.shape))) for _ in range(3))
    return ops.pad(x, low=low, high=high, interior=interior, value=p.pick((0, 2)))


def repeated(p: RandomProgram, x: Var) -> Var:
    """Along new dimensions before, between or after."""
    shape, dims = [], []
    for n in x.shape:
        shape += [int(p.random.integers(1, 4))] * (p.random.random() < 0.4)
        dims.append(len(shape))
        shape.append(n)
    shape += [int(p.random.integers(1, 4))] * (p.random.random() < 0.4)
    return ops.broadcast(x, shape=tuple(shape), dims=tuple(dims))


def reduced(p: RandomProgram, x: Var) -> Var:
    row = p.pick((ops.reduce_sum, ops.reduce_max, ops.reduce_min))
    axes = p.axes(x)
    if row is not ops.reduce_sum and any(x.shape[a] == 0 for a in axes):
        return ops.reduce_sum(x, axes=axes)
    return clamp(row(x, axes=axes))


def centred(p: RandomProgram, x: Var) -> Var:
    """What a softmax or a norm does: reduce, repeat, combine."""
    axes = p.axes(x)
    kept = tuple(k for k in range(len(x.shape)) if k not in axes)
    total = clamp(ops.reduce_sum(x, axes=axes))
    return clamp(x - ops.broadcast(total, shape=x.shape, dims=kept))


def position(p: RandomProgram, x: Var) -> Var | None:
    axes = [k for k, n in enumerate(x.shape) if n]
    if not axes or x.dtype == "bool":
        return None
    return ops.cast(p.pick((ops.argmax, ops.argmin))(x, axes=(p.pick(axes),)), dtype=x.dtype)


def joined(p: RandomProgram, x: Var) -> Var | None:
    if not x.shape:
        return None
    axis = int(p.random.integers(len(x.shape)))
    return ops.concat(x, p.like(x), ops.neg(x), axis=axis)


def product(p: RandomProgram, x: Var) -> Var | None:
    """With any value, over one pair of dimensions of equal size, sometimes with a batch."""
    y = p.some()
    pairs = [(i, j) for i, n in enumerate(x.shape) for j, m in enumerate(y.shape) if n == m]
    if not pairs:
        return None
    i, j = p.pick(pairs)
    rest = [(a, b) for a, b in pairs if a != i and b != j]
    batch = [p.pick(rest)] if rest and p.random.random() < 0.5 else []
    if x.type.size * y.type.size > 20000:
        return None
    return clamp(
        ops.dot_general(
            x, y, contract=((i,), (j,)), batch=(tuple(a for a, _ in batch), tuple(b for _, b in batch))
        )
    )


def wide_product(p: RandomProgram, x: Var) -> Var | None:
    """Large enough for BLAS: both sides are repeated first."""
    if len(x.shape) != 2 or 0 in x.shape:
        return None
    left = ops.broadcast(x, shape=(12, *x.shape), dims=(1, 2))
    right = ops.broadcast(p.like(x), shape=(x.shape[0], 13, x.shape[1]), dims=(0, 2))
    contract = p.pick((((1,), (0,)), ((2,), (2,)), ((1, 2), (0, 2)), ((2, 1), (2, 0))))
    found = ops.dot_general(clamp(left + 1.0), clamp(right - 1.0), contract=contract, batch=((), ()))
    return clamp(ops.reduce_sum(found, axes=(0,)))


def wild_index(p: RandomProgram) -> Var:
    """Positions of which some are outside of any axis, far out now and then."""
    index = ops.cast(p.some(), dtype="i64")
    return index * index.like(p.pick((1, 1, 1, 2**60)))


def gathered(p: RandomProgram, x: Var) -> Var | None:
    if not x.shape or len(x.shape) > 3:
        return None
    return gather(x, wild_index(p), axis=int(p.random.integers(len(x.shape))))


def scattered(p: RandomProgram, x: Var) -> Var | None:
    """At positions of any rank, the first dimensions of x or some in its middle."""
    parts = {x.shape[i:j] for i in range(len(x.shape)) for j in range(i + 1, len(x.shape) + 1)}
    indices = [v for v in p.values if v.shape in parts]
    if not indices:
        return None
    index = ops.cast(p.pick(indices), dtype="i64")
    rank = len(index.shape)
    axes = [k for k in range(len(x.shape)) if x.shape[k : k + rank] == index.shape]
    return clamp(scatter_add(x, index, axis=p.pick(axes), size=p.pick((0, 1, 3, 5))))


def last_written(p: RandomProgram, x: Var) -> Var:
    return ops.cast(last_write(ops.cast(x, dtype="i64"), axis=0, size=p.pick((1, 4))), dtype=x.dtype)


def scanned(p: RandomProgram, x: Var) -> Var | None:
    if not x.shape:
        return None
    return clamp(linear_scan(ops.sign(p.like(x)), x, axis=int(p.random.integers(len(x.shape)))))


def ordered(p: RandomProgram, x: Var) -> Var | None:
    return ops.cast(argsort(x), dtype=x.dtype) if x.shape else None


def branched(p: RandomProgram, x: Var) -> Var:
    y = p.like(x)
    regions = []
    for row in (ops.add, ops.sub):
        side = Builder(row.name, [x.type, x.type])
        a, b = side.params
        everything = tuple(range(len(x.shape)))
        regions.append(side.finish([clamp(row(a, b)), clamp(ops.reduce_sum(a, axes=everything))]))
    pred = ops.gt(ops.reduce_sum(y, axes=tuple(range(len(y.shape)))), p.builder.full(TensorType(p.dtype), 0))
    first, second = control.cond.several(pred, x, y, regions=tuple(regions))
    return clamp(first + ops.broadcast(second, shape=x.shape, dims=()))


def looped(p: RandomProgram, x: Var) -> Var:
    """A few random operations on x and y, once, twice or not at all, as a counter and a sum of x say."""
    y, fixed, count = p.like(x), p.some(), TensorType("i64")
    state = (x, y, x.builder.full(count, 0))
    inner = RandomProgram(p.random, p.dtype, [x.type, y.type, fixed.type])
    n = inner.builder.param(count)
    inner.grow(int(p.random.integers(1, 4)))
    step = [clamp(inner.like(x)), clamp(inner.like(y)), n + n.like(1)]
    few = Builder("few", [v.type for v in (*state, fixed)])
    total = ops.reduce_sum(few.params[0], axes=tuple(range(len(x.shape))))
    small = ops.lt(total, total.like(int(p.random.integers(-9, 99))))
    goes_on = ops.logical_and(ops.lt(few.params[2], few.params[2].like(2)), small)
    body = inner.builder.finish(step)
    body.params = (*body.params[:2], n.value, body.params[2])
    return p.pick(while_.several(*state, fixed, carry=3, regions=(few.finish([goes_on]), body))[:2])


STEPS = (
    arithmetic,
    arithmetic,
    costly,
    choice,
    transposed,
    reshaped,
    sliced,
    reversed_,
    padded,
    repeated,
    reduced,
    reduced,
    centred,
    centred,
    position,
    joined,
    product,
    product,
    wide_product,
    branched,
    looped,
    gathered,
    gathered,
    scattered,
    scattered,
    last_written,
    scanned,
    scanned,
    ordered,
)
