"""Gradients by complex and real arguments against differences, recorded and decorated, in every tier."""

import numpy as np
import pytest
from bank import BANK, COMPILED
from parts import gradients_by_difference, numbers, reals

import tapejit as tj


def of_bank(names):
    return pytest.mark.parametrize(
        ("function", "args"), [(BANK[n][0], BANK[n][1:]) for n in names], ids=names
    )


def assert_gradients(found, function, args):
    for gradient, expected, x in zip(found, gradients_by_difference(function, args), args, strict=True):
        assert np.asarray(gradient).dtype == x.dtype
        np.testing.assert_allclose(gradient, expected, rtol=1e-5, atol=1e-6)


@of_bank(list(BANK))
def test_decorated(function, args):
    value, found = tj.value_and_grad(function, argnums=tuple(range(len(args))))(*args)
    np.testing.assert_allclose(value, function(*args), rtol=1e-10)
    assert_gradients(found, function, args)


@of_bank(list(BANK))
def test_recorded(function, args):
    arrays = [tj.array(x) for x in args]
    for x in arrays:
        x.attach_grad()
    with tj.record():
        value = function(*arrays)
    value.backward()
    np.testing.assert_allclose(value.numpy(), function(*args), rtol=1e-10)
    assert_gradients([x.grad.numpy() for x in arrays], function, args)


@of_bank(COMPILED)
@pytest.mark.parametrize("tier", ["compile"], indirect=True)
def test_compiled(function, args, tier):
    differentiated = tj.value_and_grad(function, argnums=tuple(range(len(args))))
    for _ in range(2):
        value, found = differentiated(*args)
    np.testing.assert_allclose(value, function(*args), rtol=1e-10)
    assert_gradients(found, function, args)


@pytest.mark.parametrize("grad_req", ["write", "add"])
def test_gradients_go_where_they_were_asked_for(grad_req):
    z = tj.array(numbers(3).astype(np.complex64))
    z.attach_grad(grad_req)
    for _ in range(2):
        with tj.record():
            value = np.sum(np.abs(z) ** 2)
        value.backward()
    expected = 2.0 * z.numpy().conj() * (2.0 if grad_req == "add" else 1.0)
    assert z.grad.dtype == np.complex64
    np.testing.assert_allclose(z.grad.numpy(), expected, rtol=1e-6)


def test_a_complex_head_needs_a_head_gradient():
    z = tj.array(numbers(3))
    z.attach_grad()
    with tj.record():
        square = z * z
    with pytest.raises(TypeError, match=r"test_complex_gradients.py:\d+: a complex head, c128\[3\].*\.real"):
        square.backward()
    with tj.record():
        square = z * z
    square.backward(tj.array(numbers(3, seed=4)))
    np.testing.assert_allclose(z.grad.numpy(), 2.0 * z.numpy() * numbers(3, seed=4))


def test_a_complex_head_gradient_does_not_fit_a_real_head():
    z = tj.array(numbers(3))
    z.attach_grad()
    with tj.record():
        size = np.abs(z)
    with pytest.raises(TypeError, match="complex128 does not fit a head of float64"):
        size.backward(tj.array(numbers(3)))


def test_parts_are_views_outside_a_record_and_values_inside():
    z = tj.array(numbers(3))
    z.real[0] = 7.0
    z.imag = np.array([1.0, 2.0, 3.0])
    np.testing.assert_array_equal(z.numpy().imag, [1.0, 2.0, 3.0])
    assert z.numpy()[0] == 7.0 + 1.0j
    with tj.record():
        w = z * 1.0
        w.real = 0.0
    np.testing.assert_array_equal(w.numpy(), 1j * z.numpy().imag)


def test_a_trace_that_reads_a_part_keeps_it_when_the_array_is_written():
    z = tj.array(numbers(3))
    before = z.numpy()
    with tj.record():
        w = z.real * 2.0
        z[...] = 0.0
    np.testing.assert_array_equal(w.numpy(), 2.0 * before.real)


@pytest.mark.parametrize(
    ("make", "dtype"),
    [
        (lambda x: x * 1j, np.complex128),
        (lambda x: x.astype(np.float32) * 1j, np.complex64),
        (lambda x: 2j + x.astype(np.float32), np.complex64),
        (lambda x: x.astype(np.complex64) * 2.5, np.complex64),
        (lambda x: x.astype(np.complex64) * x, np.complex128),
        (lambda x: x.astype(np.complex64) * np.complex128(1j), np.complex128),
        (lambda x: np.abs(x.astype(np.complex64)), np.float32),
        (lambda x: np.arange(3) * 1j + x, np.complex128),
        (lambda x: np.fft.rfft(x.astype(np.float32)), np.complex64),
        (lambda x: np.fft.irfft(x.astype(np.complex64)), np.float32),
    ],
)
def test_dtypes_are_numpys(make, dtype):
    x = np.array([0.5, 1.5, -2.0])
    found = tj.jit(make)(x)
    assert make(x).dtype == found.dtype == dtype
    np.testing.assert_allclose(found, make(x), rtol=1e-6)


def test_float_arguments_meet_complex_numbers():
    @tj.jit
    def waves(x, k):
        return x * (1j * k), k * 2j + x, 1j**k, np.exp(1j * k), k == 1j

    x = reals(3)
    for k in (2.0, 3.0, 2.0):
        expected = (x * (1j * k), k * 2j + x, 1j**k, np.exp(1j * k), False)
        for found, value in zip(waves(x, k), expected, strict=True):
            np.testing.assert_allclose(found, value)


def test_branches_on_parts():
    @tj.grad
    def branchy(z):
        if z[0].real > 0:
            return np.sum(np.abs(z))
        if z[0] == 0:
            return np.sum(np.abs(z) ** 2)
        return np.sum(z.imag)

    z = numbers(3)
    z[0] = 1.0 + 1.0j
    for _ in range(2):
        np.testing.assert_allclose(branchy(z), z.conj() / abs(z))
        np.testing.assert_array_equal(branchy(-z), np.full(3, -1j))
        np.testing.assert_array_equal(branchy(0.0 * z), np.zeros(3))


def test_a_complex_number_that_python_looks_at_is_looked_at_again():
    @tj.jit
    def scaled(z, factor):
        return z * (2.0 if complex(z[0]) == 1j else factor)

    for _ in range(2):
        np.testing.assert_array_equal(scaled(np.array([1j, 1.0]), 3j), [2j, 2.0])
        np.testing.assert_array_equal(scaled(np.array([1.0, 1.0]), 3j), [3j, 3j])
        np.testing.assert_array_equal(scaled(np.array([1.0, 1.0]), 5j), [5j, 5j])


REFUSED = {
    "order": lambda z: np.sum(np.maximum(z, 0.0)),
    "largest": lambda z: np.max(z),
    "sort": lambda z: np.sum(np.sort(z)),
    "floor": lambda z: np.sum(np.floor(z)),
    "degrees": lambda z: np.sum(np.degrees(z)),
    "comparison": lambda z: np.sum(z < 1.0),
    "angle": lambda z: np.sum(np.arctan2(z, z)),
    "rfft": lambda z: np.sum(np.fft.rfft(z)),
}


@pytest.mark.parametrize("function", REFUSED.values(), ids=REFUSED)
def test_what_has_no_meaning_is_refused(function):
    with pytest.raises(TypeError, match=r"test_complex_gradients.py:\d+.*c128\[3\]"):
        tj.jit(function)(numbers(3))
