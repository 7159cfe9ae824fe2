"""Distribution functions and quantiles against SciPy's; derivatives against densities and differences."""

import mpmath
import numpy as np
import pytest
import scipy.stats
from test_stats import CONTINUOUS, DISCRETE

import tapejit as tj
from tapejit.stats_tails import TAILS

pytestmark = pytest.mark.usefixtures("interpreted")
OF_NUMBERS, OF_COUNTS = ([name for name in TAILS if name in among] for among in (CONTINUOUS, DISCRETE))
HAVE_QUANTILES = [name for name in OF_NUMBERS if TAILS[name].ppf]
EXACT_TAIL = np.array([1e-10, 0.1, 0.5, 0.9, 0.999])


@pytest.mark.parametrize("name", OF_NUMBERS)
def test_distribution_functions_are_scipys(name):
    x, shapes = CONTINUOUS[name]
    ours, scipys = getattr(tj.stats, name), getattr(scipy.stats, name)
    around = np.concatenate([[-np.inf, -30.0, -1.0, 0.0, 1.0, 2.0, np.nan, np.inf], x])
    for args in (shapes, (*shapes, 0.1, 1.5)):
        for method in ("cdf", "sf", "logcdf", "logsf"):
            with np.errstate(all="ignore"):
                found, expected = (getattr(s, method)(around, *args) for s in (ours, scipys))
            # SciPy's angles above are 1 less those below.
            rtol = 1e-9 if name == "vonmises" else 1e-11
            np.testing.assert_allclose(found, expected, rtol=1e-7 if method == "logcdf" else rtol)


@pytest.mark.parametrize("name", HAVE_QUANTILES)
def test_quantiles_are_scipys(name):
    _, shapes = CONTINUOUS[name]
    ours, scipys = getattr(tj.stats, name), getattr(scipy.stats, name)
    q = np.concatenate([EXACT_TAIL, [0.0, 1.0, -0.5, 2.0, np.nan]])
    for args in (shapes, (*shapes, 0.1, 1.5)):
        for method in ("ppf", "isf"):
            with np.errstate(all="ignore"):
                found, expected = (getattr(s, method)(q, *args) for s in (ours, scipys))
            if name in ("halfnorm", "f"):  # SciPy's go through (1 + q) / 2 and 1 - q
                found, expected = found[1:], expected[1:]
            # That of t is a difference from the middle, of what SciPy's betaincinv gives for plain arrays.
            near_zero = 1e-11 if name == "t" else 1e-15
            np.testing.assert_allclose(found, expected, rtol=1e-10, atol=near_zero, err_msg=method)


@pytest.mark.parametrize("name", OF_NUMBERS)
def test_the_slope_is_the_density(name):
    x, shapes = CONTINUOUS[name]
    ours = getattr(tj.stats, name)
    density = ours.pdf(x, *shapes, 0.01, 1.1)
    for method, expected in (("cdf", density), ("sf", -density)):
        function = getattr(ours, method)
        found = tj.grad(lambda x, f=function: np.sum(f(x, *shapes, 0.01, 1.1)))(x)
        np.testing.assert_allclose(found, expected, rtol=1e-8)


@pytest.mark.parametrize("name", OF_NUMBERS)
@pytest.mark.parametrize("method", ["logcdf", "logsf", "ppf", "isf"])
def test_derivatives_in_all_arguments_are_slopes(name, method):
    if method in ("ppf", "isf") and name not in HAVE_QUANTILES:
        pytest.skip(f"{name} has no quantiles")
    x, shapes = CONTINUOUS[name]
    at = np.array([0.2, 0.6, 0.9]) if method in ("ppf", "isf") else x
    args = (*shapes, 0.01, 1.1)

    def total(*args):
        return np.sum(getattr(tj.stats, name).__dict__[method].__func__(at, *args))

    found = tj.grad(total, argnums=tuple(range(len(args))))(*args)
    for i, slope in enumerate(found):
        ahead, behind = (total(*args[:i], args[i] + h, *args[i + 1 :]) for h in (1e-6, -1e-6))
        np.testing.assert_allclose(slope, (ahead - behind) / 2e-6, rtol=1e-5, atol=1e-7)


def exact_angle_below(t, kappa):
    """Relative to the density at t, since the integration's tolerance is absolute."""
    cuts = [t - min(1, 20 / kappa) * mpmath.mpf(k) ** 2 / 8 for k in range(20)]
    cuts = [max(cut, -mpmath.pi) for cut in reversed(cuts)]
    part = mpmath.quad(lambda v: mpmath.exp(kappa * (mpmath.cos(v) - mpmath.cos(t))), [-mpmath.pi, *cuts])
    return part * mpmath.exp(kappa * mpmath.cos(t)) / (2 * mpmath.pi * mpmath.besseli(0, kappa))


