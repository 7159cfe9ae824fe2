"""Python's own ways to copy an array, or to put it somewhere, do not lose its gradient without a word."""

import copy
import pickle
from array import array

import numpy as np
import pytest

import tapejit as tj
from tapejit.tracer.errors import ConversionError

X = np.array([1.0, 2.0])


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda y: copy.deepcopy([y])[0]])
def test_copies_are_differentiated(copied):
    def f(x):
        return np.sum(copied(x * 2) * x)

    np.testing.assert_array_equal(tj.grad(f)(X), 4 * X)
    x = tj.array(X)
    x.attach_grad()
    with tj.record():
        y = f(x)
    y.backward()
    np.testing.assert_array_equal(x.grad, 4 * X)


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda y: pickle.loads(pickle.dumps(y))])
def test_copies_have_memory_of_their_own(copied):
    x = tj.array(X)
    y = copied(x)
    y[0] = 9.0
    np.testing.assert_array_equal(x, X)


@pytest.mark.parametrize(
    "place", [lambda: np.zeros(2), lambda: np.zeros(2, complex), lambda: array("d", [0.0])]
)
def test_an_array_of_others_does_not_take_what_is_differentiated(place):
    def f(x):
        values = place()
        values[0] = x[1]
        return np.sum(np.array(values).real) * x[0]

    with pytest.raises((ConversionError, ValueError)) as caught:
        tj.grad(f)(X)
    reasons = [caught.value, caught.value.__cause__]
    (reason,) = [e for e in reasons if isinstance(e, ConversionError)]
    assert "test_copies.py:" in str(reason)
    assert "tj.zeros" in str(reason)
    assert tj.jit(f)(X) == 2.0


def test_what_is_no_derivative_may_be_stored():
    def f(x):
        values, found, named = np.zeros(4), [0.0], {}
        values[0], values[1], values[2] = float(x[0]), x.detach()[1], x.argmax()
        found[0] = named["x"] = x[1]
        return np.sum(values) * x[0] + found[0] + named["x"]

    np.testing.assert_array_equal(tj.grad(f)(X), [4.0, 2.0])
