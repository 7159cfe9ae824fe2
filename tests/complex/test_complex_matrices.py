"""Linear algebra of complex matrices: NumPy's and SciPy's values, gradients against differences."""

import numpy as np
import pytest
import scipy.linalg
from parts import gradients_by_difference, numbers

import tapejit as tj

L = np.linalg
EYE = np.eye(3)
SQUARE, STACK = numbers(3, 3) + 2 * EYE, numbers(2, 3, 3) + 2 * EYE
TALL, WIDE, RIGHT, RIGHTS = numbers(4, 3), numbers(3, 4), numbers(3, 2), numbers(4, 2)


def dagger(a):
    return np.conj(np.swapaxes(a, -1, -2))


def hermitian(a):
    return a + dagger(a) + 4.0 * EYE


def positive(a):
    return a @ dagger(a) + EYE


def size(*results):
    """A number that depends on every part of the results."""
    total = 0.0
    for k, x in enumerate(results):
        x = x + 0.0
        weight = np.cos(np.arange(x.size) + k).reshape(x.shape)
        total = total + np.sum(x.real * weight) + np.sum(x.imag * np.sin(1.0 + weight))
    return total


def spectral(values, vectors, others):
    """What does not depend on the phases of vectors."""
    return size(values, (vectors * np.sin(1.0 + values)[..., None, :]) @ dagger(others))


def by_eigh(a, uplo="L"):
    values, vectors = L.eigh(hermitian(a), uplo)
    return spectral(values, vectors, vectors)


def by_svd(a, full=False):
    u, s, vt = L.svd(a, full_matrices=full)
    k = s.shape[-1]
    left, right = u[..., :k], dagger(vt)[..., :k]
    return spectral(s, left, right) + spectral(s, left, left) + spectral(s, right, right)


def complement(a):
    q, r = L.qr(a, "complete")
    others = q[:, 3:]
    return size(q[:, :3], r, others @ dagger(others))


CASES = {
    "cholesky": (lambda a: size(L.cholesky(positive(a))), STACK),
    "cholesky upper": (lambda a: size(L.cholesky(positive(a), upper=True)), SQUARE),
    "solve": (lambda a, b: size(L.solve(a, b)), SQUARE, RIGHT),
    "solve by real sides": (lambda a: size(L.solve(a, np.arange(3.0))), STACK),
    "inv": (lambda a: size(L.inv(a)), STACK),
    "det": (lambda a: size(L.det(a)), STACK),
    "det of a singular matrix": (lambda a: size(L.det(a)), np.outer(numbers(3), numbers(3, seed=5))),
    "slogdet": (lambda a: size(*L.slogdet(a)), STACK),
    "qr": (lambda a: size(*L.qr(a)), TALL),
    "qr of a stack": (lambda a: size(*L.qr(a)), STACK),
    "qr wide": (lambda a: size(*L.qr(a)), WIDE),
    "qr complete": (complement, TALL),
    "eigh": (by_eigh, STACK),
    "eigh upper": (lambda a: by_eigh(a, "U"), SQUARE),
    "eigvalsh": (lambda a: size(L.eigvalsh(hermitian(a))), SQUARE),
    "svd tall": (by_svd, TALL),
    "svd wide": (by_svd, WIDE),
    "svd full": (lambda a: by_svd(a, full=True), TALL),
    "svd hermitian": (lambda a: size(L.svd(hermitian(a), hermitian=True)[1]), SQUARE),
    "svdvals": (lambda a: size(L.svdvals(a)), STACK),
    "pinv": (lambda a: size(L.pinv(a)), TALL),
    "pinv wide": (lambda a: size(L.pinv(a)), WIDE),
    "lstsq": (lambda a: size(*L.lstsq(a, RIGHTS)[:2]), TALL),
    "cond": (lambda a: size(L.cond(a), L.cond(a, 1)), STACK),
    "norms": (lambda a: L.norm(a, 2) + L.norm(a, "nuc") + L.norm(a, -2), TALL),
    "matrix_power": (lambda a: size(L.matrix_power(a, -3)), SQUARE),
    "rank": (lambda a: L.matrix_rank(a) * size(a), TALL),
}


def on_both(name):
    """A function of `tapejit.linalg` on arrays that are traced, SciPy's on others."""

    def call(*args, **how):
        module = scipy.linalg if all(type(a) is np.ndarray for a in args) else tj.linalg
        return getattr(module, name)(*args, **how)

    return call


triangular, solve, expm = on_both("solve_triangular"), on_both("solve"), on_both("expm")
cholesky = on_both("cholesky")
SCIPY = {
    **{
        f"triangular {trans} {lower}": (
            lambda a, b, how={"trans": trans, "lower": lower}: size(triangular(a, b, **how)),
            SQUARE,
            RIGHT,
        )
        for trans in "NTC"
        for lower in (False, True)
    },
    **{
        f"solve {kind} {lower}": (
            lambda a, b, how={"assume_a": kind, "lower": lower}: size(solve(hermitian(a), b, **how)),
            SQUARE,
            RIGHT,
        )
        for kind in ("her", "pos", "gen")
        for lower in (False, True)
    },
    "solve symmetric": (lambda a, b: size(solve(a + a.T, b, assume_a="sym")), SQUARE, RIGHT),
    "cholesky of SciPy": (lambda a: size(cholesky(positive(a), lower=True)), SQUARE),
    "expm": (lambda a: size(expm(a)), SQUARE),
    "expm, halved": (lambda a: size(expm(9.0 * a)) * 1e-9, SQUARE),
}


