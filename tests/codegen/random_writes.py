"""Random programs whose results are new contents of their parameters, often of a few windows only.

Parameters have one of two shapes, so that a result fits several of them, and what one of them becomes is
mostly computed from others. Some programs say first whether anything may be written at all.
"""

from __future__ import annotations

from random_program import STEPS, RandomProgram

from tapejit.ir import ops
from tapejit.ir.builder import Var
from tapejit.ir.function import Function
from tapejit.ir.types import TensorType
from tapejit.ir.update import update, window_of

SHAPES = ((6,), (3, 4))


class RandomWrites(RandomProgram):
    """Three parameters of each shape, then random steps."""

    def __init__(self, seed: int, dtype: str):
        super().__init__(seed, dtype, [TensorType(dtype, shape) for shape in SHAPES for _ in range(3)])
        self.parameters = list(self.values)

    def guarded(self, steps: int) -> Function:
        """Its first result says whether parameters change."""
        inner = self.function(steps, 0)
        x = self.pick(self.values)
        ok = ops.reduce_any(ops.gt(x, self.like(x)), axes=tuple(range(len(x.shape))))
        return self.builder.finish([ok, *(Var(self.builder, v) for v in inner.results)])

    def function(self, steps: int, results: int) -> Function:
        self.grow(steps)
        return self.builder.finish(
            [self.content(x) for x in self.parameters] + [self.some() for _ in range(results)]
        )

    def grow(self, steps: int) -> None:
        for _ in range(steps):
            pick = written if self.random.random() < 0.3 else self.pick(STEPS)
            found = pick(self, self.some())
            if found is not None and found.type.size < 2000:
                self.values.append(found)

    def content(self, x: Var) -> Var:
        """What a parameter becomes: windows of it, a value of its type, or what it was."""
        chance = self.random.random()
        return written(self, x) if chance < 0.4 else self.like(x) if chance < 0.9 else x


def written(p: RandomProgram, x: Var) -> Var:
    """x with a window that comes of x, at the same place or at another, or of another value."""
    if not x.shape or not x.type.size:
        return x
    step = tuple(int(p.random.integers(1, 3)) for _ in x.shape)
    size = tuple(int(p.random.integers(1, -(-n // s) + 1)) for n, s in zip(x.shape, step, strict=True))
    room = [n - (m - 1) * s for n, m, s in zip(x.shape, size, step, strict=True)]
    start, other = (tuple(int(p.random.integers(0, r)) for r in room) for _ in range(2))
    source = x if p.random.random() < 0.6 else p.like(x)
    value = window_of(source, size, start if p.random.random() < 0.5 else other, step)
    value = ops.minimum(value + value.like(1), value.like(9))
    return update(x, value, starts=(start,), steps=(step,))
