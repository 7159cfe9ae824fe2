"""What is no argument of a call: literals, one parameter per array, until it is seen to change."""

import math

import numpy as np
import pytest

import tapejit as tj
from tapejit.ir.printer import canonical_text

pytestmark = pytest.mark.usefixtures("interpreted")
X = np.array([1.0, 2.0])
W = np.array([[1.0, 2.0], [3.0, 5.0]])


def path(function, *args):
    """The program of jit(function) for these arguments; its result is NumPy's."""
    decorated = tj.jit(function)
    np.testing.assert_allclose(decorated(*args), function(*args), rtol=1e-14)
    np.testing.assert_allclose(decorated(*args), function(*args), rtol=1e-14)
    return decorated.memory.latest_path()


def types(function):
    return [str(v.type) for v in function.params]


def test_numbers_are_literals():
    def f(x):
        for _ in range(10):
            x = np.sin(x) * 1.01 + 2
        return x

    assert types(path(f, X)) == ["f64[2]"]
    assert types(path(f, X.astype(np.float32))) == ["f32[2]"]


def test_a_number_of_the_call_is_one_parameter():
    assert types(path(lambda x, r: x * r + x * (r + 1) + r, X, 0.5)) == ["f64[2]", "f64[]", "f64[]"]

    def f(x, r):
        y = r * 2
        return (x * y + np.exp(r)) * y - np.exp(r)

    assert len(path(f, X, 0.5).params) <= 4


@pytest.mark.parametrize("number", [0.0, -0.0, math.nan, math.inf, 1e-320, True, 3, -1, 1j, np.float32(0.1)])
def test_any_number(number):
    function = path(lambda x: x * number, X)
    assert types(function) == ["f64[2]"]
    found = tj.jit(lambda x: x * number)(X)
    np.testing.assert_array_equal(np.signbit(found.real), np.signbit((X * number).real))


def test_a_number_that_changes_becomes_a_parameter():
    rate, fixed = 0.5, 2.0
    f = tj.value_and_grad(lambda x: np.sum(x * rate * fixed + x**2 * rate))
    texts = []
    for rate in (0.5, 0.25, 1.0, 0.0, -1.0, 0.5):
        value, gradient = f(X)
        np.testing.assert_allclose(value, np.sum(X * rate * fixed + X**2 * rate))
        np.testing.assert_allclose(gradient, rate * fixed + 2 * X * rate)
        texts.append(canonical_text(f.memory.latest_path()))
    assert len(set(texts[1:])) == 1
    assert types(f.memory.latest_path()) == ["f64[2]", "f64[]"]


def test_numbers_that_were_equal_part():
    a = b = 0.5
    f = tj.jit(lambda x: x * a + np.sin(x) * b)
    for a, b in ((0.5, 0.5), (0.25, 0.25), (0.1, 0.2), (0.3, 0.4)):
        np.testing.assert_allclose(f(X), X * a + np.sin(X) * b)


def test_an_array_is_one_parameter():
    def f(x):
        for _ in range(4):
            x = W @ x + W.T @ np.tanh(x) + W[0]
        return x

    function = path(f, X)
    assert sorted(types(function)) == ["f64[2,2]", "f64[2]", "f64[2]"]
    assert sum(instr.primitive.name == "transpose" for instr in function.body) == 1


def test_arrays_that_are_made_in_every_round():
    def f(x):
        for _ in range(3):
            x = np.arange(2.0) * x + np.zeros(2) + np.full(2, 3.0)
        return x

    assert types(path(f, X)) == ["f64[2]", "f64[2]"]


def test_an_array_that_changes_within_a_call():
    def f(x):
        buffer = np.arange(2.0)
        for k in range(3):
            buffer[0] = k
            x = x * buffer + buffer
        return x

    path(f, X)
    with tj.record() as recording:
        buffer, x = np.array([1.0, 2.0]), tj.array(X)
        y = x * buffer + buffer
        buffer[0] = 7.0
        z = y + buffer + buffer
    np.testing.assert_allclose(z.asnumpy(), X * [1, 2] + [1, 2] + [14, 4])
    assert recording.ir().partition(" -> ")[0].count("f64[2]") == 3  # x, and the buffer twice


def test_an_array_that_changes_from_call_to_call():
    data = W.copy()
    f = tj.grad(lambda x: np.sum((data @ x) ** 2 + data[0, 0] * x))
    texts = []
    for k in range(5):
        data = W * k + k % 2
        np.testing.assert_allclose(f(X), 2 * data.T @ (data @ X) + data[0, 0], rtol=1e-12)
        texts.append(canonical_text(f.memory.latest_path()))
    assert len(set(texts[2:])) == 1


@pytest.mark.parametrize("face", [np.zeros((0, 3)), np.array(2.0), np.array([-0.0, 0.0]), np.array([1j, 1j])])
def test_odd_arrays(face):
    function, plain = tj.jit(lambda x: x[:, None, None] * face), X[:, None, None] * face
    for found in (function(X), function(X)):
        np.testing.assert_array_equal(found, plain)
        np.testing.assert_array_equal(np.signbit(found.real), np.signbit(plain.real))


def test_a_loop_with_numbers_of_its_own():
    def f(x):
        while np.sum(x) < 100:
            x = x * 1.5 + W[0] * 0.1
        return x

    decorated = tj.grad(lambda x: np.sum(f(x)))
    for start in (X, X / 2, X / 3, X):
        step = 1e-6
        slope = [(np.sum(f(start + step * e)) - np.sum(f(start - step * e))) / (2 * step) for e in np.eye(2)]
        np.testing.assert_allclose(decorated(start), slope, rtol=1e-6)
