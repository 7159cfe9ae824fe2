"""Shapes at the edge of what NumPy takes: numbers with an axis, too many dimensions of one, 64 dimensions."""

import numpy as np
import pytest

import tapejit as tj

FOLDS = (np.sum, np.prod, np.max, np.min, np.any, np.all, np.argmax, np.argmin, np.ptp, np.count_nonzero)
LISTS = (np.cumsum, np.cumprod, np.argsort)
NUMBER = np.array(3.0)


@pytest.fixture(autouse=True)
def _interpreted(monkeypatch):
    from tapejit.engine import DECORATED

    monkeypatch.setattr(DECORATED, "tier", "interpret")


@pytest.mark.parametrize("axis", [0, -1])
@pytest.mark.parametrize("function", FOLDS + LISTS)
def test_a_number_has_the_axes_that_numpy_gives_it(function, axis):
    found = tj.jit(lambda x: function(x, axis=axis))(NUMBER)
    expected = function(NUMBER, axis=axis)
    assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("function", [*FOLDS, *LISTS, np.mean, np.sort])
def test_and_no_others(function):
    with pytest.raises(IndexError):
        tj.jit(lambda x: function(x, axis=1))(NUMBER)


@pytest.mark.parametrize("function", [np.argmax, np.argmin])
def test_nothing_has_no_largest_element(function):
    with pytest.raises(ValueError, match=r"test_corner_shapes.py:\d+: no elements"):
        tj.jit(function)(np.zeros((2, 0)))
    assert tj.jit(lambda x: function(x, axis=0))(np.zeros((2, 0))).shape == (0,)


def test_a_value_may_have_leading_dimensions_of_one_too_many():
    def f(x):
        y = x * 1.0
        y[[0, 1], [0, 1]] = x[0, :2][None, None] * 3.0
        y[1] = y[None, None, 0]
        return y

    x = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(tj.jit(f)(x), f(x))
    np.testing.assert_array_equal(tj.grad(lambda x: np.sum(f(x)))(x), [[6.0, 2.0, 2.0], [0.0, 0.0, 0.0]])


def test_other_dimensions_too_many_are_refused():
    def f(x):
        x = x * 1.0
        x[0] = x[:, None]

    with pytest.raises(ValueError, match="does not broadcast"):
        tj.jit(f)(np.ones((2, 3)))


def test_as_many_dimensions_as_numpy_has():
    x = np.ones((1,) * 63 + (2,))
    np.testing.assert_array_equal(tj.grad(lambda x: np.sum(x * x + np.sin(x)))(x), 2 * x + np.cos(x))
