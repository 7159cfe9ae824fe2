"""Draws of counts: distributions, the same in all tiers, quantiles against SciPy's, derivatives refused."""

import numpy as np
import pytest
import scipy.stats

import tapejit as tj
from tapejit import random
from tapejit.tracer.errors import DerivativeError
from tapejit.tracer.surface import count

N = 20_000
KEY = random.key(11)
FAMILIES = {
    "poisson of a small mean": (lambda k: random.poisson(k, 0.7, N), scipy.stats.poisson(0.7)),
    "poisson": (lambda k: random.poisson(k, 12.0, N), scipy.stats.poisson(12.0)),
    "poisson of a large mean": (lambda k: random.poisson(k, 1e6, N), scipy.stats.poisson(1e6)),
    "binomial": (lambda k: random.binomial(k, 20, 0.3, N), scipy.stats.binom(20, 0.3)),
    "binomial of many": (lambda k: random.binomial(k, 5000, 0.9, N), scipy.stats.binom(5000, 0.9)),
}


@pytest.mark.parametrize("name", FAMILIES)
def test_counts_have_their_distribution(name):
    draw, distribution = FAMILIES[name]
    drawn = draw(KEY)
    assert drawn.dtype == np.int64
    edges = np.unique(distribution.ppf(np.arange(1, 20) / 20))
    expected = np.diff(np.concatenate([[0.0], distribution.cdf(edges), [1.0]]))
    found = np.bincount(np.searchsorted(edges, drawn), minlength=edges.size + 1)
    used = expected > 1e-4
    assert scipy.stats.chisquare(found[used], N * expected[used] / expected[used].sum()).pvalue > 1e-3
    assert abs(drawn.mean() - distribution.mean()) < 5 * distribution.std() / np.sqrt(N)


def test_all_tiers_draw_the_same_counts():
    means, chances = np.geomspace(1e-3, 1e7, 300), np.linspace(0.001, 0.999, 300)

    def draw(key):
        return random.poisson(key, means), random.binomial(key, 1000, chances, dtype=np.int32)

    for found, expected in zip(tj.jit(draw)(KEY), draw(KEY), strict=True):
        np.testing.assert_array_equal(found, expected, strict=True)


@pytest.mark.parametrize("mean", [1e-3, 0.3, 3.0, 30.0, 1e3, 1e8])
def test_compiled_poisson_quantiles_are_scipys(mean):
    p = np.concatenate([np.random.default_rng(0).random(200), [1e-12, 1e-100, 0.0, 1.0, np.nan]])
    found = tj.jit(lambda m, p: count.poisson_quantile(m, p))(np.full(p.size, mean), p)
    np.testing.assert_array_equal(found[:-3], scipy.stats.poisson.ppf(p, mean)[:-3])
    np.testing.assert_array_equal(found[-3:], [0.0, np.inf, np.nan])


def test_limits_are_the_same_in_all_tiers():
    values = np.array([0.0, 1.0, -1.0, np.nan, 0.5, np.inf])
    mean, p = (v.ravel() for v in np.meshgrid(values, values[:-1]))
    found = tj.jit(lambda m, p: count.poisson_quantile(m, p))(mean, p)
    np.testing.assert_array_equal(found, count.poisson_quantile.op.numpy(mean, p))
    n, chance, p = (v.ravel() for v in np.meshgrid([0.0, 5.0, 2.5, -1.0, np.nan], values, values[:-1]))
    found = tj.jit(lambda *xs: count.binomial_quantile(*xs))(n, chance, p)
    np.testing.assert_array_equal(found, count.binomial_quantile.op.numpy(n, chance, p))


@pytest.mark.parametrize("n", [1.0, 40.0, 1e4])
@pytest.mark.parametrize("chance", [0.02, 0.5, 0.97])
def test_compiled_binomial_quantiles_are_scipys(n, chance):
    p = np.concatenate([np.random.default_rng(0).random(200), [1e-12, 0.0, 1.0, np.nan]])
    operands = np.full(p.size, n), np.full(p.size, chance), p
    found = tj.jit(lambda *xs: count.binomial_quantile(*xs))(*operands)
    np.testing.assert_array_equal(found[:-3], scipy.stats.binom.ppf(p, n, chance)[:-3])
    np.testing.assert_array_equal(found[-3:], [0.0, n, np.nan])


def test_counts_fall_into_categories():
    chances = np.array([0.2, 0.5, 0.3])
    drawn = random.multinomial(KEY, 20, chances, (N,))
    assert drawn.shape == (N, 3)
    assert (drawn.sum(-1) == 20).all()
    np.testing.assert_allclose(drawn.mean(0), 20 * chances, atol=0.1)
    expected = 20 * (np.diag(chances) - np.outer(chances, chances))
    np.testing.assert_allclose(np.cov(drawn.T), expected, atol=0.2)


def test_arguments_that_make_no_sense():
    bad = np.array([0.0, -1.0, np.inf, np.nan])
    np.testing.assert_array_equal(random.poisson(KEY, bad), [0, -1, -1, -1])
    np.testing.assert_array_equal(random.poisson(KEY, bad, dtype=float), [0, np.nan, np.nan, np.nan])
    np.testing.assert_array_equal(random.binomial(KEY, np.array([0.0, 2.5, -1.0]), 0.5), [0, -1, -1])
    np.testing.assert_array_equal(random.binomial(KEY, 3, np.array([0.0, 1.0, 1.5])), [0, 3, -1])


@pytest.mark.usefixtures("interpreted")
def test_a_derivative_of_a_count_is_refused_with_the_line():
    for transform in (tj.grad, lambda f: lambda x: tj.jvp(f, (x,), (1.0,))):
        with pytest.raises(
            DerivativeError, match=r"poisson at test_counts\.py:\d+: counts have no derivative"
        ):
            transform(lambda lam: random.poisson(KEY, lam, dtype=float))(2.0)
    score = tj.grad(
        lambda lam: tj.stats.poisson.logpmf(random.poisson(KEY, tj.stop_gradient(lam), N), lam).mean()
    )
    assert abs(score(2.0)) < 0.05


def test_poisson_without_a_key_is_mxnets():
    assert random.poisson(3.0, shape=(2,)).shape == (2,)
