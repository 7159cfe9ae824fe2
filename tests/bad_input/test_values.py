"""Values at the edge: NaN, infinities, no elements, no dimensions, odd strides, read-only memory."""

import warnings

import numpy as np
import pytest

import tapejit as tj

BASE = np.arange(24.0).reshape(4, 6)
LAYOUTS = {
    "transposed": BASE.T,
    "reversed": BASE[::-1],
    "reversed columns": BASE[:, ::-2],
    "steps": BASE[::2, 1::3],
    "repeated": np.broadcast_to(BASE[0], (3, 6)),
    "column order": np.asfortranarray(BASE),
    "offset": BASE[1:, 2:],
}


def cube(x):
    return np.sum(x * x * x)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_strides_of_arguments(layout):
    x = LAYOUTS[layout]
    value, gradient = tj.value_and_grad(cube)(x)
    assert value == np.sum(x**3)
    np.testing.assert_array_equal(gradient, 3 * x * x)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_strides_of_operands_and_views(layout):
    x = tj.array(BASE)
    x.attach_grad()
    constant = LAYOUTS[layout]
    rows, columns = constant.shape
    with tj.record():
        backwards = x.reshape(6, 4)[::-1, ::-1].reshape(-1)
        y = (backwards[: rows * columns].reshape(rows, columns) * constant).sum()
    y.backward()
    expected = np.zeros(24)
    expected[: rows * columns] = constant.ravel()
    np.testing.assert_array_equal(x.grad, expected[::-1].reshape(4, 6))


def test_read_only_argument():
    x = np.arange(3.0)
    x.flags.writeable = False
    value, gradient = tj.value_and_grad(cube)(x)
    assert value == 9.0
    np.testing.assert_array_equal(gradient, 3 * x * x)
    assert gradient.flags.writeable


def test_what_numpy_is_lent_cannot_be_written():
    lent = np.asarray(tj.ones(3))
    with pytest.raises(ValueError, match="read-only"):
        lent[0] = 2.0


@pytest.mark.parametrize("shape", [(0,), (3, 0), (0, 2, 0)])
def test_no_elements(shape):
    value, gradient = tj.value_and_grad(cube)(np.zeros(shape))
    assert value == 0.0
    assert gradient.shape == shape


def test_mean_of_no_elements_is_nan():
    value, gradient = tj.value_and_grad(np.mean)(np.zeros(0))
    assert np.isnan(value)
    assert gradient.shape == (0,)


def test_largest_of_no_elements():
    with pytest.raises(ValueError, match=r"test_values.py:\d+: no elements"):
        tj.grad(lambda x: np.max(x))(np.zeros(0))


def test_product_over_no_elements():
    value, gradient = tj.value_and_grad(lambda x: np.sum(x @ np.zeros((0, 2))))(np.zeros((3, 0)))
    assert value == 0.0
    assert gradient.shape == (3, 0)


@pytest.mark.parametrize("x", [3.0, np.float64(3.0), np.array(3.0), np.float32(3.0)])
def test_no_dimensions(x):
    value, gradient = tj.value_and_grad(lambda x: x * x)(x)
    assert (value, gradient) == (9.0, 6.0)
    assert np.shape(gradient) == ()
    assert gradient.dtype == np.asarray(x).dtype


def test_array_without_dimensions_in_a_record():
    x = tj.array(3.0)
    x.attach_grad()
    with tj.record():
        y = x * x
    y.backward()
    assert x.grad.item() == 6.0
    with pytest.raises(TypeError, match="without dimensions"):
        len(x)


def test_nan_and_infinities_pass_through():
    x = np.array([np.nan, np.inf, -np.inf, 2.0])
    value, gradient = tj.value_and_grad(lambda x: np.sum(x * x))(x)
    assert np.isnan(value)
    np.testing.assert_array_equal(gradient, 2 * x)


def test_branch_not_taken_does_not_poison_the_gradient():
    safe_log = tj.grad(lambda x: np.sum(np.where(x > 0, np.log(x), 0.0)))
    np.testing.assert_array_equal(safe_log(np.array([0.0, -1.0, 2.0])), [0.0, 0.0, 0.5])


def test_infinite_derivative_is_infinite():
    root = tj.grad(lambda x: np.sum(np.sqrt(x)))
    np.testing.assert_array_equal(root(np.array([0.0, 4.0])), [np.inf, 0.25])


def test_no_warnings_for_special_values():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        value, _ = tj.value_and_grad(lambda x: np.sum(np.log(x) / x))(np.array([0.0, -1.0, np.inf]))
    assert np.isnan(value)


def test_negative_zero_keeps_its_sign():
    x = np.array([-0.0, 0.0])
    assert list(np.signbit(tj.jit(lambda x: x * 1.0)(x))) == [True, False]
