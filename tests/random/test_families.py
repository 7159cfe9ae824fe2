"""Draws of the gamma family and others: distributions, derivatives at a fixed key, transforms, arguments."""

import mpmath
import numpy as np
import pytest
import scipy.stats

import tapejit as tj
from tapejit import random
from tapejit.tracer.surface.wald import wald_quantile

N = 20_000
KEY = random.key(7)

DISTRIBUTIONS = {
    "gamma": (lambda k: random.gamma(k, 2.5, N), scipy.stats.gamma(2.5)),
    "gamma of a small shape": (lambda k: random.gamma(k, 0.1, N), scipy.stats.gamma(0.1)),
    "gamma of a large shape": (lambda k: random.gamma(k, 1e4, N), scipy.stats.gamma(1e4)),
    "loggamma": (lambda k: random.loggamma(k, 0.4, N), scipy.stats.loggamma(0.4)),
    "chisquare": (lambda k: random.chisquare(k, 3.0, N), scipy.stats.chi2(3)),
    "beta": (lambda k: random.beta(k, 0.5, 2.0, N), scipy.stats.beta(0.5, 2)),
    "t": (lambda k: random.t(k, 2.5, N), scipy.stats.t(2.5)),
    "f": (lambda k: random.f(k, 3.0, 7.0, N), scipy.stats.f(3, 7)),
    "pareto": (lambda k: random.pareto(k, 2.5, N), scipy.stats.pareto(2.5)),
    "rayleigh": (lambda k: random.rayleigh(k, 2.0, N), scipy.stats.rayleigh(scale=2)),
    "triangular": (
        lambda k: random.triangular(k, -1.0, 0.5, 3.0, N),
        scipy.stats.triang(0.375, loc=-1, scale=4),
    ),
    "wald": (lambda k: random.wald(k, 2.5, N), scipy.stats.invgauss(2.5)),
    "generalized_normal": (lambda k: random.generalized_normal(k, 1.3, N), scipy.stats.gennorm(1.3)),
    "maxwell": (lambda k: random.maxwell(k, N), scipy.stats.maxwell()),
    "double_sided_maxwell": (
        lambda k: abs(random.double_sided_maxwell(k, 0.0, 2.0, N)),
        scipy.stats.maxwell(scale=2.0),
    ),
    "dirichlet": (
        lambda k: random.dirichlet(k, np.array([0.5, 1.0, 2.0]), N)[:, 0],
        scipy.stats.beta(0.5, 3),
    ),
}


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_draws_have_their_distribution(name):
    draw, distribution = DISTRIBUTIONS[name]
    drawn = draw(KEY)
    assert drawn.shape == (N,)
    assert scipy.stats.kstest(drawn, distribution.cdf).pvalue > 1e-3
    mean, var = distribution.stats("mv")
    if np.isfinite(var) and name != "pareto":
        assert abs(drawn.mean() - mean) < 5 * np.sqrt(var / N)


def test_the_tiers_draw_the_same_numbers():
    def several(key):
        shapes = np.geomspace(1e-3, 1e5, 100)
        return (
            random.gamma(key, shapes),
            random.loggamma(key, shapes),
            random.dirichlet(key, shapes[:60:9], 5),
        )

    for found, expected in zip(tj.jit(several)(KEY), several(KEY), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-300)


def test_geometric_counts():
    trials = random.geometric(KEY, 0.3, N)
    expected = scipy.stats.geom(0.3).pmf(np.arange(1, 9))
    counts = [*np.bincount(np.minimum(trials, 9), minlength=10)[1:]]
    assert scipy.stats.chisquare(counts, N * np.append(expected, 1 - expected.sum())).pvalue > 1e-3
    np.testing.assert_array_equal(random.geometric(KEY, np.array([1.0, 0.0, 2.0, np.nan])), [1, -1, -1, -1])


def test_vectors_lie_where_they_should():
    inside = random.ball(KEY, 3, shape=N)
    assert scipy.stats.kstest(np.linalg.norm(inside, axis=-1) ** 3, "uniform").pvalue > 1e-3
    assert np.abs(inside.mean(0)).max() < 5 * np.sqrt(0.2 / N)
    turns = random.orthogonal(KEY, 3, 500)
    np.testing.assert_allclose(turns @ np.swapaxes(turns, 1, 2), np.tile(np.eye(3), (500, 1, 1)), atol=1e-14)
    assert abs(turns[:, 0, 0].mean()) < 0.15
    points = random.dirichlet(KEY, np.full(4, 1e-3), 50)
    np.testing.assert_allclose(points.sum(-1), 1.0)
    assert np.isfinite(points).all()


SMOOTH = {
    "gamma": lambda s: random.gamma(KEY, s, 4),
    "loggamma": lambda s: random.loggamma(KEY, s, 4),
    "chisquare": lambda s: random.chisquare(KEY, s, 4),
    "beta": lambda s: random.beta(KEY, s, s + 1.0, 4),
    "dirichlet": lambda s: random.dirichlet(KEY, s * np.array([0.3, 1.0, 2.0]), 3),
    "t": lambda s: random.student_t(KEY, s, 4),
    "f": lambda s: random.f(KEY, s, 2.0 * s, 4),
    "pareto": lambda s: random.pareto(KEY, s, 4),
    "rayleigh": lambda s: random.rayleigh(KEY, s, 4),
    "wald": lambda s: random.wald(KEY, s, 4),
    "triangular": lambda s: random.triangular(KEY, -s, 0.1 * s, 2.0 * s, 4),
    "generalized_normal": lambda s: random.generalized_normal(KEY, 1.0 + s, 4),
}


