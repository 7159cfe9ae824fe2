"""Matrices at which something is not unique, not differentiable or not there: the conventions."""

import numpy as np
import pytest

import tapejit as tj

L = np.linalg


def cofactors(a):
    """By minors."""
    n = len(a)
    minors = [[np.delete(np.delete(a, i, 0), j, 1) for j in range(n)] for i in range(n)]
    return np.array([[(-1) ** (i + j) * L.det(minors[i][j]) for j in range(n)] for i in range(n)])


@pytest.mark.parametrize(
    "a",
    [
        np.diag([2.0, 3.0, 0.0]),
        np.arange(9.0).reshape(3, 3),
        np.array([[0.0, 1.0, 2.0], [0.0, 3.0, 1.0], [0.0, 1.0, 1.0]]),
        np.ones((3, 3)),
        np.zeros((3, 3)),
        np.array([[1.0, 2.0], [2.0, 4.0]]),
    ],
)
def test_the_gradient_of_a_determinant_is_the_cofactors(a):
    np.testing.assert_allclose(tj.grad(L.det)(a), cofactors(a), atol=1e-12)
    both = tj.grad(lambda x: np.sum(L.det(x)))(np.stack([a, a + np.eye(len(a))]))
    np.testing.assert_allclose(both, [cofactors(a), cofactors(a + np.eye(len(a)))], rtol=1e-10, atol=1e-12)


@pytest.mark.slow
def test_the_compiled_gradient_of_a_determinant(compile_from_now_on):
    compile_from_now_on()
    gradient = tj.grad(L.det)
    for a in (np.ones((3, 3)), np.diag([2.0, 3.0, 0.0]), np.diag([2.0, 3.0, 4.0])):
        np.testing.assert_allclose(gradient(a), cofactors(a), atol=1e-12)


def test_second_derivative_of_a_determinant_at_a_singular_matrix():
    hessian = tj.hessian(L.det)(np.diag([2.0, 3.0, 0.0]))
    assert hessian[2, 2, 0, 0] == pytest.approx(3.0)
    assert hessian[1, 2, 2, 1] == pytest.approx(-2.0)


def test_log_determinant_of_a_singular_matrix():
    found = tj.jit(L.slogdet)(np.ones((2, 2)))
    assert (found.sign, found.logabsdet) == (0.0, -np.inf)


def test_equal_values_have_derivatives_and_their_vectors_do_not():
    unit = np.eye(3)
    np.testing.assert_allclose(tj.grad(lambda a: np.sum(L.eigvalsh(a) ** 2))(unit), 2 * unit, atol=1e-14)
    np.testing.assert_allclose(tj.grad(lambda a: np.sum(L.svdvals(a)))(unit), unit, atol=1e-14)
    np.testing.assert_allclose(tj.grad(lambda a: L.norm(a, "nuc"))(2 * unit), unit, atol=1e-14)
    assert np.all(np.isnan(tj.grad(lambda a: np.sum(L.eigh(a).eigenvectors))(unit)))
    assert np.all(np.isnan(tj.grad(lambda a: np.sum(L.svd(a).U))(unit)))


def test_a_matrix_function_at_equal_eigenvalues_is_nan_rather_than_wrong():
    """V diag(w) V^T is the matrix itself, also at zero, where every adjoint of V is exactly zero."""

    def same(a):
        w, v = L.eigh(a)
        return np.sum((v * w) @ v.T)

    for a in (np.zeros((2, 2)), np.diag([0.0, 0.0, 5.0]), np.eye(3)):
        assert np.isnan(tj.grad(same)(a)).any()
    np.testing.assert_allclose(tj.grad(same)(np.diag([1.0, 2.0])), np.ones((2, 2)), rtol=1e-12)


def test_leading_vectors_of_a_matrix_of_low_rank():
    """The other eigenvalues are rounding errors, not equal, and nothing depends on their vectors."""
    random = np.random.default_rng(0)
    x = random.standard_normal((6, 2))

    def leading(x):
        v = L.eigh(x @ x.T).eigenvectors[:, -1]
        return np.sum(np.arange(6.0) * v**2)

    v = random.standard_normal(x.shape)
    slope = (leading(x + 1e-6 * v) - leading(x - 1e-6 * v)) / 2e-6
    np.testing.assert_allclose(np.sum(tj.grad(leading)(x) * v), slope, rtol=1e-6)


def test_the_polar_factor():
    """U V^T, whose derivative has only sums of singular values below it."""
    a = np.array([[2.0, 0.3], [-0.1, 1.9]])

    def polar(a):
        u, _, vt = L.svd(a)
        return np.sum((u @ vt) * np.array([[1.0, 2.0], [3.0, 4.0]]))

    v = np.array([[0.3, -1.0], [0.7, 0.2]])
    slope = (polar(a + 1e-6 * v) - polar(a - 1e-6 * v)) / 2e-6
    np.testing.assert_allclose(np.sum(tj.grad(polar)(a) * v), slope, rtol=1e-7)


def test_the_pseudo_inverse_of_deficient_matrices():
    """Right along directions that keep the rank."""
    left, right = np.array([[1.0], [-0.5], [2.0]]), np.array([[0.3, 0.8]])

    def loss(t):
        return np.sum(np.cos(np.arange(6.0)).reshape(2, 3) * L.pinv((left + t) @ (right - t * t), rcond=1e-8))

    slope = (loss(0.1 + 1e-6) - loss(0.1 - 1e-6)) / 2e-6
    np.testing.assert_allclose(tj.grad(loss)(0.1), slope, rtol=1e-7)
    np.testing.assert_allclose(tj.jit(lambda a: L.lstsq(a, np.ones(3))[0])(np.ones((3, 2))), [0.5, 0.5])


@pytest.mark.parametrize("order", [None, "fro", "nuc", 2, 1, np.inf])
def test_at_zero_a_norm_has_derivative_zero(order):
    np.testing.assert_array_equal(tj.grad(lambda a: L.norm(a, order))(np.zeros((2, 3))), np.zeros((2, 3)))


@pytest.mark.parametrize("order", [None, 1, 2, 3, 1.5, np.inf])
def test_at_zero_a_norm_of_vectors_has_derivative_zero(order):
    np.testing.assert_array_equal(tj.grad(lambda a: L.norm(a, order))(np.zeros(3)), np.zeros(3))


def test_nan_goes_through_as_in_numpy(tier):
    a = np.array([[1.0, np.nan], [np.nan, 1.0]])
    for f in (L.cholesky, L.inv, L.eigvalsh, L.det, lambda a: L.qr(a).R):
        np.testing.assert_array_equal(np.isnan(tj.jit(f)(a)), np.isnan(f(a)))


def test_condition_numbers_of_singular_matrices(tier):
    for order in (None, 1, "fro"):
        assert tj.jit(lambda a, order=order: L.cond(a, order))(np.ones((2, 2))) == np.inf
