"""Transforms of functions with complex arguments or values: which exist, and that they agree."""

import numpy as np
import pytest
from bank import BANK
from parts import numbers, numerical_gradient, reals

import tapejit as tj

Z, W = numbers(4), numbers(4, seed=5)
SMOOTH = [name for name in BANK if name not in ("empty", "while", "where", "in place", "0-d")]


@pytest.mark.parametrize("name", SMOOTH)
def test_forward_and_reverse_mode_agree_with_differences(name):
    function, *args = BANK[name]
    tj.check_grads(function, tuple(args), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["power", "trigonometric", "sign", "rfft", "irfft", "prod with a zero"])
def test_second_order(name):
    function, *args = BANK[name]
    tj.check_grads(function, tuple(args), order=2, rtol=1e-3, atol=1e-4)


def test_check_grads_notices_a_missing_conjugate():
    def wrong(z):
        return tj.stop_gradient(z).conj() * z

    with pytest.raises(AssertionError, match="fwd"):
        tj.check_grads(wrong, (Z,))


def test_complex_values_have_tangents_and_pullbacks():
    value, dot = tj.jvp(lambda z: z * np.conj(z), (Z,), (1j * Z,))
    np.testing.assert_allclose(value, abs(Z) ** 2)
    np.testing.assert_allclose(dot, np.zeros(4), atol=1e-15)
    value, pull = tj.vjp(lambda z, w: z * w, Z, W)
    ct = numbers(4, seed=6)
    np.testing.assert_allclose(pull(ct)[0], ct * W)
    np.testing.assert_allclose(pull(ct)[1], ct * Z)


def test_the_pullback_is_the_transpose_of_the_pushforward():
    def function(z):
        return np.conj(z) * z[::-1] + np.fft.fft(z).real * 1j

    v, ct = numbers(4, seed=7), numbers(4, seed=8)
    dot = tj.jvp(function, (Z,), (v,))[1]
    (bar,) = tj.vjp(function, Z)[1](ct)
    np.testing.assert_allclose(np.sum(ct * dot).real, np.sum(bar * v).real, rtol=1e-12)


def test_cotangents_of_real_arguments_are_real():
    (x_bar,) = tj.vjp(lambda x: np.exp(1j * x), reals(4))[1](W)
    assert x_bar.dtype == np.float64
    np.testing.assert_allclose(x_bar, (W * 1j * np.exp(1j * reals(4))).real)


def test_holomorphic_gradients_are_derivatives():
    def function(z):
        return np.sum(np.exp(z) * z)

    np.testing.assert_allclose(tj.grad(function, holomorphic=True)(Z), np.exp(Z) * (Z + 1))
    value = tj.value_and_grad(function, holomorphic=True)(Z)[0]
    np.testing.assert_allclose(value, function(Z))
    second = tj.grad(lambda z: np.sum(tj.grad(function, holomorphic=True)(z)), holomorphic=True)(Z)
    np.testing.assert_allclose(second, np.exp(Z) * (Z + 2))


def test_complex_steps_find_the_same_derivative():
    """f(x + ih).imag / h for a function that is holomorphic."""

    def function(x):
        return np.sum(np.sin(x) ** 3 / np.exp(x))

    x = reals(4)
    found = tj.grad(function)(x)
    unit = np.eye(4) * 1e-30j
    np.testing.assert_allclose(found, [function(x + e).imag / 1e-30 for e in unit], rtol=1e-13)


@pytest.mark.parametrize("mode", [tj.jacfwd, tj.jacrev, tj.jacobian])
def test_holomorphic_jacobians(mode):
    np.testing.assert_allclose(mode(lambda z: z**3, holomorphic=True)(Z), np.diag(3 * Z**2))


def test_jacobians_of_real_values_or_real_arguments():
    np.testing.assert_allclose(tj.jacobian(lambda z: np.abs(z) ** 2)(Z), np.diag(2 * Z.conj()))
    x = reals(4)
    np.testing.assert_allclose(tj.jacobian(lambda x: np.exp(1j * x))(x), np.diag(1j * np.exp(1j * x)))


def squares(z):
    return np.sum(np.abs(z) ** 2)


REFUSED = {
    "gradient of a complex value": (
        lambda: tj.grad(lambda z: np.sum(z * z))(Z),
        r"c128\[\].*\.real.*holomorphic",
    ),
    "of a complex value by reals": (lambda: tj.grad(lambda x: np.sum(x * 1j))(reals(4)), r"\.real"),
    "holomorphic by reals": (lambda: tj.grad(np.sum, holomorphic=True)(reals(4)), r"f64\[4\].*astype"),
    "holomorphic of reals": (lambda: tj.grad(squares, holomorphic=True)(Z), r"f64\[\]"),
    "forward by complex": (lambda: tj.jacfwd(np.abs)(Z), "jacrev"),
    "reverse of complex": (lambda: tj.jacrev(lambda x: 1j * x)(reals(4)), "jacfwd"),
    "both complex": (lambda: tj.jacobian(lambda z: z * z)(Z), "holomorphic=True"),
    "hessian": (lambda: tj.hessian(squares)(Z), "real and imaginary parts"),
    "hvp of a complex value": (lambda: tj.hvp(np.sum, Z, Z), r"\.real"),
}


@pytest.mark.parametrize(("call", "words"), REFUSED.values(), ids=REFUSED)
def test_derivatives_that_do_not_exist_are_refused(call, words):
    with pytest.raises(TypeError, match=words):
        call()


def test_second_derivatives_along_a_direction():
    def function(z):
        return np.sum(np.abs(np.exp(z)) ** 2 * z.real)

    found = tj.hvp(function, Z, W)
    step = 1e-6
    expected = (tj.grad(function)(Z + step * W) - tj.grad(function)(Z - step * W)) / (2 * step)
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    np.testing.assert_allclose(tj.vhp(function, Z, W), found)


def test_hessians_of_real_arguments_go_through_complex_numbers():
    x = reals(3)
    found = tj.hessian(lambda x: np.sum(np.abs(np.fft.fft(x)) ** 2) + np.sum((np.exp(1j * x)).real))(x)
    np.testing.assert_allclose(found, 6.0 * np.eye(3) - np.diag(np.cos(x)), atol=1e-12)


def test_vmap():
    stack = np.stack([Z, 2 * Z, Z.conj()])
    found = tj.vmap(lambda z, f: np.fft.fft(z) * f)(stack, np.array([1j, 2.0, 3.0 - 1j]))
    np.testing.assert_allclose(found, np.fft.fft(stack) * np.array([1j, 2.0, 3.0 - 1j])[:, None])
    gradients = tj.vmap(tj.grad(squares))(stack)
    np.testing.assert_allclose(gradients, 2 * stack.conj())


def test_gradients_of_gradients_of_real_parts():
    def inner(z):
        return np.sum((z**3).real)

    outer = tj.grad(lambda z: np.sum(np.abs(tj.grad(inner)(z)) ** 2))
    np.testing.assert_allclose(
        outer(Z), numerical_gradient(lambda z: np.sum(abs(3 * z**2) ** 2), Z), rtol=1e-6
    )
