"""`eig`, `eigvals` and `roots`: NumPy's values and dtypes, gradients against differences and one another."""

import numpy as np
import pytest

import tapejit as tj

L = np.linalg
RANDOM = np.random.default_rng(2)
REAL = RANDOM.standard_normal((4, 4))
POSITIVE = abs(REAL) @ np.diag([1.0, 2.0, 3.0, 9.0]) + np.diag([9.0, 5.0, 1.0, 0.0])  # real values
STACK = RANDOM.standard_normal((2, 3, 3))
COMPLEX = RANDOM.standard_normal((3, 3)) + 1j * RANDOM.standard_normal((3, 3))


def weighted(x):
    return np.sum(np.cos(1.0 + np.arange(x.size)).reshape(x.shape) * x)


def by_values(a):
    w = L.eigvals(a)
    return weighted(w.real) + weighted(abs(w) ** 2)


def by_vectors(a):
    w, v = L.eig(a)
    return (
        weighted(w.real)
        + weighted(v.real)
        + weighted(v.imag[..., ::-1])
        + weighted(abs((v * np.exp(w)[..., None, :]) @ L.inv(v)))
    )


FUNCTIONS = {"values": by_values, "vectors": by_vectors}
MATRICES = {"real": REAL, "with real values": POSITIVE, "stack": STACK, "complex": COMPLEX}


def cases(function):
    function = pytest.mark.parametrize("a", MATRICES.values(), ids=MATRICES)(function)
    return pytest.mark.parametrize("f", FUNCTIONS.values(), ids=FUNCTIONS)(function)


@cases
def test_the_tangent_is_the_slope_and_the_gradient_its_transpose(f, a):
    v = RANDOM.standard_normal(a.shape).astype(a.dtype)
    slope = (f(a + 1e-6 * v) - f(a - 1e-6 * v)) / 2e-6
    value, tangent = tj.jvp(f, (a,), (v,))
    np.testing.assert_allclose(value, f(a), rtol=1e-11)
    np.testing.assert_allclose(tangent, slope, rtol=1e-6)
    gradient = tj.grad(f)(a)
    assert gradient.dtype == a.dtype
    np.testing.assert_allclose(np.sum(gradient * v).real, tangent, rtol=1e-9)


@pytest.mark.parametrize("a", MATRICES.values(), ids=MATRICES)
def test_second_derivatives(a):
    v = RANDOM.standard_normal(a.shape).astype(a.dtype)
    gradient = tj.grad(by_vectors)
    slope = (gradient(a + 1e-6 * v) - gradient(a - 1e-6 * v)) / 2e-6
    np.testing.assert_allclose(
        tj.jvp(gradient, (a,), (v,))[1], slope, rtol=1e-4, atol=1e-5 * abs(slope).max()
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64])
@pytest.mark.parametrize("a", [REAL, POSITIVE, STACK, np.ones((0, 0)), np.array([[2.0]])], ids=str)
def test_dtypes_are_numpys(a, dtype):
    found, expected = tj.jit(L.eig)(a.astype(dtype)), L.eig(a.astype(dtype))
    assert type(found) is type(expected)
    for x, y in zip(found, expected, strict=True):
        assert x.dtype == y.dtype
        np.testing.assert_allclose(x, y, rtol=1e-4, atol=1e-4)
    assert tj.jit(L.eigvals)(a.astype(dtype)).dtype == L.eigvals(a.astype(dtype)).dtype


@pytest.mark.parametrize("tier", ["compile"], indirect=True)
def test_compiled(tier):
    for a in (REAL, POSITIVE, COMPLEX):
        value, gradient = tj.value_and_grad(by_vectors)(a)
        v = np.ones_like(a)
        np.testing.assert_allclose(value, by_vectors(a), rtol=1e-10)
        slope = (by_vectors(a + 1e-6 * v) - by_vectors(a - 1e-6 * v)) / 2e-6
        np.testing.assert_allclose(np.sum(gradient * v).real, slope, rtol=1e-6)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_no_number_is_an_error_as_in_numpy(bad, tier):
    with pytest.raises(L.LinAlgError, match=r"test_eigenvalues\.py"):
        tj.jit(L.eigvals)(np.array([[1.0, bad], [0.0, 1.0]]))


def test_vectors_of_equal_values_have_no_derivative():
    assert np.isnan(tj.grad(lambda a: abs(L.eig(a)[1][0, 0]))(np.eye(2))).any()
    np.testing.assert_allclose(tj.grad(lambda a: np.sum(L.eigvals(a)))(np.eye(2)), np.eye(2))


def test_by_vmap():
    found = tj.vmap(tj.linalg.eigvals)(STACK)
    np.testing.assert_allclose(found, L.eigvals(STACK), rtol=1e-12)


ROOTS = {
    "real": [2.0, -3.0, -11.0, 6.0],
    "complex": [1.0, 0.5, 2.0, 3.0],
    "zeros around": [0.0, 0.0, 1.0, -3.0, 1.0, 0.0, 0.0],
    "integers": [1, -6, 11, -6],
    "of a complex polynomial": [1.0, 2j, 3.0],
    "constant": [5.0],
    "nothing": [0.0, 0.0],
    "monomial": [3.0, 0.0, 0.0],
}


@pytest.mark.parametrize("p", ROOTS.values(), ids=ROOTS)
def test_roots(p):
    p = np.array(p)
    found, expected = tj.jit(np.roots)(p), np.roots(p)
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", ["real", "complex"])
def test_gradients_of_roots(name):
    """A root r moves by -dp(r) / p'(r)."""
    p = np.array(ROOTS[name])
    expected = sum(-np.vander([r], len(p))[0] / np.polyval(np.polyder(p), r) * (r - 1) for r in np.roots(p))
    found = tj.grad(lambda p: np.sum((np.roots(p) - 1.0) ** 2).real)(p)
    np.testing.assert_allclose(found, 2.0 * expected.real, rtol=1e-8, atol=1e-12)
