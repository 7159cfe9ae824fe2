"""Distribution functions and quantiles against SciPy's; derivatives against densities and differences."""

import numpy as np
import pytest
import scipy.stats
from test_stats import CONTINUOUS, DISCRETE

import tapejit as tj
from tapejit.stats_tails import TAILS

pytestmark = pytest.mark.usefixtures("interpreted")
OF_NUMBERS, OF_COUNTS = ([name for name in TAILS if name in among] for among in (CONTINUOUS, DISCRETE))
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
            np.testing.assert_allclose(found, expected, rtol=1e-7 if method == "logcdf" else 1e-11)


@pytest.mark.parametrize("name", OF_NUMBERS)
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
    x, shapes = CONTINUOUS[name]
    at = np.array([0.2, 0.6, 0.9]) if method in ("ppf", "isf") else x
    args = (*shapes, 0.01, 1.1)

    def total(*args):
        return np.sum(getattr(tj.stats, name).__dict__[method].__func__(at, *args))

    found = tj.grad(total, argnums=tuple(range(len(args))))(*args)
    for i, slope in enumerate(found):
        ahead, behind = (total(*args[:i], args[i] + h, *args[i + 1 :]) for h in (1e-6, -1e-6))
        np.testing.assert_allclose(slope, (ahead - behind) / 2e-6, rtol=1e-5, atol=1e-7)


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
