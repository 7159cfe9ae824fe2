"""Log densities against SciPy's, their derivatives against differences, supports and parameters."""

import numpy as np
import pytest
import scipy.stats

import tapejit as tj

pytestmark = pytest.mark.usefixtures("interpreted")

REAL, POSITIVE, UNIT = (
    np.array([-2.3, -0.4, 0.7, 3.1]),
    np.array([0.2, 0.9, 1.7, 4.0]),
    np.array([0.1, 0.3, 0.8]),
)
CONTINUOUS = {
    "norm": (REAL, ()),
    "cauchy": (REAL, ()),
    "laplace": (REAL, ()),
    "logistic": (REAL, ()),
    "gumbel_r": (REAL, ()),
    "gumbel_l": (REAL, ()),
    "t": (REAL, (3.5,)),
    "gennorm": (REAL, (1.4,)),
    "vonmises": (REAL, (2.5,)),
    "uniform": (UNIT, ()),
    "expon": (POSITIVE, ()),
    "halfnorm": (POSITIVE, ()),
    "halfcauchy": (POSITIVE, ()),
    "rayleigh": (POSITIVE, ()),
    "lognorm": (POSITIVE, (0.8,)),
    "gamma": (POSITIVE, (2.3,)),
    "invgamma": (POSITIVE, (2.3,)),
    "chi2": (POSITIVE, (3.2,)),
    "weibull_min": (POSITIVE, (1.6,)),
    "f": (POSITIVE, (3.0, 5.5)),
    "pareto": (1.5 + POSITIVE, (2.2,)),
    "beta": (UNIT, (1.3, 2.4)),
    "truncnorm": (UNIT, (-0.3, 1.2)),
}
COUNTS = np.array([1.0, 2.0, 4.0])
DISCRETE = {
    "bernoulli": (np.array([0.0, 1.0]), (0.3,), 0),
    "binom": (COUNTS, (6.0, 0.3), 1),
    "poisson": (COUNTS, (2.7,), 0),
    "geom": (COUNTS, (0.3,), 0),
    "nbinom": (COUNTS, (3.5, 0.4), 0),
    "betabinom": (COUNTS, (6.0, 1.5, 2.5), 1),
}


def differences(f, args, i, h=1e-6):
    ahead, behind = (f(*args[:i], args[i] + s * h, *args[i + 1 :]) for s in (1, -1))
    return (ahead - behind) / (2 * h)


@pytest.mark.parametrize("name", CONTINUOUS)
def test_continuous_densities_are_scipys(name):
    x, shapes = CONTINUOUS[name]
    ours, scipys = getattr(tj.stats, name), getattr(scipy.stats, name)
    around = np.concatenate([[-np.inf, -30.0, -1.0, 0.0, 1.0, 2.0, np.nan, 30.0], x])
    if name in ("lognorm", "invgamma", "rayleigh", "halfcauchy", "vonmises"):
        around = around[np.isnan(around) | (np.isfinite(around) & (around != 0))]
    for args in (shapes, (*shapes, 0.1, 1.5)):
        with np.errstate(all="ignore"):
            np.testing.assert_allclose(ours.logpdf(around, *args), scipys.logpdf(around, *args), rtol=1e-11)
            np.testing.assert_allclose(ours.pdf(x, *args), scipys.pdf(x, *args), rtol=1e-11)


