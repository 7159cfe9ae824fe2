"""Loops that Python unrolls: their steps are compiled once, for each size of the arrays in them."""

from __future__ import annotations

import numpy as np
import pytest
from test_sizes import assert_right

from tapejit.function import Differentiated


def recurrent(w, x):
    h = np.zeros(w.shape[0])
    for row in x:
        h = np.tanh(w @ h + row)
    return np.sum(h * h)


def normalised(w, x):
    """A number and a constant that go from step to step."""
    h, loss = x[0], 0.0
    for t in range(1, x.shape[0]):
        h = w @ h + 0.125 * t * x[t]
        norm = np.sqrt(np.sum(h * h))
        h = h / norm
        loss = loss + np.log(norm)
    return loss


def solved(w, x):
    """Linear algebra in each step, which may fail."""
    h = x[0]
    for row in x:
        h = np.linalg.solve(w @ w.T + 3 * np.eye(w.shape[0]), h + row)
    return np.sum(np.sin(h))


def heat(w, x):
    """Slices and in-place writes in each step; `w` is read as a whole."""
    u = x.sum(axis=0)
    for _ in range(x.shape[0]):
        u[1:-1] += 0.2 * (u[2:] - 2 * u[1:-1] + u[:-2]) * w[0, 1:-1]
    return np.sum(u * u)


@pytest.mark.parametrize("function", [recurrent, normalised, solved, heat])
def test_value_and_gradient(function, decorated):
    rng = np.random.default_rng(0)
    differentiated = Differentiated(function, (0, 1), engine=decorated)
    for size, steps in ((5, 90), (4, 91)):
        w, x = rng.normal(size=(size, size)) / 3, rng.normal(size=(steps, size))
        assert_right(function, (w, x), *differentiated(w, x))


def test_many_steps_are_compiled_for_each_size(decorated):
    differentiated = Differentiated(recurrent, (0,), engine=decorated)
    for size in (5, 4, 3):
        differentiated(np.full((size, size), 0.1), np.ones((90, size)))
    assert decorated.counters().compiled == 3
    assert "sizes at run time" not in differentiated.explain()
