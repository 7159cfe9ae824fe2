"""Branchy functions, decorated: values as in eager NumPy, gradients as in central differences.

Every function is called often enough that its paths are traced, learnt and replayed, in any order.
"""

import numpy as np
import pytest
from differences import central_difference

import tapejit as tj


def early_return(x):
    for i in range(5):
        if x.sum() > i:
            x = x * 0.9
        else:
            return x.sum() * 2
    return (x**2).sum()


def bisection(x):
    low, high = x[0] * 0 - 2, x[0] * 0 + 4
    while high - low > 1e-2:
        middle = (low + high) / 2
        if middle**3 > x[1]:
            high = middle
        else:
            low = middle
    return (low * x).sum()


def loop_with_break(x):
    y, count = x, 0
    while True:
        y = np.cos(y) * 1.1
        count += 1
        if (count > 3 and y.sum() < 1) or count > 8:
            break
    return (y * x).sum()


def recursion(x):
    def halve(v, depth):
        return v if depth == 0 or v.sum() < 0.1 else halve(v * 0.5, depth - 1)

    return halve(np.abs(x), 4).sum()


def filtered(x):
    positive = [v for v in x if v > 0]
    total = sum(positive) if positive else x.sum()
    return total * total


def extremes(x):
    return max(x[0], x[1]) * x[2] + min(x[1], x[2])


def chained(x):
    if (0 < x[0] < 1 and not x[1] > 0) or x[2] > 1:
        return x.prod()
    return np.sin(x).sum()


def for_else(x):
    for i in range(3):
        if x[i] > 1:
            break
    else:
        return (x * x).sum()
    return x[i] * 3.0 + x.sum()


def caught(x):
    try:
        if x[0] < 0:
            raise ValueError("negative")
        return np.sqrt(x[0]) * x[1]
    except ValueError:
        return (x[0] * x[1]) ** 2 + x[2]


def newton(x):
    y = x[0] * 0 + 1.0
    target = x[0] ** 2 + 1.0
    while np.abs(y * y - target) > 1e-8:
        y = 0.5 * (y + target / y)
    return y * x[1]


def escaped_int(x):
    y = x
    for _ in range(int(np.abs(x[1]) * 2)):
        y = y * x
    return y.sum()


def list_index(x):
    weights = (2.0, -1.0, 0.5)
    return x.sum() * weights[int(np.argmax(x))]


def tutorial(a):
    b = a * 2
    while np.linalg.norm(b) < 1000:
        b = b * 2
    return b.sum() if b.sum() > 0 else (100 * b).sum()


FUNCTIONS = [
    early_return,
    bisection,
    loop_with_break,
    recursion,
    filtered,
    extremes,
    chained,
    for_else,
    caught,
    newton,
    escaped_int,
    list_index,
    tutorial,
]


@pytest.mark.usefixtures("interpreted")
@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_values_and_gradients_on_every_path(function):
    rng = np.random.default_rng(0)
    decorated, jitted = tj.value_and_grad(function), tj.jit(function)
    for _ in range(40):
        x = rng.standard_normal(3) * 1.5
        value, gradient = decorated(x)
        np.testing.assert_allclose(value, function(x), rtol=1e-12)
        np.testing.assert_allclose(jitted(x), function(x), rtol=1e-12)
        numerical = central_difference(function, x)
        np.testing.assert_allclose(
            gradient, numerical, rtol=2e-4, atol=2e-4 * max(1, np.abs(numerical).max())
        )


@pytest.mark.parametrize("function", [early_return, tutorial], ids=lambda f: f.__name__)
def test_compiled_paths_give_what_the_interpreter_gives(function):
    rng = np.random.default_rng(1)
    decorated = tj.value_and_grad(function)
    for x in [rng.standard_normal(3) for _ in range(4)] * 3:
        value, gradient = decorated(x)
        np.testing.assert_allclose(value, function(x), rtol=1e-12)
        np.testing.assert_allclose(
            gradient, central_difference(function, x), rtol=1e-4, atol=1e-4 * max(1.0, abs(value))
        )


@pytest.mark.usefixtures("interpreted")
def test_a_known_path_does_not_run_the_python():
    runs = []

    def body(x):
        return np.sin(x).sum() if x.sum() > 0 else (x * x).sum()

    def counted(x):
        return body(x)

    decorated = tj.grad(counted)
    decorated(np.ones(3))
    assert decorated.memory.why_python is None
    original = counted.__code__
    tracer_calls = decorated._traced_call
    decorated._traced_call = lambda *a: runs.append(1) or tracer_calls(*a)
    decorated(np.full(3, 2.0))
    assert not runs, "the second call of the same path is replayed"
    decorated(-np.ones(3))
    assert runs, "another path is traced"
    assert counted.__code__ is original