@pytest.mark.parametrize("name", CONTINUOUS)
def test_derivatives_in_all_arguments_are_slopes(name):
    x, shapes = CONTINUOUS[name]
    args = (x, *shapes, 0.01, 1.1)

    def total(*args):
        return np.sum(getattr(tj.stats, name).logpdf(*args))

    found = tj.grad(total, argnums=tuple(range(len(args))))(*args)
    for i in range(1, len(args)):
        np.testing.assert_allclose(found[i], differences(total, args, i), rtol=1e-6, atol=1e-8)
    each = (getattr(scipy.stats, name).logpdf(x + h, *args[1:]) for h in (1e-6, -1e-6))
    np.testing.assert_allclose(found[0], np.subtract(*each) / 2e-6, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize(
    "name", ["expon", "gamma", "beta", "lognorm", "weibull_min", "pareto", "truncnorm", "f"]
)
def test_outside_of_the_support_every_derivative_is_zero(name):
    shapes = CONTINUOUS[name][1]
    args = (np.array([-3.0, -np.inf]), *shapes, 0.0, 2.0)
    value, found = tj.value_and_grad(
        lambda *args: np.sum(getattr(tj.stats, name).logpdf(*args)), argnums=tuple(range(len(args)))
    )(*args)
    assert value == -np.inf
    assert all(np.all(slope == 0) for slope in found)


@pytest.mark.parametrize("name", DISCRETE)
def test_discrete_densities_are_scipys(name):
    k, shapes, first = DISCRETE[name]
    ours, scipys = getattr(tj.stats, name), getattr(scipy.stats, name)
    around = np.concatenate([[-1.0, 0.0, 0.5, 7.0], k])
    np.testing.assert_allclose(ours.logpmf(around, *shapes), scipys.logpmf(around, *shapes), rtol=1e-11)
    np.testing.assert_allclose(ours.logpmf(k.astype(int) + 2, *shapes, loc=2), scipys.logpmf(k, *shapes))
    found = tj.grad(
        lambda *s: np.sum(ours.logpmf(k, *shapes[:first], *s)), argnums=tuple(range(len(shapes) - first))
    )
    for i, slope in enumerate(found(*shapes[first:]), first):
        expected = differences(lambda *s: np.sum(scipys.logpmf(k, *s)), shapes, i)
        np.testing.assert_allclose(slope, expected, rtol=1e-6)


@pytest.mark.parametrize("name", DISCRETE)
def test_a_count_that_is_nan_has_no_probability(name):
    _, shapes, _ = DISCRETE[name]
    assert np.isnan(tj.jit(getattr(tj.stats, name).logpmf)(np.nan, *shapes))


@pytest.mark.parametrize("name", CONTINUOUS)
def test_infinity_is_scipys(name):
    x, shapes = np.array([-np.inf, np.inf]), CONTINUOUS[name][1]
    found = tj.jit(lambda x: getattr(tj.stats, name).logpdf(x, *shapes))(x)
    np.testing.assert_array_equal(found, getattr(scipy.stats, name).logpdf(x, *shapes))


def test_families_of_vectors_are_scipys():
    x, mean = np.array([[0.3, -1.0], [2.0, 0.5], [0.0, 0.0]]), np.array([0.5, -0.2])
    cov = np.array([[2.0, 0.6], [0.6, 1.0]])
    expected = scipy.stats.multivariate_normal.logpdf(x, mean, cov)
    np.testing.assert_allclose(tj.stats.multivariate_normal.logpdf(x, mean, cov), expected)
    np.testing.assert_allclose(tj.jit(tj.stats.multivariate_normal.logpdf)(x[0], mean, cov), expected[0])
    slope = tj.grad(lambda m: np.sum(tj.stats.multivariate_normal.logpdf(x, m, cov)))(mean)
    np.testing.assert_allclose(slope, np.linalg.solve(cov, (x - mean).sum(0)))
    alpha, points = np.array([1.5, 2.0, 0.7]), np.array([[0.2, 0.5], [0.5, 0.1], [0.3, 0.4]])
    expected = scipy.stats.dirichlet.logpdf(points, alpha)
    np.testing.assert_allclose(tj.stats.dirichlet.logpdf(points, alpha), expected)
    np.testing.assert_allclose(tj.jit(tj.stats.dirichlet.logpdf)(points[:, 0], alpha), expected[0])


def test_single_precision_stays():
    x = np.array([0.5, 1.5], np.float32)
    for found in (tj.stats.gamma.logpdf(x, 2.0), tj.jit(lambda x: tj.stats.gamma.logpdf(x, 2.0))(x)):
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, scipy.stats.gamma.logpdf(x, 2.0), rtol=1e-5)


def test_parameters_broadcast_and_senseless_ones_give_nan():
    scale = np.array([1.0, -1.0, 0.0])
    found = tj.jit(lambda x, s: tj.stats.norm.logpdf(x, 0.0, s))(np.ones((2, 1)), scale)
    np.testing.assert_allclose(found, scipy.stats.norm.logpdf(np.ones((2, 1)), 0.0, scale))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: tj.stats.gamma.logpdf(1.0), "gamma misses its parameter a"),
        (lambda: tj.stats.norm.logpdf(1.0, 0.0, loc=1.0), "given too often or unknown: loc"),
        (lambda: tj.stats.norm.logpdf(1.0, df=1.0), "given too often or unknown: df"),
    ],
)
def test_mistakes_are_named(call, message):
    with pytest.raises(TypeError, match=message):
        call()
