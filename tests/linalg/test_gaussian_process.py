"""The marginal likelihood of a Gaussian process, in other people's style."""

import numpy as np
import pytest

import tapejit as tj

RANDOM = np.random.default_rng(7)
X = np.sort(RANDOM.uniform(-2.0, 2.0, 12))
Y = np.sin(2.0 * X) + 0.1 * RANDOM.standard_normal(12)
THETA = np.array([0.1, -0.3, -1.5])


def negative_log_likelihood(theta):
    amplitude, length, noise = np.exp(theta)
    difference = (X[:, None] - X[None, :]) / length
    kernel = amplitude**2 * np.exp(-0.5 * difference**2) + (noise**2 + 1e-8) * np.eye(len(X))
    factor = np.linalg.cholesky(kernel)
    alpha = np.linalg.solve(factor.T, np.linalg.solve(factor, Y))
    return 0.5 * Y @ alpha + np.sum(np.log(np.diagonal(factor))) + 0.5 * len(X) * np.log(2.0 * np.pi)


def by_cho_solve(theta):
    amplitude, length, noise = np.exp(theta)
    difference = (X[:, None] - X[None, :]) / length
    kernel = amplitude**2 * np.exp(-0.5 * difference**2) + (noise**2 + 1e-8) * np.eye(len(X))
    factor = tj.linalg.cho_factor(kernel, lower=True)
    half = np.sum(np.log(np.diagonal(factor[0])))
    return 0.5 * Y @ tj.linalg.cho_solve(factor, Y) + half + 0.5 * len(X) * np.log(2.0 * np.pi)


def by_formula(theta):
    """Rasmussen and Williams, Gaussian Processes for Machine Learning (2006), equation 5.9."""
    amplitude, length, noise = np.exp(theta)
    difference = (X[:, None] - X[None, :]) / length
    shape = np.exp(-0.5 * difference**2)
    inverse = np.linalg.inv(amplitude**2 * shape + (noise**2 + 1e-8) * np.eye(len(X)))
    slopes = (2 * amplitude**2 * shape, amplitude**2 * shape * difference**2, 2 * noise**2 * np.eye(len(X)))
    inner = inverse - np.outer(inverse @ Y, inverse @ Y)
    return np.array([0.5 * np.sum(inner * slope) for slope in slopes])


@pytest.mark.parametrize("f", [negative_log_likelihood, by_cho_solve])
def test_the_gradient_is_the_textbook_s(f):
    value, gradient = tj.value_and_grad(f)(THETA)
    assert value == pytest.approx(float(negative_log_likelihood(THETA)), rel=1e-12)
    np.testing.assert_allclose(gradient, by_formula(THETA), rtol=1e-8)


@pytest.mark.slow
def test_the_compiled_gradient(compile_from_now_on):
    compile_from_now_on()
    np.testing.assert_allclose(tj.grad(by_cho_solve)(THETA), by_formula(THETA), rtol=1e-8)


def test_the_hessian():
    step = 1e-5 * np.eye(3)
    expected = [(by_formula(THETA + h) - by_formula(THETA - h)) / 2e-5 for h in step]
    np.testing.assert_allclose(tj.hessian(by_cho_solve)(THETA), expected, rtol=1e-6, atol=1e-6)


def test_descent_lowers_it():
    theta, before = THETA, negative_log_likelihood(THETA)
    gradient = tj.grad(by_cho_solve)
    for _ in range(20):
        theta = theta - 0.01 * gradient(theta)
    assert negative_log_likelihood(theta) < before


def test_known_calls_run_no_python():
    gradient = tj.grad(by_cho_solve)
    for _ in range(3):
        gradient(THETA)
    assert "traced 1 times, 1 paths known" in gradient.explain()
