"""Random numbers of explicit keys: distributions, independence, derivatives, transforms, errors."""

import numpy as np
import pytest
import scipy.stats

import tapejit as tj
from tapejit import random

pytestmark = pytest.mark.usefixtures("interpreted")
N = 20_000
KEY = random.key(5)

DISTRIBUTIONS = {
    "uniform": (random.uniform(KEY, N, minval=-1.0, maxval=3.0), scipy.stats.uniform(-1, 4)),
    "normal": (random.normal(KEY, N, loc=1.0, scale=2.0), scipy.stats.norm(1, 2)),
    "lognormal": (random.lognormal(KEY, N, sigma=0.5), scipy.stats.lognorm(0.5)),
    "exponential": (random.exponential(KEY, N, scale=3.0), scipy.stats.expon(scale=3)),
    "gumbel": (random.gumbel(KEY, N), scipy.stats.gumbel_r),
    "logistic": (random.logistic(KEY, N), scipy.stats.logistic),
    "laplace": (random.laplace(KEY, N), scipy.stats.laplace),
    "cauchy": (random.cauchy(KEY, N), scipy.stats.cauchy),
    "weibull": (random.weibull(KEY, 2.0, 1.5, N), scipy.stats.weibull_min(1.5, scale=2)),
    "truncated_normal": (random.truncated_normal(KEY, -1.0, 2.0, N), scipy.stats.truncnorm(-1, 2)),
}


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_draws_have_their_distribution(name):
    drawn, distribution = DISTRIBUTIONS[name]
    assert drawn.shape == (N,)
    assert drawn.dtype == np.float64
    assert scipy.stats.kstest(drawn, distribution.cdf).pvalue > 1e-3


@pytest.mark.parametrize(
    ("drawn", "probabilities"),
    [
        (random.randint(KEY, N, -2, 3) + 2, [0.2] * 5),
        (random.bernoulli(KEY, 0.3, N).astype(int), [0.7, 0.3]),
        (random.categorical(KEY, np.log([0.1, 0.6, 0.3]), shape=N), [0.1, 0.6, 0.3]),
        (random.choice(KEY, 4, N), [0.25] * 4),
        (random.choice(KEY, 3, N, p=np.array([0.5, 0.2, 0.3])), [0.5, 0.2, 0.3]),
    ],
    ids=["randint", "bernoulli", "categorical", "choice", "choice with p"],
)
def test_counts_are_those_expected(drawn, probabilities):
    counts = np.bincount(drawn, minlength=len(probabilities))
    assert scipy.stats.chisquare(counts, N * np.array(probabilities)).pvalue > 1e-3


def test_streams_of_split_and_folded_keys_are_independent():
    keys = [KEY, *random.split(KEY, 3), random.fold_in(KEY, 0), random.fold_in(KEY, 1)]
    streams = np.array([random.normal(k, N) for k in keys])
    correlation = np.corrcoef(streams) - np.eye(len(keys))
    assert np.abs(correlation).max() < 5 / np.sqrt(N)


DRAWS = {
    "normal": lambda k: random.normal(k, (3, 2)),
    "single": lambda k: random.laplace(k, 3, np.float32),
    "no shape": lambda k: random.gumbel(k),
    "empty": lambda k: random.uniform(k, (0, 3)),
    "randint": lambda k: random.randint(k, 5, -3, 4, np.int32),
    "permutation": lambda k: random.permutation(k, np.arange(6.0).reshape(3, 2)),
    "choice": lambda k: random.choice(k, np.arange(5.0), 3, replace=False),
    "weighted": lambda k: random.choice(k, 5, 2, False, np.array([0.1, 0.2, 0.3, 0.2, 0.2])),
    "multivariate": lambda k: random.multivariate_normal(k, np.zeros(2), np.array([[2.0, 0.5], [0.5, 1]]), 3),
    "split": lambda k: random.uniform(random.fold_in(random.split(k, 3)[1], 4)),
}


@pytest.mark.parametrize("name", DRAWS)
def test_transforms_draw_what_python_draws(name):
    draw, keys = DRAWS[name], random.split(KEY, 3)
    jitted = tj.jit(draw)
    for key in keys:  # the second and third call run no Python
        np.testing.assert_allclose(jitted(key), draw(key), rtol=1e-6, strict=True)
    np.testing.assert_allclose(tj.vmap(draw)(keys), [draw(key) for key in keys], rtol=1e-6)


def test_a_permutation_holds_every_element_once():
    np.testing.assert_array_equal(np.sort(random.permutation(KEY, 100)), np.arange(100))


def test_the_covariance_is_that_asked_for():
    cov = np.array([[2.0, -0.7], [-0.7, 0.5]])
    drawn = random.multivariate_normal(KEY, np.array([1.0, -1.0]), cov, N)
    np.testing.assert_allclose(np.cov(drawn.T), cov, atol=0.1)
    np.testing.assert_allclose(drawn.mean(0), [1.0, -1.0], atol=0.05)


@pytest.mark.parametrize(
    ("draw", "at"),
    [
        (lambda s: random.normal(KEY, 4, loc=s, scale=s), 1.5),
        (lambda s: random.weibull(KEY, s, 1.0 + s, 4), 0.7),
        (lambda s: random.truncated_normal(KEY, -s, s, 4), 0.8),
        (lambda s: random.uniform(KEY, 4, minval=-s, maxval=2 * s), 0.8),
        (lambda s: random.multivariate_normal(KEY, np.zeros(2), np.array([[1.0, 0.2], [0.2, 1.0]]) * s), 2.0),
    ],
)
def test_derivatives_flow_to_parameters(draw, at):
    found = tj.grad(lambda s: np.sum(draw(s) ** 2))(at)
    ahead, behind = (np.sum(draw(at + h) ** 2) for h in (1e-6, -1e-6))
    np.testing.assert_allclose(found, (ahead - behind) / 2e-6, rtol=1e-6)


def test_stateful_draws_are_new_at_every_call():
    shift = tj.jit(lambda x: x + random.uniform(shape=(3,)).asnumpy())
    random.seed(3)
    found = [shift(np.zeros(3)) for _ in range(3)]
    random.seed(3)
    np.testing.assert_array_equal(found, [random.uniform(shape=(3,)).asnumpy() for _ in range(3)])
    assert "draws random numbers without a key" in shift.explain()


def test_keyed_draws_run_no_python_again():
    def traced(key):
        runs.append(1)
        return random.normal(key, 2)

    runs = []
    jitted = tj.jit(traced)
    for key in random.split(KEY, 4):
        np.testing.assert_allclose(jitted(key), random.normal(key, 2))
    assert len(runs) == 1


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: random.split(3), TypeError, "expected a key as made by tapejit.random.key, got int"),
        (lambda: random.bits(random.split(KEY)), ValueError, "one key is needed for one draw"),
        (lambda: random.uniform(KEY, 2, np.int64), TypeError, "float64 or float32, not int64"),
        (lambda: random.randint(KEY, 2, 3, 3), ValueError, "no integer from 3"),
        (lambda: random.choice(KEY, 2, 3, replace=False), ValueError, "cannot take 3 of 2"),
        (lambda: random.fold_in(KEY, 2**70), ValueError, "at most 61 bits"),
        (lambda: len(KEY), TypeError, "a single key has no length"),
    ],
)
def test_mistakes_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call()
