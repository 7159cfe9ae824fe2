"""Calls of decorated functions go to machine code without Python: what goes by, and what does not."""

from __future__ import annotations

import copy
import gc
import inspect
import sys
import threading

import numpy as np
import pytest

import tapejit as tj
from tapejit.engine import TIER
from tapejit.runtime.c_api import CApi
from tapejit.traced_function import TracedFunction

X = np.array([1.0, 2.0, 3.0])
CALLS = 12


@pytest.fixture
def f():
    @tj.value_and_grad
    def f(x, scale=2.0):
        """What it does."""
        return np.sum(x * x) * scale

    for _ in range(CALLS):
        f(X)
    return f


def check(f, x, expected, *args, **kwargs):
    value, gradient = f(x, *args, **kwargs)
    np.testing.assert_allclose(value, np.sum(x * x) * expected)
    np.testing.assert_allclose(gradient, 2 * x * expected)


@pytest.mark.skipif(CApi.found() is None or TIER == "interpret", reason="there is no machine code")
def test_the_method_is_machine_code(f):
    assert f.memory.shortcut is not None
    assert inspect.ismethoddescriptor(TracedFunction.__call__)


def test_other_arguments_and_keywords(f):
    for _ in range(CALLS):
        check(f, X, 2.0)
        check(f, X, 3.0, 3.0)
        check(f, X, 4.0, scale=4.0)
        check(f, np.ones(5), 2.0)
        check(f, np.ones((2, 3), np.float32), 2.0)
        check(f, np.arange(6.0)[::2], 2.0)


@pytest.mark.parametrize(
    ("args", "kwargs"), [((), {}), ((X, 1.0, 2.0), {}), ((X,), {"size": 1}), (("x",), {})]
)
def test_wrong_arguments_are_the_same_errors_as_in_python(f, args, kwargs):
    fresh = tj.value_and_grad(f.__wrapped__)
    errors = []
    for function in (fresh, f):
        with pytest.raises((TypeError, ValueError)) as caught:
            function(*args, **kwargs)
        errors.append((type(caught.value), str(caught.value)))
    assert errors[0] == errors[1]
    check(f, X, 2.0)


def test_in_a_record_the_call_is_part_of_it(f):
    x = tj.array(X)
    x.attach_grad()
    for _ in range(3):
        with tj.record():
            value, _ = f(x)
            total = value * 5.0
        total.backward()
        np.testing.assert_allclose(x.grad.asnumpy(), 20.0 * X)
        check(f, X, 2.0)


def test_methods_copies_and_signatures(f):
    class Model:
        scale = 3.0

        @tj.jit
        def __call__(self, x):
            return x * self.scale

    model = Model()
    for _ in range(CALLS):
        np.testing.assert_array_equal(model(X), 3.0 * X)
    check(copy.copy(f), X, 2.0)
    assert list(inspect.signature(f).parameters) == ["x", "scale"]
    assert (f.__name__, f.__doc__) == ("f", "What it does.")
    check(f.__call__, X, 2.0)
    with pytest.raises((TypeError, AttributeError)):
        TracedFunction.__call__(len, X)


def test_functions_used_before_the_others(f):
    g = tj.jit(lambda x: x - 1.0)
    for _ in range(CALLS):
        np.testing.assert_array_equal(g(X), X - 1.0)
        check(f, X, 2.0)


def test_nothing_leaks(f):
    gc.collect()
    held = (X, f, f.memory, None, f.memory.shortcut)
    before = [sys.getrefcount(each) for each in held]
    for _ in range(1000):
        f(X)
        f(X, scale=2.0)
    gc.collect()
    after = [sys.getrefcount(each) for each in held]
    assert max(a - b for a, b in zip(after, before, strict=True)) < 100


def test_threads(f):
    wrong = []

    def work(k):
        for n in range(300):
            x = np.full(3 + (k + n) % 3, float(k))
            value, gradient = f(x)
            if value != 2.0 * np.sum(x * x) or not np.array_equal(gradient, 4.0 * x):
                wrong.append((k, n))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
