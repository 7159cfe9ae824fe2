"""Arguments at the edge of what NumPy defines: signed zeros, poles, dtypes that mix, sums of many floats."""

import numpy as np
import pytest

import tapejit as tj


def agrees(function, *x, rtol=0.0):
    """The same values, up to `rtol`, dtype and signs of zeros as NumPy."""
    with np.errstate(all="ignore"):
        found, expected = np.asarray(tj.jit(function)(*x)), np.asarray(function(*x))
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found, expected, rtol=rtol)
    if found.dtype.kind == "f":
        np.testing.assert_array_equal(np.signbit(found), np.signbit(expected))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_arcsinh_keeps_the_sign_of_zero(dtype):
    agrees(np.arcsinh, np.array([-0.0, 0.0, -1e-30, 2.0, -3.0], dtype), rtol=4 * np.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", [np.complex128, np.complex64])
def test_log1p_of_complex_numbers_near_its_pole(dtype):
    """1 + z is exact there, so the logarithm of it is right to the last places."""
    z = np.array([-1 + 1e-5j, -1 + 1e-12j, -1.001 - 1e-3j, -0.99 + 0.01j, -0.5], dtype)
    found, expected = tj.jit(np.log1p)(z), np.log1p(z.astype(np.clongdouble))
    np.testing.assert_allclose(found.real, expected.real, rtol=4 * np.finfo(dtype).eps)
    slope = tj.grad(lambda z: np.sum(np.log1p(z)).real)(z)
    np.testing.assert_allclose(slope, 1 / (1 + z), rtol=1e4 * np.finfo(dtype).eps)


def test_isclose_compares_integers_and_truth_values_as_floats():
    large = np.array([1, -(2**63), 2**63 - 1, 0, -1])
    agrees(np.isclose, large, large[::-1])
    agrees(np.isclose, large > 0, large < 2)
    agrees(lambda x: np.isclose(x, 1), large)
    agrees(lambda x: np.isclose(x, 0.1, rtol=0, atol=0), np.full(3, 0.1, np.float32))


@pytest.mark.parametrize("function", [np.isposinf, np.isneginf])
def test_complex_infinities_have_no_sign(function):
    agrees(function, np.array([-np.inf, np.inf, np.nan, 1.0]))
    with pytest.raises(TypeError, match=r"take x\.real"):
        tj.jit(function)(np.array([1j]))


def test_sums_by_bins_are_in_double_precision():
    """One at a time, floats of single precision would stop growing at 2**24."""
    ones = np.full(2**12, 2.0**13 + 1, np.float32)
    agrees(lambda w: np.bincount(np.zeros(w.size, int), w), ones)
    agrees(lambda w: np.histogram(np.zeros(w.size), 1, weights=w)[0], ones)


def test_numbers_are_weak_among_choices():
    x = np.array([1.0, 2.0, 3.0], np.float32)
    agrees(lambda x: np.choose([0, 1, 2], [x, 2 * x, 2.5]), x)


def test_interp_with_a_period_is_in_double_precision():
    x = np.linspace(-9, 9, 40, dtype=np.float32)
    agrees(lambda x: np.interp(x, np.arange(4.0), np.arange(4.0) ** 2, period=3.3), x, rtol=1e-12)


@pytest.mark.parametrize(
    ("subscripts", "shapes", "message"),
    [
        ("ii->i", ((2, 1),), "dimension 'i' is 2 and 1 in one operand"),
        ("i.j->ij", ((2, 3),), "more than letters"),
        ("αβ->βα", ((2, 3),), "more than letters"),
    ],
)
def test_einsum_refuses_what_numpy_refuses(subscripts, shapes, message):
    operands = [np.ones(shape) for shape in shapes]
    with pytest.raises(ValueError, match=r"dimension|subscript|codec"):
        np.einsum(subscripts, *operands)
    with pytest.raises(ValueError, match=message):
        tj.jit(lambda *xs: np.einsum(subscripts, *xs))(*operands)
