"""Sums of ten million f32: as precise as NumPy's pairwise ones, the same bits on any number of threads."""

from functools import cache

import numpy as np
import pytest

import tapejit as tj

COUNT = 10_000_000
ULP = float(np.finfo(np.float32).eps)

WHOLE = {
    "sum": np.sum,
    "mean": np.mean,
    "variance": np.var,
    "sum of squares": lambda x: np.sum(x * x),
    "inner product": lambda x: np.dot(x, x),
    "largest product": lambda x: np.sum(np.maximum(x, 0.5) * x),
}
ROWS = {"few columns": (COUNT // 10, 10), "many columns": (COUNT // 1000, 1000)}


@cache
def numbers(kind: str) -> np.ndarray:
    rng = np.random.default_rng(4)
    x = np.full(COUNT, 1e-8, np.float32)  # a one and tiny numbers: added one by one they are lost
    x[0] = 1.0
    return x if kind == "tiny" else rng.normal(100.0, 1.0, COUNT).astype(np.float32)


def on_threads(function, *operands):
    """The result, which is the same on one thread and on two."""
    found, before = [], tj.get_num_threads()
    function(*operands)  # traced and interpreted
    try:
        for count in (1, 2):
            tj.set_num_threads(count)
            found.append(np.asarray(function(*operands)))
    finally:
        tj.set_num_threads(before)
    np.testing.assert_array_equal(found[0].view(np.uint32), found[1].view(np.uint32))
    return found[0]


def error(found, exact):
    return float(np.max(np.abs(found / exact - 1)))


@pytest.mark.parametrize("kind", ["tiny", "normal"])
@pytest.mark.parametrize("name", WHOLE)
def test_of_everything(name, kind):
    x, function = numbers(kind), WHOLE[name]
    exact = function(x.astype(np.float64))
    found = on_threads(tj.jit(function), x)
    assert found.dtype == np.float32
    assert error(found, exact) <= max(error(function(x), exact), 2 * ULP)


@pytest.mark.parametrize("kind", ["tiny", "normal"])
@pytest.mark.parametrize("shape", ROWS)
def test_of_columns(shape, kind):
    """Far better than NumPy, which adds whole rows one after the other."""
    x = numbers(kind).reshape(ROWS[shape])
    exact = x.sum(0, np.float64)
    found = on_threads(tj.jit(lambda x: np.sum(x, axis=0)), x)
    assert error(found, exact) <= max(0.1 * error(x.sum(0), exact), 2 * ULP)


@pytest.mark.parametrize("kind", ["tiny", "normal"])
def test_of_rows(kind):
    x = numbers(kind).reshape(10, -1)
    exact = x.sum(1, np.float64)
    found = on_threads(tj.jit(lambda x: np.sum(x, axis=1)), x)
    assert error(found, exact) <= max(error(x.sum(1), exact), 2 * ULP)


@pytest.mark.parametrize("kind", ["tiny", "normal"])
def test_of_gradients(kind):
    """The gradient in weights is a sum over all rows."""
    x = numbers(kind).reshape(ROWS["few columns"])
    w = np.linspace(0.5, 1.5, 10, dtype=np.float32)
    gradient = tj.jit(tj.grad(lambda w, x: np.sum(np.sum(x * w, axis=1))))
    exact = x.sum(0, np.float64)
    assert error(on_threads(gradient, w, x), exact) <= max(0.1 * error(x.sum(0), exact), 2 * ULP)
