"""The composed functions where they are delicate: NaN, infinities, signed zeros, ties, huge numbers."""

import numpy as np
import pytest

import tapejit as tj

SPECIAL = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1e300, -1e300, 1e-300, 5e-324, 1.5, -2.0, 1e9, 1.0])
UNARY = (
    "arcsinh",
    "arccosh",
    "arctanh",
    "cbrt",
    "exp2",
    "nan_to_num",
    "cumsum",
    "cumprod",
    "sort",
    "argsort",
    "nansum",
    "nanmax",
    "nanmin",
    "nanprod",
    "nanmean",
    "median",
)
BINARY = ("hypot", "fmax", "fmin", "heaviside")


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", UNARY)
def test_special_values(name, dtype):
    function = getattr(np, name)
    with np.errstate(all="ignore"):
        x = SPECIAL.astype(dtype)
        for part in (x, x[3:], x[:1], x[9:]):
            tiny = 64 * np.finfo(dtype).tiny  # near the subnormal numbers a root may be off by more
            expected = np.argsort(part, kind="stable") if name == "argsort" else function(part)
            found = tj.jit(function)(part)
            assert np.asarray(found).dtype == np.asarray(expected).dtype
            np.testing.assert_allclose(found, expected, rtol=8 * np.finfo(dtype).eps, atol=tiny)


@pytest.mark.parametrize("name", BINARY)
def test_special_pairs(name):
    function = getattr(np, name)
    x, y = (v.ravel() for v in np.meshgrid(SPECIAL, SPECIAL))
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(tj.jit(function)(x, y), function(x, y), rtol=1e-15)


def gradient(function, *x):
    return tj.grad(lambda *a: np.sum(function(*a)))(*x)


def test_slopes_at_zero():
    zero = np.zeros(1)
    np.testing.assert_allclose(gradient(np.arcsinh, zero), 1.0)
    np.testing.assert_allclose(gradient(np.arctanh, zero), 1.0)
    np.testing.assert_allclose(gradient(np.exp2, zero), np.log(2.0))
    np.testing.assert_allclose(gradient(np.hypot, np.array([3.0]), np.array([4.0])), 0.6)
    np.testing.assert_allclose(gradient(np.hypot, np.array([2.0]), np.array([2.0])), 0.5**0.5)


def test_a_product_with_zeros_has_the_slope_of_the_others():
    x = np.array([2.0, 0.0, 3.0, 0.0, 5.0])
    np.testing.assert_array_equal(gradient(lambda x: np.cumprod(x)[2], x), [0.0, 6.0, 0.0, 0.0, 0.0])
    np.testing.assert_array_equal(gradient(lambda x: np.cumprod(x)[4], x), np.zeros(5))


def test_sorting_sends_gradients_where_elements_came_from():
    x, weight = np.array([3.0, 1.0, 3.0, np.nan, 2.0]), np.arange(5.0)
    np.testing.assert_array_equal(gradient(lambda x: np.sort(x) * weight, x), [2.0, 0.0, 3.0, 4.0, 1.0])


def test_nothing_flows_into_nan():
    x = np.array([1.0, np.nan, 3.0])
    np.testing.assert_array_equal(gradient(np.nansum, x), [1.0, 0.0, 1.0])
    np.testing.assert_array_equal(gradient(np.nanmax, x), [0.0, 0.0, 1.0])
    np.testing.assert_array_equal(gradient(np.nan_to_num, x), [1.0, 0.0, 1.0])


def test_second_derivatives():
    x = np.array([0.3, -1.2, 2.5, 0.7])
    for function in (
        np.cumprod,
        np.sort,
        np.cbrt,
        np.arcsinh,
        lambda x: np.einsum("i,j,ij", x, x, np.outer(x, x)),
    ):
        slope = lambda x, f=function: tj.grad(lambda x: np.sum(f(x) ** 2))(x)  # noqa: E731
        found = tj.grad(lambda x, s=slope: np.sum(s(x) * x))(x)
        step = 1e-5 * np.eye(4)
        expected = [(np.sum(slope(x + e) * (x + e)) - np.sum(slope(x - e) * (x - e))) / 2e-5 for e in step]
        np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_second_derivatives_of_hypot_where_its_operands_are_equal_or_zero():
    x, y = np.array([0.0, 1.0, -1.0, 0.0, 3.0]), np.array([1.0, 1.0, 1.0, -2.0, 0.0])
    found = tj.jvp(lambda x: gradient(lambda x: np.hypot(x, y), x), (x,), (np.ones(5),))[1]
    np.testing.assert_allclose(found, y**2 / np.hypot(x, y) ** 3, rtol=1e-14)


def test_slope_of_arccosh_at_one_is_infinite():
    near = 1.0 + 1e-12
    found = gradient(np.arccosh, np.array([1.0, near]))
    np.testing.assert_allclose(found, [np.inf, 1.0 / np.sqrt((near - 1.0) * (near + 1.0))], rtol=1e-12)
