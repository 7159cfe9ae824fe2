"""The tutorials' function, decorated and recorded: the gradient is d / a, whatever the number of rounds."""

import os
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest

import tapejit as tj
from tapejit import autograd, nd
from tapejit import np as mnp

SIZES = [1, 3, 100_000]
SCALES = [1.0, -1.0, 1e-300, -1e-9, 1e6]


def f(a):
    b = a * 2
    while np.linalg.norm(b) < 1000:
        b = b * 2
    return b if np.sum(b) > 0 else 100 * b


def inputs(size, scale):
    return np.random.default_rng(size).uniform(0.5, 1.5, size) * scale


def slope(a):
    return f(a)[0] / a[0]


def check_decorated(size, scales):
    decorated = tj.value_and_grad(lambda a: np.sum(f(a)))
    for scale in [*scales, *scales]:
        a = inputs(size, scale)
        value, gradient = decorated(a)
        np.testing.assert_allclose(value, np.sum(f(a)), rtol=1e-12)
        np.testing.assert_allclose(gradient, np.full(size, slope(a)), rtol=1e-15)


@pytest.mark.parametrize("size", SIZES)
def test_decorated(size):
    check_decorated(size, SCALES if size < 10 else [-1.0])


@pytest.mark.slow
def test_decorated_with_a_thousand_rounds_of_a_large_array():
    check_decorated(SIZES[-1], SCALES)


def test_any_number_of_rounds_compiles_nothing_new():
    decorated = tj.value_and_grad(lambda a: np.sum(f(a)))
    decorated(inputs(3, 1.0))
    decorated(inputs(3, -1.0))
    before, traces = tj.cache_info().compiled, decorated.memory.traces
    for scale in (1e-3, -1e-30, 1e-300, 3e-300, -1e-200):
        assert decorated(inputs(3, scale))[1][0] == slope(inputs(3, scale))
    assert (tj.cache_info().compiled, decorated.memory.traces) == (before, traces)


@pytest.mark.parametrize(("size", "weighted"), [(1, False), (3, True), (3, False), (100_000, True)])
def test_recorded_with_head_gradients(size, weighted):
    a = tj.array(inputs(size, 1.0))
    a.attach_grad()
    for scale in SCALES if size < 10 else [1.0, -1.0]:
        a[:] = inputs(size, scale)
        weights = np.linspace(1.0, 2.0, size) if weighted else np.ones(size)
        with tj.record():
            d = f(a)
        d.backward(tj.array(weights)) if weighted else d.backward()
        np.testing.assert_allclose(a.grad.asnumpy(), slope(inputs(size, scale)) * weights, rtol=1e-15)


def test_recorded_rounds_reuse_their_programs():
    a = tj.array(inputs(3, 1.0))
    a.attach_grad()

    def run(scale):
        a[:] = inputs(3, scale)
        with tj.record():
            d = f(a)
        d.backward()

    for scale in (1.0, 1.0, -1.0, -1.0):
        run(scale)
    before = tj.cache_info().compiled
    run(1e-200)
    assert tj.cache_info().compiled == before
    assert a.grad.asnumpy()[0] == slope(inputs(3, 1e-200))


@pytest.mark.parametrize("face", ["nd", "np"])
def test_in_the_words_of_the_tutorials(face):
    if face == "nd":
        a, norm = nd.random.normal(shape=(3,)), lambda b: nd.norm(b).asscalar()
        total = lambda b: b.sum().asscalar()  # noqa: E731
    else:
        a, norm = mnp.random.normal(size=3), mnp.linalg.norm
        total = lambda b: b.sum()  # noqa: E731
    a.attach_grad()
    with autograd.record():
        b = a * 2
        while norm(b) < 1000:
            b = b * 2
        d = b if total(b) > 0 else 100 * b
    d.backward()
    np.testing.assert_allclose(a.grad.asnumpy(), (d / a).asnumpy(), rtol=1e-6)


ENDLESS = """
import numpy as np, tapejit as tj

@tj.grad
def f(a):
    b = a * 2
    while np.linalg.norm(b) < 1000:
        b = b * 2
    return np.sum(b)

f(np.ones(3))
print("ready", flush=True)
try:
    f(np.zeros(3))
except KeyboardInterrupt:
    print("stopped", f(np.ones(3))[0])
"""


def test_control_c_ends_an_endless_loop():
    child = subprocess.Popen([sys.executable, "-c", ENDLESS], stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout.readline() == "ready\n"
        timer = threading.Timer(0.3, os.kill, (child.pid, signal.SIGINT))
        timer.start()
        out, _ = child.communicate(timeout=60)
        assert out == "stopped 1024.0\n"
    finally:
        child.kill()
