"""What `grad` and `value_and_grad` refuse: arguments, results and argnums that make no sense."""

import numpy as np
import pytest
from expected_error import error_naming

import tapejit as tj


def total(x):
    return np.sum(x * x)


@pytest.mark.parametrize("argnums", [1, -2, (0, 1)])
def test_argnums_beyond_the_arguments(argnums):
    with error_naming(ValueError, total, f"argnums={argnums}", "1 positional arguments"):
        tj.grad(total, argnums=argnums)(np.ones(3))


@pytest.mark.parametrize("argnums", ["x", 1.0, (), None, True, (0, "y")])
def test_argnums_that_are_no_positions(argnums):
    with pytest.raises(TypeError, match="argnums must be an int or a non-empty tuple of ints"):
        tj.grad(total, argnums=argnums)


def test_argnums_that_name_one_argument_twice():
    with pytest.raises(ValueError, match="twice"):
        tj.grad(total, argnums=(0, 0))
    with error_naming(ValueError, total, "twice"):
        tj.grad(total, argnums=(0, -1))(np.ones(3))


def test_differentiated_argument_by_keyword():
    with error_naming(ValueError, total, "must be positional"):
        tj.grad(total)(x=np.ones(3))


def test_no_function():
    with pytest.raises(TypeError, match="expected a function, got int"):
        tj.grad(3)


def test_functions_that_run_after_the_call():
    def rows(x):
        yield from x

    async def later(x):
        return x

    for function in (rows, later):
        with error_naming(TypeError, function, "cannot be traced", "return a list"):
            tj.jit(function)


def test_result_with_a_shape():
    def many(x):
        return x * 2

    with error_naming(ValueError, many, "shape (3,)", "sum or mean"):
        tj.grad(many)(np.ones(3))


@pytest.mark.parametrize("result", ["text", None, (1.0, 2.0)])
def test_result_that_is_no_array(result):
    def strange(x):
        return result

    with error_naming(TypeError, strange, type(result).__name__, "scalar"):
        tj.grad(strange)(np.ones(3))


def test_integer_result():
    def place(x):
        return np.argmax(x)

    with error_naming(TypeError, place, "int64", "float"):
        tj.grad(place)(np.ones(3))


def test_aux_without_a_pair():
    with error_naming(TypeError, total, "must return a pair"):
        tj.grad(total, has_aux=True)(np.ones(3))


@pytest.mark.parametrize("argument", [np.arange(3), 3, True, "abc", {"w": np.arange(3)}])
def test_argument_without_a_derivative(argument):
    with error_naming(TypeError, total, "argument 0", "no derivative"):
        tj.grad(total)(argument)


def test_integer_argument_that_is_not_differentiated():
    power = tj.grad(lambda x, n: np.sum(x**n))
    np.testing.assert_array_equal(power(np.array([1.0, 2.0]), 3), [3.0, 12.0])


def test_result_that_depends_on_nothing_has_gradient_zero():
    np.testing.assert_array_equal(tj.grad(lambda x: 3.0)(np.ones(2)), [0.0, 0.0])


def test_head_gradient_of_another_shape():
    x = tj.ones(3)
    x.attach_grad()
    for head in (np.ones(4), 1.0, np.ones((3, 1))):
        with tj.record():
            y = x * 2
        with pytest.raises(ValueError, match=r"test_decorated.py:\d+: the head gradient has shape"):
            y.backward(head)
        np.testing.assert_array_equal(x.grad, np.zeros(3))


@pytest.mark.parametrize("dtype", ["float32", "int64", "bool"])
def test_head_gradient_of_another_dtype_is_converted(dtype):
    x = tj.ones(3)
    x.attach_grad()
    with tj.record():
        y = x * 2
    y.backward(np.ones(3, dtype))
    assert x.grad.dtype == np.float64
    np.testing.assert_array_equal(x.grad, np.full(3, 2.0))


def test_head_gradient_that_is_no_number():
    x = tj.ones(3)
    x.attach_grad()
    with tj.record():
        y = x * 2
    with pytest.raises(TypeError, match=r"test_decorated.py:\d+: a head gradient of complex128"):
        y.backward(np.ones(3) * 1j)
