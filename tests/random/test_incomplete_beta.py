"""Incomplete beta functions: against SciPy, mpmath and differences, in both tiers, at limits."""

import mpmath
import numpy as np
import pytest
import scipy.special as sp

import tapejit as tj

NAMES = ["betainc", "betaincc", "betaincinv", "betainccinv"]
SHAPES = np.array([0.05, 0.3, 1.0, 2.5, 30.0, 200.0, 3000.0])
PARTS = np.array([1e-10, 0.01, 0.3, 0.7, 0.99, 1 - 1e-10])


def points(shapes=SHAPES):
    """Parameters and x in both tails, where x and 1 - x are numbers."""
    a, b, p = (v.ravel() for v in np.meshgrid(shapes, shapes, PARTS))
    x = sp.betaincinv(a, b, p)
    usual = (x > 1e-290) & (x < 1 - 1e-13)
    return a[usual], b[usual], x[usual], p[usual]


@tj.jit
def both(a, b, x):
    return sp.betainc(a, b, x), sp.betaincc(a, b, x)


def are_scipys(rtol):
    a, b, x, _ = points()
    for found, expected in zip(both(a, b, x), (sp.betainc(a, b, x), sp.betaincc(a, b, x)), strict=True):
        np.testing.assert_allclose(found, expected, rtol=rtol)


def test_compiled_functions_have_relative_precision_in_both_tails():
    are_scipys(5e-13)


@pytest.mark.usefixtures("interpreted")
def test_interpreted_functions_have_it_too():
    are_scipys(5e-12)


def test_inverses_invert():
    a, b, _, p = points(SHAPES[1:-1])
    for name in ("betainc", "betaincc"):
        inverse = getattr(sp, name + "inv")
        found = tj.jit(lambda a, b, p, f=inverse: f(a, b, p))(a, b, p)
        resolved = (found > 1e-290) & (found < 1 - 1e-4)
        np.testing.assert_allclose(
            getattr(sp, name)(a, b, found)[resolved], p[resolved], rtol=2e-11, err_msg=name
        )


OF_SLOPES = [
    (0.3, 1.0, 0.2), (0.05, 2.5, 0.01), (2.5, 2.5, 0.4), (2.5, 0.05, 0.999), (30.0, 200.0, 0.1),
    (3000.0, 30.0, 0.99), (3000.0, 0.05, 0.9942), (0.05, 3000.0, 0.0001), (200.0, 0.3, 0.99),
]  # fmt: skip


def exactly(a, b, x):
    """The slopes in a and b, as differences in forty digits."""
    with mpmath.workdps(40):
        h = mpmath.mpf(10) ** -12

        def below(a, b):
            return mpmath.betainc(a, b, 0, x, regularized=True)

        in_a = (below(a + h, b) - below(a - h, b)) / (2 * h)
        return float(in_a), float((below(a, b + h) - below(a, b - h)) / (2 * h))


@pytest.fixture(scope="module")
def exact_slopes():
    return np.array([exactly(*at) for at in OF_SLOPES]).T


def slopes():
    a, b, x = np.array(OF_SLOPES).T
    return tj.jit(tj.grad(lambda a, b, x: np.sum(sp.betainc(a, b, x)), argnums=(0, 1)))(a, b, x)


def test_compiled_slopes_in_the_parameters_are_precise(exact_slopes):
    np.testing.assert_allclose(slopes(), exact_slopes, rtol=1e-11)


@pytest.mark.usefixtures("interpreted")
def test_interpreted_slopes_in_the_parameters_are_precise(exact_slopes):
    np.testing.assert_allclose(slopes(), exact_slopes, rtol=1e-11)


@pytest.mark.usefixtures("interpreted")
@pytest.mark.parametrize("name", NAMES)
def test_derivatives_are_those_of_differences(name):
    a, b, x = np.array([0.4, 2.5, 9.0]), np.array([1.6, 0.7, 12.0]), np.array([0.3, 0.8, 0.45])
    tj.check_grads(lambda a, b, x: getattr(sp, name)(a, b, x), (a, b, x), order=2)


