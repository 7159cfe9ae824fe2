"""Histograms of points against NumPy's: points outside and on edges, NaN, few points, weights' gradients."""

from __future__ import annotations

import numpy as np
import pytest
from trial import leaves, same

import tapejit as tj
from tapejit.engine import DECORATED

EDGES = [np.array([-1.0, 0.0, 0.5, 2.0]), np.array([0.0, 0.1, 3.0])]


def points(count):
    x = np.random.default_rng(3).standard_normal((count, 2))
    if count > 4:
        x[:5] = [[-1.0, 0.1], [2.0, 3.0], [np.nan, 1.0], [0.0, 0.0], [9.0, 1.0]]
    return x


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64"])
@pytest.mark.parametrize("count", [0, 1, 200])
@pytest.mark.parametrize("density", [None, True])
def test_points_are_counted_where_numpy_counts_them(dtype, count, density):
    x = np.nan_to_num(points(count), nan=7).astype(dtype)
    ways = (
        {"bins": EDGES},
        {"bins": 3, "range": [(-1, 2), (0, 1)]},
        {"bins": (2, EDGES[1]), "range": [(0, 1), None]},
    )
    for how in ways:
        with np.errstate(all="ignore"):
            expected = leaves(np.histogramdd(x, density=density, **how))
        with tj.record():
            found = leaves(np.histogramdd(tj.array(x), density=density, **how))
        for ours, theirs in zip(found, expected, strict=True):
            same(np.asarray(ours), theirs)


@pytest.mark.parametrize("tier", ["interpret", "compile"])
def test_the_gradient_of_a_weight_is_the_seed_of_its_bin(tier):
    DECORATED.tier = tier
    x, seed = points(50), np.arange(6.0).reshape(3, 2) + 1
    w = np.linspace(0.5, 2, 50)
    found = tj.grad(lambda w: np.sum(np.histogramdd(x, EDGES, weights=w)[0] * seed))(w)
    every = [np.histogramdd(x[k : k + 1], EDGES)[0] for k in range(50)]
    np.testing.assert_array_equal(found, [np.sum(each * seed) for each in every])


def test_samples_are_constants():
    def total(x):
        return np.sum(np.histogram2d(x[:, 0], x[:, 1], EDGES)[0]) + np.sum(x[5:])

    np.testing.assert_array_equal(tj.grad(total)(points(9))[:5], 0.0)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda x: np.histogramdd(x, [3, 3, 3]), "2 coordinates, but 3 bins"),
        (lambda x: np.histogramdd(x, EDGES, weights=np.ones(3)), r"weights of shape \(3,\)"),
        (lambda x: np.histogram2d(x[:, 0], x[1:, 0]), "same length"),
        (lambda x: np.histogramdd(x, 0), "must be positive"),
        (lambda x: np.histogramdd(x), "not finite"),
        (lambda x: np.histogramdd(x, [EDGES[0][::-1], 2]), "increase"),
    ],
)
def test_mistakes_name_the_line(call, words):
    with tj.record(), pytest.raises(ValueError, match=words) as raised:
        call(tj.array(points(9)))
    assert "test_histogram_grid.py:" in str(raised.value)
