"""Random programs of products and what is done to their rows: what the scheduler lets run in bands.

Layers follow one another, are taken up again further down, transposed, multiplied with themselves, and
summed up along rows and along columns.
"""

from __future__ import annotations

import numpy as np
from random_program import (
    arithmetic,
    centred,
    choice,
    clamp,
    costly,
    joined,
    reduced,
    reversed_,
    sliced,
    transposed,
)
from random_rows import RandomRows, along_columns, along_rows, cut_dim, joined_dims, normalised, spread

from tapejit.ir import ops
from tapejit.ir.builder import Var
from tapejit.ir.types import TensorType

ROWS = 8
SPACES = ((ROWS, 3), (ROWS, 2), (3, 2), (2, 3), (3, 3), (3,), (ROWS,))


class RandomBands(RandomRows):
    """A random program on matrices of as many rows, with weights to multiply them with."""

    def __init__(self, seed: int, dtype: str):
        random = np.random.default_rng(seed)
        super(RandomRows, self).__init__(random, dtype, [TensorType(dtype, shape) for shape in SPACES])

    def grow(self, steps: int) -> None:
        for _ in range(steps):
            found = self.pick(BAND_STEPS)(self, self.some())
            if found is not None and found.type.size < 200:
                self.values.append(found)


def layer(p: RandomBands, x: Var) -> Var | None:
    """Times any matrix that fits, from the right, or from the right as it is transposed."""
    fitting = [
        (y, d) for y in p.values for d in (0, 1) if len(y.shape) == 2 and y.shape[d] == (x.shape or (0,))[-1]
    ]
    if not fitting or not x.shape or not x.type.size:
        return None
    y, d = p.pick(fitting)
    dims = ((len(x.shape) - 1,), (d,))
    return clamp(ops.dot_general(x, y, contract=dims, batch=((), ())))


def activated_layer(p: RandomBands, x: Var) -> Var | None:
    return layer(p, p.pick((costly, arithmetic, choice))(p, x))


def of_columns(p: RandomBands, x: Var) -> Var | None:
    """The transposed one times another one, as in the gradient of a weight."""
    others = [y for y in p.values if len(y.shape) == 2 and y.shape[:1] == x.shape[:1]]
    if len(x.shape) != 2 or not others or not x.type.size:
        return None
    return clamp(ops.dot_general(x, p.pick(others), contract=((0,), (0,)), batch=((), ())))


BAND_STEPS = (
    *(layer,) * 6,
    *(activated_layer,) * 6,
    *(arithmetic,) * 4,
    *(of_columns,) * 2,
    *(along_rows, along_columns, normalised, centred, reduced, transposed),
    *(spread,) * 4,
    *(costly, choice, joined, sliced, reversed_, cut_dim, joined_dims),
)
