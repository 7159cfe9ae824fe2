"""Several threads call one decorated function at once, from its first call on."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import tapejit as tj

THREADS, CALLS = 6, 30


def branchy(x):
    total = (x * x).sum()
    for k in range(3):
        total = total * 1.5 if x[k] > 0 else total + x[k]
    return total


def looping(x):
    y = x * x + 0.1
    while y.sum() < 50:
        y = y * 1.3 if y[0] > y[1] else y + 0.7
    return (y * x).sum()


def loop_only(x):
    y = x * x + 0.1
    while y.sum() < 50:
        y = y * 1.3
    return (y * x).sum()


def together(decorated, xs):
    """The results of all calls, which begin at the same moment; per thread another order."""
    barrier = threading.Barrier(THREADS)

    def work(seed):
        order = np.random.default_rng(seed).permutation(len(xs))
        barrier.wait()
        return {k: decorated(xs[k]) for k in order}

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(work, range(THREADS)))


@pytest.mark.usefixtures("interpreted")
@pytest.mark.parametrize("function", [branchy, looping, loop_only], ids=lambda f: f.__name__)
def test_results_are_those_of_one_thread(function):
    xs = list(np.random.default_rng(0).standard_normal((CALLS, 3)))
    alone = tj.value_and_grad(function)
    expected = [alone(x) for x in xs]
    for found in together(tj.value_and_grad(function), xs):
        for k, (value, gradient) in found.items():
            np.testing.assert_allclose(value, expected[k][0], rtol=1e-12)
            np.testing.assert_allclose(gradient, expected[k][1], rtol=1e-12)


@pytest.mark.parametrize("function", [branchy, loop_only], ids=lambda f: f.__name__)
def test_a_path_is_compiled_once(function):
    xs = [np.full(3, 0.5), np.full(3, 1.5)]
    scale = np.random.default_rng().uniform(1.0, 2.0)  # a constant that no other test has compiled
    before = tj.cache_info().compiled
    decorated = tj.value_and_grad(lambda x: function(x) * np.sum(np.full(2, scale)))
    for found in together(decorated, xs):
        for k, (value, _) in found.items():
            np.testing.assert_allclose(value, function(xs[k]) * 2 * scale, rtol=1e-12)
    assert tj.cache_info().compiled - before <= decorated.memory.paths


def test_a_thread_that_fails_does_not_disturb_others():
    @tj.grad
    def f(x):
        if x.sum() < 0:
            raise ValueError("negative")
        return (x * x).sum()

    def call(sign):
        try:
            return f(np.full(3, sign))
        except ValueError:
            return None

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(call, [1.0, -1.0] * 20))
    for sign, gradient in zip([1.0, -1.0] * 20, found, strict=True):
        assert (gradient is None) == (sign < 0)
        if gradient is not None:
            np.testing.assert_array_equal(gradient, np.full(3, 2.0))
