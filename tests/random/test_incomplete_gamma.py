"""Incomplete gamma functions: against exact series, SciPy and differences, in both tiers, at limits."""

import mpmath
import numpy as np
import pytest
import scipy.special as sp

import tapejit as tj

SHAPES = np.array([1e-8, 1e-3, 0.05, 0.3, 0.9, 1.0, 2.5, 7.0, 29.0, 31.0, 200.0])
PARTS = np.array([1e-12, 1e-3, 0.2, 0.5, 0.8, 0.999, 1 - 1e-12])


def points(shapes=SHAPES):
    a, p = (v.ravel() for v in np.meshgrid(shapes, PARTS))
    x = sp.gammaincinv(a, p)
    return a[x > 1e-300], x[x > 1e-300]


def exactly(a, x):
    """Both functions and the slope of the lower one in a, from the series of its positive terms."""
    with mpmath.workdps(60):
        a, x = mpmath.mpf(float(a)), mpmath.mpf(float(x))
        term = total = mpmath.mpf(1)
        sum_of_inverses = slope = mpmath.mpf(0)
        n = 0
        while n < x or term > total * mpmath.mpf(10) ** -60:
            n += 1
            term, sum_of_inverses = term * x / (a + n), sum_of_inverses + 1 / (a + n)
            total, slope = total + term, slope - term * sum_of_inverses
        mass = mpmath.exp(a * mpmath.log(x) - x - mpmath.loggamma(a + 1))
        low = mass * total
        return [
            float(v) for v in (low, 1 - low, mass * (total * (mpmath.log(x) - mpmath.digamma(a + 1)) + slope))
        ]


@pytest.fixture(scope="module")
def exact():
    return np.array([exactly(a, x) for a, x in zip(*points(), strict=True)]).T


@tj.jit
def everything(a, x):
    slopes = tj.grad(lambda a: np.sum(sp.gammainc(a, x)))(a)
    return sp.gammainc(a, x), sp.gammaincc(a, x), slopes


def test_compiled_functions_have_relative_precision_in_both_tails(exact):
    for found, expected in zip(everything(*points()), exact, strict=True):
        np.testing.assert_allclose(found, expected, rtol=3e-14)


@pytest.mark.usefixtures("interpreted")
def test_interpreted_functions_have_it_too(exact):
    for found, expected in zip(everything(*points()), exact, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("a", [300.0, 1e4, 1e6])
def test_large_parameters_agree_with_scipy(a):
    x = a * (1 + np.array([-0.2, -0.01, 0.0, 0.01, 0.2]) * (300 / a) ** 0.5)
    shapes = np.full(x.size, a)
    for name in ("gammainc", "gammaincc"):
        np.testing.assert_allclose(
            tj.jit(getattr(sp, name))(shapes, x), getattr(sp, name)(shapes, x), rtol=1e-11
        )


def test_inverses_invert():
    a, p = (v.ravel() for v in np.meshgrid(SHAPES[2:], PARTS))
    for name, inverse in (("gammainc", "gammaincinv"), ("gammaincc", "gammainccinv")):
        found = tj.jit(getattr(sp, inverse))(a, p)
        np.testing.assert_allclose(getattr(sp, name)(a, found), p, rtol=1e-12)


@pytest.mark.parametrize("name", ["gammainc", "gammaincc", "gammaincinv", "gammainccinv"])
def test_limits_are_scipys(name):
    values = np.array([0.0, 0.5, 1.0, 2.0, -1.0, np.inf, np.nan])
    a, x = (v.ravel() for v in np.meshgrid(values[1:], values))
    function = getattr(sp, name)
    usual = np.isfinite(a) | (name in ("gammainc", "gammaincc"))
    found = tj.jit(lambda a, x: function(a, x))(a, x)
    np.testing.assert_allclose(found[usual], function(a, x)[usual], rtol=1e-13)


@pytest.mark.parametrize("name", ["gammainc", "gammaincc"])
def test_where_the_parameter_does_not_matter_its_slope_is_zero(name):
    """At 0, at infinity, and where the density underflows."""
    slope = tj.jit(tj.grad(lambda a, x: np.sum(getattr(sp, name)(a, x))))
    for x in (0.0, np.inf, 1e4):
        np.testing.assert_array_equal(slope(np.array([0.5, 2.0, 30.0]), x), 0.0)


def test_the_first_quantile_stays_where_it_is():
    assert tj.grad(lambda a: sp.gammaincinv(a, 0.0))(2.0) == 0.0
    assert tj.grad(lambda a: sp.gammainccinv(a, 1.0))(2.0) == 0.0


@pytest.mark.usefixtures("interpreted")
@pytest.mark.parametrize("name", ["gammainc", "gammaincc", "gammaincinv", "gammainccinv"])
def test_derivatives_are_those_of_differences(name):
    a, x = np.array([0.4, 2.5, 33.0]), np.array([0.3, 0.9, 0.6])
    at = x if name.endswith("inv") else a * x
    tj.check_grads(lambda a, x: getattr(sp, name)(a, x), (a, at), order=2)


def test_single_precision():
    a, p = np.array([0.5, 3.0], np.float32), np.array([0.2, 0.9], np.float32)
    found = tj.jit(lambda a, p: sp.gammaincinv(a, p))(a, p)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, sp.gammaincinv(a, p), rtol=1e-6)