@pytest.mark.parametrize("name", NAMES)
def test_limits_are_scipys(name):
    x = np.array([0.0, 1.0, -0.5, 1.5, np.nan, 0.5, 0.5])
    a, b = np.array([2.0, 0.5, 2.0, 2.0, 2.0, -1.0, np.nan]), np.full(7, 1.5)
    function = getattr(sp, name)
    found = tj.jit(lambda a, b, x: function(a, b, x))(a, b, x)
    np.testing.assert_array_equal(found, function(a, b, x))


@pytest.mark.usefixtures("interpreted")
@pytest.mark.parametrize("name", NAMES)
def test_at_the_ends_slopes_in_the_parameters_are_zero(name):
    x, function = np.array([0.0, 1.0]), getattr(sp, name)
    assert tj.grad(lambda a: np.sum(function(a, 2.0, x)))(1.5) == 0.0


def test_single_precision():
    a, p = np.array([0.5, 3.0], np.float32), np.array([0.2, 0.9], np.float32)
    found = tj.jit(lambda a, p: sp.betaincinv(a, a, p))(a, p)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, sp.betaincinv(a, a, p), rtol=1e-6)


def test_far_quantiles_of_f_keep_their_digits():
    x = tj.stats.f.isf(1e-10, 3.0, 5.5)
    with mpmath.workdps(40):
        rest = 5.5 / (3 * mpmath.mpf(float(x)) + 5.5)
        assert abs(float(mpmath.betainc(2.75, 1.5, 0, rest, regularized=True)) / 1e-10 - 1) < 1e-12


@pytest.mark.usefixtures("interpreted")
def test_students_t_is_smooth_in_the_middle():
    middle, half = tj.stats.t.pdf(0.0, 4.5), np.array([0.5])
    assert np.isclose(tj.grad(lambda z: tj.stats.t.cdf(z, 4.5))(0.0), middle, rtol=1e-13)
    slope = tj.grad(lambda q: np.sum(tj.stats.t.ppf(q, 4.5)))(half)
    np.testing.assert_allclose(slope, 1 / middle, rtol=1e-13)
    assert abs(tj.grad(lambda df: tj.stats.t.cdf(0.0, df))(4.5)) < 1e-15
    assert np.all(np.abs(tj.jit(lambda q: tj.stats.t.ppf(q, 4.5))(half)) < 1e-14)


LIMITS = np.array([0.0, 2.5, np.inf])


def at_limits():
    a, b, x = (v.ravel() for v in np.meshgrid(LIMITS, LIMITS, [0.0, 0.3, 1.0]))
    limit = (a != 2.5) | (b != 2.5)
    return a[limit], b[limit], x[limit]


def check_limits():
    a, b, x = at_limits()
    for found, expected in zip(both(a, b, x), (sp.betainc(a, b, x), sp.betaincc(a, b, x)), strict=True):
        np.testing.assert_array_equal(found, expected)
    inside = (x == 0.3) & ~np.isnan(sp.betainc(a, b, x))
    a, b, x = a[inside], b[inside], x[inside]
    slopes = tj.jit(tj.grad(lambda a, b, x: np.sum(sp.betainc(a, b, x)), argnums=(0, 1, 2)))(a, b, x)
    for slope, one_sided in zip(slopes, (a == 0, b == 0, np.zeros(a.size, bool)), strict=True):
        np.testing.assert_array_equal(slope, np.where(one_sided, np.nan, 0.0))


def test_parameters_of_zero_or_infinity_are_scipys_and_slopes_vanish():
    check_limits()


@pytest.mark.usefixtures("interpreted")
def test_interpreted_parameters_of_zero_or_infinity_too():
    check_limits()