@pytest.mark.parametrize("name", [*CASES, *SCIPY])
def test_values_and_gradients(name):
    function, *args = (CASES | SCIPY)[name]
    value, found = tj.value_and_grad(function, argnums=tuple(range(len(args))))(*args)
    np.testing.assert_allclose(value, function(*args), rtol=1e-10)
    for gradient, expected in zip(found, gradients_by_difference(function, args), strict=True):
        np.testing.assert_allclose(gradient, expected, rtol=1e-5, atol=1e-6 * max(1.0, abs(expected).max()))


@pytest.mark.parametrize("name", ["cholesky", "solve", "det", "slogdet", "qr", "eigh", "svd tall", "pinv"])
def test_second_derivatives_and_modes(name):
    """Along a direction: the tangent is that of the gradient, the gradient's tangent its slope."""
    function, *args = CASES[name]
    x, rest, v = args[0], args[1:], numbers(*args[0].shape, seed=7)
    loss = lambda a: function(a, *rest)  # noqa: E731
    gradient = tj.grad(loss)
    np.testing.assert_allclose(tj.jvp(loss, (x,), (v,))[1], np.sum(gradient(x) * v).real, rtol=1e-9)
    slope = (gradient(x + 1e-6 * v) - gradient(x - 1e-6 * v)) / 2e-6
    _, second = tj.jvp(gradient, (x,), (v,))
    np.testing.assert_allclose(second, slope, rtol=1e-4, atol=1e-5 * abs(slope).max())


OF_ONE_TRIANGLE = {
    "cholesky": lambda a: size(L.cholesky(a)),
    "eigh": lambda a: spectral(*L.eigh(a), 1.0 * EYE),
    "eigvalsh": lambda a: size(L.eigvalsh(a)),
}


@pytest.mark.parametrize("function", OF_ONE_TRIANGLE.values(), ids=OF_ONE_TRIANGLE)
def test_the_gradient_by_one_triangle_is_hermitian(function):
    found = tj.grad(function)(hermitian(SQUARE))
    np.testing.assert_allclose(found, dagger(found), rtol=1e-9, atol=1e-12)


def large(a, b):
    """Beyond the size up to which there are loops."""
    both = a @ dagger(a) + 20.0 * np.eye(20)
    values, vectors = L.eigh(both)
    rest = size(L.cholesky(both), L.solve(a, b), *L.slogdet(a), *L.qr(b), values, L.svdvals(b), L.pinv(b))
    return rest + spectral(np.exp(-values), vectors, vectors)


@pytest.mark.parametrize("tier", ["compile"], indirect=True)
def test_compiled(tier):
    a, b = numbers(20, 20) + 5.0 * np.eye(20), numbers(20, 3)
    value, found = tj.value_and_grad(large, argnums=(0, 1))(a, b)
    np.testing.assert_allclose(value, large(a, b), rtol=1e-10)
    v, w = numbers(20, 20, seed=3), numbers(20, 3, seed=3)
    slope = (large(a + 1e-6 * v, b + 1e-6 * w) - large(a - 1e-6 * v, b - 1e-6 * w)) / 2e-6
    np.testing.assert_allclose(np.sum(found[0] * v).real + np.sum(found[1] * w).real, slope, rtol=1e-6)


@pytest.mark.parametrize(
    "function",
    [L.inv, L.det, lambda a: L.slogdet(a)[1], L.svdvals, lambda a: L.eigvalsh(hermitian(a)), L.pinv,
     lambda a: L.cholesky(positive(a)), lambda a: L.qr(a)[1], lambda a: L.solve(a, a.real)],
)  # fmt: skip
def test_single_precision_stays(function):
    a = SQUARE.astype(np.complex64)
    found, expected = tj.jit(function)(a), function(a)
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)
    assert tj.grad(lambda a: np.sum(abs(function(a))))(a).dtype == np.complex64


def test_empty_matrices():
    for function in (L.inv, L.det, L.cholesky, L.eigvalsh, L.svdvals, lambda a: L.slogdet(a)[0]):
        a = np.ones((2, 0, 0), complex)
        np.testing.assert_array_equal(tj.jit(function)(a), function(a))


def test_a_vector_of_an_eigenvalue_that_is_there_twice_has_no_derivative():
    a = np.eye(2) + 0j
    assert np.isnan(tj.grad(lambda a: abs(L.eigh(a)[1][0, 0]) ** 2)(a)).any()
    np.testing.assert_allclose(tj.grad(lambda a: np.sum(L.eigvalsh(a)))(a), np.eye(2))
