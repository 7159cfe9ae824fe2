"""A size that varies compiles two programs: one for the first size, one for all others."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from functions import CASES, MORE_CASES, halving, perceptron, softmax

import tapejit as tj
from tapejit.function import Differentiated, Jitted

SIZES = (64, 63, 9, 7, 8, 16, 17, 31, 32, 33, 50, 97, 100, 128, 200, 255, 256, 257, 500, 600)
ALL_CASES = [*CASES, *(pytest.param(name, marks=pytest.mark.slow) for name in MORE_CASES)]


def derivative(function, args, directions, step=1e-6):
    """The derivative of `function` along `directions` by central differences."""
    ahead, behind = ([x + s * d for x, d in zip(args, directions, strict=True)] for s in (step, -step))
    return (function(*ahead) - function(*behind)) / (2 * step)


def assert_right(function, args, value, gradients):
    directions = [np.cos(np.arange(x.size)).reshape(x.shape) for x in args]
    along = sum(np.sum(g * d) for g, d in zip(gradients, directions, strict=True))
    np.testing.assert_allclose(value, function(*args), rtol=1e-10)
    np.testing.assert_allclose(along, derivative(function, args, directions), rtol=2e-5, atol=1e-5)


@pytest.mark.parametrize("name", ALL_CASES)
def test_value_and_gradient(name, decorated):
    function, make = (CASES | MORE_CASES)[name]
    rng, count = np.random.default_rng(0), len(make(np.random.default_rng(0), 5))
    differentiated = Differentiated(function, tuple(range(count)), engine=decorated)
    for size in SIZES:
        args = make(rng, size)
        assert_right(function, args, *differentiated(*args))
    assert decorated.counters().compiled == 2
    assert differentiated.explain().count("sizes at run time") == len(SIZES) - 1


@pytest.mark.parametrize("dtype", [np.float32, pytest.param(np.float64, marks=pytest.mark.slow)])
def test_values(dtype, decorated):
    jitted = Jitted(lambda x: (np.cumsum(x), np.sort(x)[::-1], np.sum(x), x[:3] * 2), engine=decorated)
    for size in SIZES:
        x = np.random.default_rng(size).normal(size=size).astype(dtype)
        running, descending, total, head = jitted(x)
        np.testing.assert_allclose(running, np.cumsum(x), rtol=1e-4, atol=1e-4)
        np.testing.assert_array_equal(descending, np.sort(x)[::-1])
        np.testing.assert_allclose(total, np.sum(x), rtol=1e-4, atol=1e-4)
        np.testing.assert_array_equal(head, x[:3] * 2)
        assert running.dtype == descending.dtype == head.dtype == dtype
    assert decorated.counters().compiled == 2


def test_integers(decorated):
    jitted = Jitted(lambda x: (np.sum(x), x // 3, np.arange(len(x)) * x), engine=decorated)
    for size in SIZES:
        x = np.arange(size) - size // 2
        for found, expected in zip(jitted(x), (np.sum(x), x // 3, np.arange(size) * x), strict=True):
            np.testing.assert_array_equal(found, expected)
    assert decorated.counters().compiled == 2


def test_a_native_loop(decorated):
    differentiated = Differentiated(halving, engine=decorated)
    for size in (64, 50, 63, 100, 71, 90):  # the same number of rounds before a loop is seen
        x = np.full(size, 3.0)
        value, gradient = differentiated(x)
        assert_right(halving, (x,), value, (gradient,))
    assert decorated.counters().compiled == 2


def test_recorded_training(recorded):
    rng = np.random.default_rng(0)
    hidden, output = (tj.array(0.3 * rng.normal(size=s)) for s in ((5, 7), (7, 2)))
    for parameter in (hidden, output):
        parameter.attach_grad()
    for size in SIZES:
        x, y = rng.normal(size=(size, 5)), rng.normal(size=(size, 2))
        for _ in range(2):  # "auto" interprets a trace once
            with tj.record():
                loss = perceptron(hidden, output, tj.array(x), tj.array(y))
            loss.backward()
        args = (hidden.asnumpy(), output.asnumpy(), x, y)
        gradients = (hidden.grad.asnumpy(), output.grad.asnumpy(), *(np.zeros_like(a) for a in (x, y)))
        np.testing.assert_allclose(loss.asnumpy(), perceptron(*args), rtol=1e-12)
        directions = [np.cos(np.arange(a.size)).reshape(a.shape) for a in args[:2]]
        along = sum(np.sum(g * d) for g, d in zip(gradients, directions, strict=False))
        expected = derivative(lambda a, b, x=x, y=y: perceptron(a, b, x, y), args[:2], directions)
        np.testing.assert_allclose(along, expected, rtol=1e-6)
    assert recorded.counters().compiled == 2
    # "auto" interprets the first two sizes once each; the third finds a program that is there.
    assert recorded.counters().interpreted == (2 if recorded.tier == "auto" else 0)


def test_two_sizes_that_vary_at_once(decorated):
    differentiated = Differentiated(softmax, engine=decorated)
    for rows, columns in ((20, 10), (19, 10), (18, 11), (30, 30), (11, 18), (40, 5), (5, 40), (9, 8)):
        x = np.random.default_rng(rows).normal(size=(rows, columns))
        value, gradient = differentiated(x)
        assert_right(softmax, (x,), value, (gradient,))
    # The first, one for any number of rows, one for any number of rows and of columns.
    assert decorated.counters().compiled == 3


def test_sizes_that_were_equal_at_first(decorated):
    jitted = Jitted(lambda x, y: np.sum(x) * np.sum(y * y), engine=decorated)
    for m, n in ((6, 6), (7, 7), (8, 8), (8, 9), (20, 30), (31, 31)):
        x, y = np.arange(m) + 0.5, np.arange(n) - 0.25
        np.testing.assert_allclose(jitted(x, y), np.sum(x) * np.sum(y * y), rtol=1e-14)
    assert decorated.counters().compiled <= 4


@pytest.mark.parametrize("last", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_empty_and_single_rows_have_programs_of_their_own(last, decorated):
    differentiated = Differentiated(perceptron, (0, 1), engine=decorated)
    rng = np.random.default_rng(0)
    for size in (10, 9, 8, last):
        w, v, x, y = (rng.normal(size=s) for s in ((3, 4), (4, 2), (size, 3), (size, 2)))
        with np.errstate(invalid="ignore"):
            value, (gradient, _) = differentiated(w, v, x, y)
            hidden = np.tanh(x @ w)
            outward = (hidden @ v - y) / max(size, 1)
        np.testing.assert_allclose(gradient, x.T @ (outward @ v.T * (1 - hidden**2)), rtol=1e-10)
        assert np.isnan(value) == (size == 0)
    assert decorated.counters().compiled == 3


def test_numbers_that_are_no_sizes_are_variables_as_well(decorated):
    x = np.linspace(0.0, 1.0, 20)
    for rate in (0.1, 0.2, 0.3, 0.45):
        found = Jitted(lambda x, rate=rate: np.sum(x * rate), engine=decorated)(x)
        np.testing.assert_allclose(found, np.sum(x * rate), rtol=1e-14)
    assert decorated.counters().compiled <= 2


def test_an_exponent_is_compiled_in(decorated):
    x = np.linspace(0.5, 1.5, 20)
    for exponent in (2, 3, 5, 2):
        found = Jitted(lambda x, e=exponent: np.sum(x**e), engine=decorated)(x)
        np.testing.assert_allclose(found, np.sum(x**exponent), rtol=1e-13)


def test_threads_with_sizes_of_their_own(decorated):
    differentiated, wrong = Differentiated(softmax, engine=decorated), []

    def work(size):
        x = np.random.default_rng(size).normal(size=(size, 6))
        expected = softmax(x)
        wrong.extend(size for _ in range(20) if not np.isclose(differentiated(x)[0], expected, rtol=1e-12))

    threads = [threading.Thread(target=work, args=(size,)) for size in (12, 13, 14, 15, 16, 17)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert decorated.counters().compiled == 2
