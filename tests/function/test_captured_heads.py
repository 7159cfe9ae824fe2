"""Gradients of functions that return a variable itself, or an array of an outer derivative."""

import numpy as np
import pytest

import tapejit as tj

pytestmark = pytest.mark.usefixtures("interpreted")
X = np.array([1.0, 2.0, 3.0])


def test_the_identity_in_another_derivative():
    assert tj.grad(lambda z: z)(2.0) == 1.0
    assert tj.grad(lambda x: tj.grad(lambda z: z)(x) * x)(2.0) == 1.0
    np.testing.assert_array_equal(tj.vmap(tj.grad(lambda z: z))(X), [1, 1, 1])
    value, tangent = tj.jvp(lambda x: tj.grad(lambda z: z)(x) * x, (2.0,), (3.0,))
    assert (value, tangent) == (2.0, 3.0)


def test_a_head_from_the_outer_derivative_is_a_constant():
    def f(x):
        y = x.sum()
        return tj.grad(lambda z: y)(x) + x

    np.testing.assert_array_equal(tj.grad(lambda x: np.sum(f(x)))(X), [1, 1, 1])
    np.testing.assert_array_equal(tj.jvp(f, (X,), (X,))[1], X)


def test_a_head_that_the_outer_derivative_has_computed_keeps_its_history():
    def f(x):
        y = x.sum()
        assert y > 0
        return tj.grad(lambda z: y)(x).sum() + y * y

    np.testing.assert_array_equal(tj.grad(f)(X), [12, 12, 12])
