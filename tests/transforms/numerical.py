"""The judge of transforms: derivatives by differences of sixth order, in extended precision.

Nested four deep they are still right to nine digits.
"""

import itertools
from collections.abc import Callable

import numpy as np

STEP = 0.02
STENCIL = ((1, 3 / 4), (2, -3 / 20), (3, 1 / 60))

Map = Callable[[np.ndarray], np.ndarray]


def along(f: Map, x: np.ndarray, v: np.ndarray) -> np.ndarray:
    """The derivative of `f` at `x` in direction `v`."""
    terms = (
        np.longdouble(sign * weight) * f(x + np.longdouble(sign * k * STEP) * v)
        for (k, weight), sign in itertools.product(STENCIL, (1, -1))
    )
    return sum(terms) / np.longdouble(STEP)


def jacobian(f: Map) -> Map:
    """The function that returns the Jacobian, of shape `value.shape + x.shape`."""

    def evaluate(x: np.ndarray) -> np.ndarray:
        columns = [along(f, x, unit.reshape(x.shape)) for unit in np.eye(x.size, dtype=np.longdouble)]
        shape = np.shape(columns[0])
        return np.stack(columns, axis=-1).reshape(*shape, *x.shape)

    return evaluate
