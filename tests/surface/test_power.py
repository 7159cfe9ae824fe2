"""Powers of integers: NumPy's values and dtypes, and its error for negative exponents, in every call."""

import numpy as np
import pytest

import tapejit as tj

BASE, COUNT = np.array([2, 3, -4, 0]), np.array([3, 0, 2, 70])
CASES = {
    "arrays": (lambda x, y: x**y, BASE, COUNT),
    "broadcast": (lambda x, y: x[:, None] ** y, BASE, COUNT),
    "i32": (lambda x, y: x**y, BASE.astype(np.int32), COUNT.astype(np.int32)),
    "i32 and i64": (lambda x, y: np.power(x, y), BASE.astype(np.int32), COUNT),
    "truth values": (lambda x, y: x**y, BASE > 2, COUNT),
    "number to array": (lambda x, y: 3**y, BASE, COUNT),
    "array to number": (lambda x, y: np.power(x, 2) + x**70 + x**0, BASE, COUNT),
    "array to NumPy's number": (lambda x, y: x ** np.int64(3), BASE, COUNT),
    "array of the closure": (lambda x, y: x**COUNT, BASE, COUNT),
    "scalars": (lambda x, y: x[0] ** y[0], BASE, COUNT),
    "list": (lambda x, y: x ** [1, 2, 3, 4], BASE, COUNT),
    "none": (lambda x, y: x[:0] ** y[:0], BASE, COUNT),
    "floats to counts": (lambda x, y: (x * 0.5) ** y, BASE, COUNT),
    "f32 to i32": (lambda x, y: x.astype("f4") ** y.astype("i4"), BASE, COUNT),
    "large and odd": (lambda x, y: x ** (y + (2**62 + 1)), BASE, COUNT),
}


@pytest.mark.parametrize("name", CASES)
def test_values_and_dtypes_are_numpys(name):
    function, *operands = CASES[name]
    expected = function(*operands)
    with tj.record():
        found = function(*map(tj.array, operands))
    for result in (tj.jit(function)(*operands), found.numpy()):
        np.testing.assert_array_equal(result, expected)
        assert result.dtype == expected.dtype


NEGATIVE = (
    lambda x, y: x**y,
    lambda x, y: 2**y,
    lambda x, y: np.power(x, y),
    lambda x, y: x ** np.array([1, -1, 1, 1]),
    lambda x, y: x**-1,
    lambda x, y: np.power(x, -2),
    lambda x, y: x ** (y - 1),
)


@pytest.mark.parametrize("function", NEGATIVE)
def test_a_negative_exponent_is_numpys_error_with_the_line(function):
    exponents = np.array([1, -1, 2, 0])
    with pytest.raises(ValueError, match="negative integer powers"):
        function(BASE, exponents)
    with pytest.raises(ValueError, match=r"test_power\.py:\d+: integers to negative integer powers"):
        tj.jit(function)(BASE, exponents)


def test_later_calls_look_again():
    power = tj.jit(lambda x, y: x**y)
    for _ in range(3):
        np.testing.assert_array_equal(power(BASE, COUNT), BASE**COUNT)
        with pytest.raises(ValueError, match="negative integer powers"):
            power(BASE, -COUNT)
        with pytest.raises(ValueError, match="negative integer powers"):
            power(BASE, np.array([0, 0, 0, -1]))


def test_a_worked_out_exponent_is_looked_at_again():
    power = tj.jit(lambda x, y: x ** (y - 1))
    np.testing.assert_array_equal(power(BASE, np.array([1, 2, 3, 4])), BASE ** np.array([0, 1, 2, 3]))
    for _ in range(2):
        with pytest.raises(ValueError, match="negative integer powers"):
            power(BASE, np.array([1, 2, 0, 4]))


def test_in_a_batch():
    rows = np.array([[1, 2], [3, 0]])
    np.testing.assert_array_equal(tj.vmap(lambda x, y: x**y)(rows, rows), rows**rows)
    with pytest.raises(ValueError, match="negative integer powers"):
        tj.vmap(lambda x, y: x**y)(rows, -rows)


def test_gradients_flow_past():
    x = np.array([0.5, 2.0, -1.0, 3.0])
    gradient = tj.grad(lambda x, n: np.sum(x ** (n**2)))
    np.testing.assert_allclose(gradient(x, np.array([0, 1, 2, 1])), [0.0, 1.0, -4.0, 1.0])


def test_truth_values_to_truth_values_are_refused_with_the_remedy():
    for function in (lambda x: x**x, lambda x: x**2):
        with pytest.raises(TypeError, match=r"test_power\.py:\d+: .*astype\(int\)"):
            tj.jit(function)(BASE > 0)