@pytest.mark.parametrize("kappa", [0.05, 2.5, 60.0, 2000.0])
def test_of_angles_both_tails_keep_their_digits(kappa):
    """SciPy's cdf is that of a normal distribution from kappa = 50 on."""
    z = np.array([-3.1, -2.0, -0.5, -0.04, 0.0, 0.04])
    with mpmath.workdps(20):
        exact = np.array([float(exact_angle_below(mpmath.mpf(t), mpmath.mpf(kappa))) for t in z])
    np.testing.assert_allclose(tj.stats.vonmises.cdf(z, kappa), exact, rtol=1e-12)
    np.testing.assert_allclose(tj.stats.vonmises.sf(-z, kappa), exact, rtol=1e-12)
    h = 1e-4 * kappa
    ahead, behind = (tj.stats.vonmises.cdf(z, k) for k in (kappa + h, kappa - h))
    slope = tj.grad(lambda k: np.sum(tj.stats.vonmises.cdf(z[1:4], k)))(kappa)
    np.testing.assert_allclose(slope, np.sum((ahead - behind)[1:4]) / (2 * h), rtol=1e-5)


@pytest.mark.parametrize(
    ("a", "b"), [(40.0, 41.0), (-41.0, -40.0), (-1e-9, 1e-9), (-np.inf, 0.5), (3.0, np.inf)]
)
def test_truncated_normal_numbers_have_relative_precision(a, b):
    low, high = max(a, -45.0), min(b, 45.0)
    z = low + np.array([1e-3, 0.3, 0.9]) * (high - low)
    with mpmath.workdps(60):
        edges = [-mpmath.ncdf(-v) if v > 0 else mpmath.ncdf(v) for v in (a, b)]
        parts = [-mpmath.ncdf(-v) if v > 0 and a > 0 else mpmath.ncdf(v) for v in z]
        edges[1] += 1 if b > 0 and a <= 0 else 0
        exact = np.array([float((part - edges[0]) / (edges[1] - edges[0])) for part in parts])
    np.testing.assert_allclose(tj.stats.truncnorm.cdf(z, a, b), exact, rtol=1e-11)
    np.testing.assert_allclose(tj.stats.truncnorm.sf(-z, -b, -a), exact, rtol=1e-11)
    outside = np.array([a - 1.0, b + 1.0]) if np.isfinite(a + b) else np.array([-np.inf, np.inf])
    assert tj.stats.truncnorm.cdf(outside, a, b).tolist() == [0.0, 1.0]


@pytest.mark.parametrize(("a", "b"), [(-1.0, 2.0), (0.5, 1.5), (-3.0, -2.0)])
def test_at_its_ends_a_truncated_normal_number_is_certain(a, b):
    ends = np.array([a, b])
    for method in ("cdf", "sf", "logcdf", "logsf"):
        expected = getattr(scipy.stats.truncnorm, method)(ends, a, b)
        np.testing.assert_array_equal(getattr(tj.stats.truncnorm, method)(ends, a, b), expected)


def test_outside_of_the_support_slopes_are_zero_and_senseless_parameters_give_nan():
    slopes = tj.grad(lambda x, a: np.sum(tj.stats.gamma.cdf(x, a)), argnums=(0, 1))(
        np.array([-3.0, -1.0]), 2.0
    )
    assert not np.any(slopes[0])
    assert slopes[1] == 0
    assert np.isnan(tj.stats.expon.cdf(1.0, scale=-1.0))
    assert np.isnan(tj.stats.gamma.ppf(0.5, -2.0))


def test_single_precision_stays():
    x = np.array([0.5, 1.5], np.float32)
    assert tj.stats.gamma.cdf(x, 2.0).dtype == np.float32
    assert tj.jit(lambda x: tj.stats.norm.ppf(x * 0.5))(x).dtype == np.float32


@pytest.mark.parametrize("name", OF_COUNTS)
def test_those_of_counts_are_scipys(name):
    _, (*shapes, last), _ = DISCRETE[name]
    ours, scipys = getattr(tj.stats, name), getattr(scipy.stats, name)
    k = np.array([-1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 2.9, 7.0, 40.0, np.nan])
    for method in ("cdf", "sf", "logcdf", "logsf"):
        with np.errstate(all="ignore"):
            found, expected = (getattr(s, method)(k, *shapes, last, 1) for s in (ours, scipys))
        np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-15)
    slope = tj.grad(lambda s: np.sum(ours.cdf(k[:-1], *shapes, s)))(last)
    ahead, behind = (np.sum(scipys.cdf(k[:-1], *shapes, last + h)) for h in (1e-6, -1e-6))
    np.testing.assert_allclose(slope, (ahead - behind) / 2e-6, rtol=1e-6)


@pytest.mark.parametrize("name", [name for name in OF_COUNTS if hasattr(getattr(tj.stats, name), "ppf")])
def test_quantiles_of_counts_are_scipys(name):
    _, shapes, _ = DISCRETE[name]
    ours, scipys = getattr(tj.stats, name), getattr(scipy.stats, name)
    q = np.array([0.0, 1e-9, 0.1, 0.5, 0.99, 1.0, -1.0, np.nan])
    with np.errstate(all="ignore"):
        found, expected = (s.ppf(q, *shapes) for s in (ours, scipys))
    np.testing.assert_array_equal(found[1:], expected[1:])
