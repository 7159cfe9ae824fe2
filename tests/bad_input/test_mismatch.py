"""Shapes, axes, indices and dtypes that do not fit: the message names operation, types and line."""

import numpy as np
import optree
import pytest
from expected_error import error_at_line

import tapejit as tj


@pytest.fixture
def x():
    array = tj.array([1.0, 2.0, 3.0])
    array.attach_grad()
    return array


def test_shapes_that_do_not_broadcast(x):
    with tj.record(), error_at_line(ValueError, "add(f64[3], f64[4])", "(3,) and (4,)"):
        x + tj.ones(4)


def test_a_library_that_only_calls_the_function_is_not_named(x):
    with tj.record(), error_at_line(ValueError, "add(f64[3], f64[4])"):
        optree.tree_map(np.add, [x], [tj.ones(4)])


def test_inner_dimensions_of_a_product(x):
    with tj.record(), error_at_line(ValueError, "matmul(f64[3], f64[4,2])"):
        x @ np.ones((4, 2))


def test_impossible_reshape(x):
    with tj.record(), error_at_line(ValueError, "cannot reshape (3,)", "(2, 2)"):
        x.reshape(2, 2)


def test_join_of_different_ranks(x):
    with tj.record(), error_at_line(ValueError, "concatenate(f64[3], f64[2,2])"):
        np.concatenate([x, np.ones((2, 2))])


def test_axis_that_is_not_there(x):
    with tj.record(), error_at_line(IndexError, "axis 1", "1 dimensions"):
        x.sum(axis=1)


def test_index_out_of_bounds(x):
    with tj.record(), error_at_line(IndexError, "index 3", "size 3"):
        x[3]


def test_positions_outside(x):
    with tj.record(), error_at_line(IndexError, "index 7", "size 3"):
        x[np.array([0, 7])]


def test_floats_as_index(x):
    with tj.record(), error_at_line(IndexError, "f64[2]", "astype"):
        x[np.array([0.0, 2.0])]


@pytest.mark.parametrize("dtype", ["complex256", "float16", "uint8", "<U1", ">f8"])
def test_dtypes_that_tapejit_does_not_have(dtype):
    with error_at_line(TypeError, f"dtype {dtype}", "convert"):
        tj.array(np.zeros(2).astype(dtype))


def test_a_complex_value_for_a_real_array(x):
    with tj.record(), error_at_line(TypeError, "c128[3]", "float64", "x.real"):
        x[...] = np.array([1j, 2.0, 3.0])


def test_a_function_that_complex_numbers_do_not_have(x):
    with tj.record(), error_at_line(TypeError, "floor", "c128[3]", "x.real"):
        np.floor(x * 1j)


def test_operand_that_is_no_number(x):
    with tj.record(), pytest.raises(TypeError, match="unsupported operand"):
        x + "one"
    with tj.record(), error_at_line(TypeError, "object"):
        x + np.array([None, None, None])


def test_integer_to_a_negative_power():
    n = tj.array([1, 2])
    with tj.record(), error_at_line(ValueError, "integers to negative integer powers"):
        n**-1


def test_the_record_goes_on_after_an_error(x):
    with tj.record():
        y = x * 2
        with pytest.raises(ValueError, match="broadcast"):
            y + tj.ones(4)
        z = (y * y).sum()
    z.backward()
    np.testing.assert_array_equal(x.grad, 8 * x.asnumpy())


def test_a_real_transform_of_complex_numbers(x):
    with tj.record(), error_at_line(TypeError, "rfft(c128[3])", "x.real"):
        np.fft.rfft(x * 1j)


def test_function_that_is_not_traced(x):
    with tj.record(), error_at_line(TypeError, "np.subtract.reduce", "is not traced"):
        np.subtract.reduce(x)
    with tj.record(), error_at_line(TypeError, "argument `casting` is not traced"):
        np.sin(x, casting="no")


@pytest.mark.parametrize("convert", [np.asarray, lambda x: np.array([x, x])])
def test_conversion_that_would_drop_the_gradient(convert, x):
    with tj.record(), error_at_line(TypeError, "would drop the gradient", "np.stack"):
        convert(x)
    with error_at_line(TypeError, "would drop the gradient"):
        tj.grad(lambda x: np.sum(convert(x)))(np.ones(3))


def test_truth_of_many(x):
    with tj.record(), pytest.raises(ValueError, match="ambiguous"):
        bool(x > 1)


def test_many_as_a_number(x):
    with tj.record(), pytest.raises(TypeError, match=r"only an array of one element.*\(3,\)"):
        float(x * 2)
