"""`tapejit.linalg` against `scipy.linalg`: values, gradients, tangents."""

import numpy as np
import pytest
import scipy.linalg

import tapejit as tj

RANDOM = np.random.default_rng(1)
A = RANDOM.standard_normal((4, 4)) + 2 * np.eye(4)
POSITIVE = A @ A.T + np.eye(4)
RIGHT, VECTOR = RANDOM.standard_normal((4, 2)), RANDOM.standard_normal(4)


def structured(kind):
    return lambda a, m: m.solve(a, RIGHT, assume_a=kind)


def triangular(lower, trans, unit):
    return lambda a, m: m.solve_triangular(a, RIGHT, trans=trans, lower=lower, unit_diagonal=unit)


SYMMETRIC = {
    "cho_solve": lambda a, m: m.cho_solve(m.cho_factor(a), VECTOR),
    "cho_solve_lower": lambda a, m: m.cho_solve(m.cho_factor(a, lower=True), RIGHT),
    "cholesky": lambda a, m: m.cholesky(a),
    "positive": structured("pos"),
    "symmetric": structured("sym"),
}
GENERAL = {
    **{f"triangular_{k}": triangular(k & 1 > 0, (k & 2) // 2, k & 4 > 0) for k in range(8)},
    "transposed": lambda a, m: m.solve(a, RIGHT, transposed=True),
    "general": structured("general"),
    "lower": structured("lower triangular"),
    "upper": structured("upper triangular"),
    "diagonal": structured("diagonal"),
    "lu": lambda a, m: sum(k * x**2 for k, x in enumerate(m.lu(a))),
    "lu_solve": lambda a, m: m.lu_solve(m.lu_factor(a), VECTOR),
    "lu_solve_transposed": lambda a, m: m.lu_solve(m.lu_factor(a), RIGHT, trans=1),
    "expm": lambda a, m: m.expm(a),
    "expm_small": lambda a, m: m.expm(0.01 * a),
    "expm_large": lambda a, m: m.expm(3.0 * a),
    "toeplitz": lambda a, m: m.toeplitz(a[0]),
    "toeplitz_two": lambda a, m: m.toeplitz(a[0], a[1, :3]),
    "block_diag": lambda a, m: m.block_diag(a, a[0], RIGHT),
    "det": lambda a, m: m.det(a),
    "inv": lambda a, m: m.inv(a),
}
CASES = {
    **{name: (f, POSITIVE) for name, f in SYMMETRIC.items()},
    **{name: (f, A) for name, f in GENERAL.items()},
}


@pytest.mark.parametrize("name", CASES)
def test_like_scipy(name):
    f, x = CASES[name]
    expected = f(x, scipy.linalg)
    for found in (tj.jit(lambda a: f(a, tj.linalg))(x), f(x, tj.linalg)):
        assert type(found) is np.ndarray or np.ndim(found) == 0
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", CASES)
def test_derivatives(name):
    f, x = CASES[name]
    weights, v = np.cos(np.arange(np.size(f(x, tj.linalg)))), RANDOM.standard_normal(x.shape)

    def loss(a):
        a = 0.5 * (a + a.T) if name in SYMMETRIC else a
        return np.sum(np.ravel(f(a, tj.linalg)) * weights)

    slope = (loss(x + 1e-6 * v) - loss(x - 1e-6 * v)) / 2e-6
    _, tangent = tj.jvp(loss, (x,), (v,))
    np.testing.assert_allclose(tangent, slope, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(np.sum(tj.grad(loss)(x) * v), tangent, rtol=1e-9)


def test_the_exponential_in_other_transforms():
    stack = np.stack([A, 5.0 * A, 0.0 * A])
    np.testing.assert_allclose(tj.vmap(tj.linalg.expm)(stack), scipy.linalg.expm(stack), rtol=1e-9)
    np.testing.assert_allclose(tj.jit(tj.linalg.expm)(stack), scipy.linalg.expm(stack), rtol=1e-9)
    second = tj.hessian(lambda t: np.sum(tj.linalg.expm(t * A)))(0.3)
    expected = np.sum(A @ A @ scipy.linalg.expm(0.3 * A))
    np.testing.assert_allclose(second, expected, rtol=1e-9)