@pytest.mark.usefixtures("interpreted")
@pytest.mark.parametrize("name", SMOOTH)
@pytest.mark.parametrize("at", [0.3, 1.7, 40.0])
def test_derivatives_at_a_fixed_key_are_those_of_differences(name, at):
    draw = SMOOTH[name]
    weights = np.arange(1.0, draw(at).size + 1).reshape(np.shape(draw(at)))
    found = tj.grad(lambda s: np.sum(draw(s) * weights))(at)
    ahead, behind = (np.sum(draw(at * (1 + h)) * weights) for h in (1e-6, -1e-6))
    np.testing.assert_allclose(found, (ahead - behind) / (2e-6 * at), rtol=1e-6, atol=1e-7)


@pytest.mark.usefixtures("interpreted")
def test_the_gradient_of_a_mean_is_right_in_expectation():
    """d/da E[log x] is trigamma(a) for x of the gamma distribution."""
    found = tj.grad(lambda a: np.mean(np.log(random.gamma(KEY, a, N))))(1.5)
    assert abs(found - scipy.special.polygamma(1, 1.5)) < 0.03


@pytest.mark.usefixtures("interpreted")
def test_second_derivatives():
    tj.check_grads(lambda a: random.gamma(KEY, a), (np.array([0.5, 3.0]),), order=2)


def test_the_number_of_threads_changes_no_bit():
    before, found = tj.get_num_threads(), []
    try:
        for threads in (1, 2):
            tj.set_num_threads(threads)
            found.append(tj.jit(lambda k: random.gamma(k, 0.7, 50_000))(KEY))
    finally:
        tj.set_num_threads(before)
    np.testing.assert_array_equal(found[0], found[1])


@pytest.mark.usefixtures("interpreted")
def test_dtypes_shapes_and_keys_that_are_mapped():
    assert random.gamma(KEY, np.ones((2, 1), np.float32), (2, 3), np.float32).dtype == np.float32
    assert random.beta(KEY, np.ones(3), 2.0).shape == (3,)
    assert random.dirichlet(KEY, np.ones((2, 3)), (4, 2)).shape == (4, 2, 3)
    assert random.gamma(KEY, 1.0, (0, 2)).shape == (0, 2)
    assert np.isnan(random.gamma(KEY, np.array([-1.0, np.nan, 0.0]))).all()
    keys = random.split(KEY, 3)
    found = tj.vmap(lambda k, a: random.gamma(k, a, 2), in_axes=(0, 0))(keys, np.array([0.5, 1.0, 2.0]))
    expected = [random.gamma(k, a, 2) for k, a in zip(keys, (0.5, 1.0, 2.0), strict=True)]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_gamma_without_a_key_is_mxnets():
    random.seed(3)
    assert random.gamma(2.0, 1.0, shape=(2,)).shape == (2,)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: random.gamma(KEY, np.ones(3), 2), ValueError, "broadcast"),
        (lambda: random.gamma(KEY, np.ones(3), ()), ValueError, "do not broadcast to the shape asked for"),
        (lambda: random.beta(3, 1.0, 2.0), TypeError, "expected a key"),
        (lambda: random.gamma(KEY, 1j), TypeError, "parameters of distributions are real, got complex128"),
        (lambda: random.dirichlet(KEY, 1.0), ValueError, "needs a last axis of categories"),
        (lambda: random.multinomial(KEY, 3, 1.0), ValueError, "needs a last axis of categories"),
        (lambda: random.t(KEY, 2.0, dtype=np.int64), TypeError, "float64 or float32"),
    ],
)
def test_mistakes_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("compiled", [False, True])
def test_quantiles_of_inverse_gaussian_numbers_are_those_of_mpmath(compiled):
    """Far into both tails, for means from tiny to huge: F of the quantile is the probability again."""
    mean, p = (
        v.ravel()
        for v in np.meshgrid([0.01, 0.3, 2.0, 50.0, 1e6, np.inf], [1e-250, 1e-9, 0.2, 0.7, 0.999999])
    )
    quantile = tj.jit(wald_quantile) if compiled else wald_quantile.op.numpy
    for _ in range(1 + compiled):
        found = quantile(mean, p)
    with mpmath.workdps(400):
        for m, x, u in zip(mean, found, p, strict=True):
            m, x = mpmath.mpf(float(m)), mpmath.mpf(float(x))
            v, w = (x / m - 1) / mpmath.sqrt(x), (x / m + 1) / mpmath.sqrt(x)
            lower = mpmath.ncdf(v) + mpmath.exp(2 / m) * mpmath.ncdf(-w)
            slope = mpmath.exp(-v * v / 2) / mpmath.sqrt(2 * mpmath.pi * x)  # d F / d log x
            assert abs(lower - float(u)) < 1e-11 * slope + 4e-15 * float(u)


@pytest.mark.usefixtures("interpreted")
def test_inverse_gaussian_numbers_at_limits_and_to_second_order():
    found = wald_quantile.op.numpy(
        np.array([2.0, 2.0, 2.0, 2.0, 0.0, -1.0, np.nan]), np.array([0.0, 1.0, -0.1, np.nan, 0.5, 0.5, 0.5])
    )
    np.testing.assert_array_equal(found, [0.0, np.inf, *[np.nan] * 5])
    tj.check_grads(lambda m: random.wald(KEY, m, 3), (np.array([0.2, 1.0, 5.0]),), order=2)
    assert random.wald(KEY, np.ones((2, 1)), (2, 3), np.float32).dtype == np.float32
