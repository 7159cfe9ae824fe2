"""The printed forms of both faces."""

import numpy as onp
import pytest

from tapejit import autograd, nd, np, npx


@pytest.mark.parametrize(
    ("array", "text"),
    [
        (nd.ones((2, 2)), "\n[[1. 1.]\n [1. 1.]]\n<NDArray 2x2 @cpu(0)>"),
        (nd.array([0.5]), "\n[0.5]\n<NDArray 1 @cpu(0)>"),
        (nd.arange(3).reshape((3, 1)), "\n[[0.]\n [1.]\n [2.]]\n<NDArray 3x1 @cpu(0)>"),
        (nd.zeros(2, dtype="int32"), "\n[0 0]\n<NDArray 2 @cpu(0)>"),
    ],
)
def test_nd_names_shape_and_device(array, text):
    assert repr(array) == text
    assert str(array) == text
    assert f"{(array,)}" == f"({text},)"


@pytest.mark.parametrize(
    ("array", "text", "plain"),
    [
        (np.ones(2), "array([1., 1.])", "[1. 1.]"),
        (np.array(2.5), "array(2.5)", "2.5"),
        (np.array([[1, 2], [3, 4]]), "array([[1., 2.],\n       [3., 4.]])", "[[1. 2.]\n [3. 4.]]"),
        (np.ones(2, dtype="float64"), "array([1., 1.], dtype=float64)", "[1. 1.]"),
        (np.ones(2, dtype="int32"), "array([1, 1], dtype=int32)", "[1 1]"),
        (np.ones(1, dtype="int64"), "array([1], dtype=int64)", "[1]"),
        (np.ones(2) > 0, "array([ True,  True])", "[ True  True]"),
        (np.zeros((0,)), "array([])", "[]"),
        (np.zeros((0, 2)), "array([], shape=(0, 2))", "[]"),
    ],
)
def test_np_hides_the_default_dtype_and_bool(array, text, plain):
    assert repr(array) == text
    assert str(array) == plain


def test_np_in_double_precision_shows_single():
    npx.set_np(dtype=True)
    try:
        assert repr(np.ones(1)) == "array([1.])"
        assert repr(np.ones(1, "float32")) == "array([1.], dtype=float32)"
    finally:
        npx.reset_np()


def test_a_long_array_is_shortened_as_numpy_does():
    assert str(np.zeros(5000)) == str(onp.zeros(5000, "float32"))
    assert "..." in repr(nd.zeros(5000))


def test_a_pending_array_prints_its_value():
    x = nd.array([1, 2])
    x.attach_grad()
    with autograd.record():
        y = x * x
        assert str(y) == "\n[1. 4.]\n<NDArray 2 @cpu(0)>"
        z = y + 1
    z.backward()
    assert str(x.grad) == "\n[2. 4.]\n<NDArray 2 @cpu(0)>"
