"""`vjp` and `linearize` of functions that come back: both halves run no Python, with the same results."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import tapejit as tj
from tapejit.spot import SPOTS
from tapejit.tracer.errors import DtypeError, ShapeError

X, Y = np.array([0.5, 1.0, 2.0]), np.array([[1.0, -1.0, 0.5], [2.0, 0.0, 3.0]])


@pytest.fixture(autouse=True)
def no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def functions():
    yield "elementwise", lambda x: np.sin(x) * np.exp(x), (X,)
    yield "the primal is a residual", lambda x: x * x, (X,)
    yield "the value is a residual", lambda x: np.exp(x), (X,)
    yield "nothing is saved", lambda x: 3.0 * x, (X,)
    yield "two primals", lambda x, y: y @ x + np.sum(x), (X, Y)
    yield "trees", lambda p: {"a": p["w"] * p["b"], "c": (p["w"][0],)}, ({"w": X, "b": X + 1},)
    yield "floats", lambda a, x: np.sum(a * x) * a, (1.5, X)
    yield "NumPy's scalars", lambda a, b: a * b, (np.float64(1.5), np.float64(2.0))
    yield "f32", lambda x: np.tanh(x) * x[0], (X.astype(np.float32),)
    yield "complex", lambda x: x * x * (1 + 2j), (X + 1j,)
    yield "strided", lambda x: np.cumsum(x * x), (np.arange(6.0)[::2],)
    yield "empty", lambda x: x * x, (np.empty((0, 3)),)
    yield "an argument does not matter", lambda x, y: x * 2.0, (X, Y)


def ones(tree, factor=1.0):
    import optree

    return optree.tree_map(lambda v: np.full(np.shape(v), factor, np.asarray(v).dtype), tree)


def same(found, expected):
    import optree

    found, expected = optree.tree_flatten(found), optree.tree_flatten(expected)
    assert found[1] == expected[1]
    for x, y in zip(found[0], expected[0], strict=True):
        assert (type(x), np.asarray(x).dtype) == (type(y), np.asarray(y).dtype)
        np.testing.assert_allclose(x, y, rtol=1e-6 if np.asarray(x).dtype.itemsize == 4 else 1e-14)


@pytest.mark.parametrize(("name", "function", "primals"), list(functions()))
@pytest.mark.parametrize("transform", [tj.vjp, tj.linearize])
def test_later_calls_say_the_same(transform, name, function, primals):
    def result():
        value, half = transform(function, *primals)
        factors = [1.0, 2.0, 2.0, 2.0, 2.0, -1.0]
        if transform is tj.vjp:
            return value, [half(ones(value, factor)) for factor in factors]
        return value, [half(*ones(primals, factor)) for factor in factors]

    first = result()
    for _ in range(6):
        same(result(), first)


def test_no_python_runs():
    runs = []

    def f(x, a):
        runs.append(1)
        return np.sum(np.sin(x) * a)

    for k in range(8):
        x = X + k
        for a in (2.0, 3.0 + k):
            value, pull = tj.vjp(f, x, a)
            np.testing.assert_allclose(value, np.sum(np.sin(x) * a))
            for seed in (1.0, 2.0 + k, np.float64(k)):
                by_x, by_a = pull(seed)
                np.testing.assert_allclose(by_x, seed * np.cos(x) * a)
                np.testing.assert_allclose(by_a, seed * np.sum(np.sin(x)))
    assert len(runs) <= 3


def test_paths_have_their_own_second_halves():
    def f(x):
        return np.sum(np.exp(x)) if x[0] > 0 else np.sum(x * x * np.cos(x))

    slopes = {1.0: np.exp, -1.0: lambda x: 2 * x * np.cos(x) - x * x * np.sin(x)}
    held = []
    for _ in range(6):
        for sign, slope in slopes.items():
            _, pull = tj.vjp(f, sign * X)
            held.append((pull, slope(sign * X)))
            _, push = tj.linearize(f, sign * X)
            np.testing.assert_allclose(push(X), slope(sign * X) @ X)
    for pull, expected in held:
        np.testing.assert_allclose(pull(1.0)[0], expected)


def test_what_is_written_later_does_not_reach_the_second_half():
    square, exponential = (lambda x: x * x), (lambda x: np.exp(x))
    for _ in range(6):
        for f, slope in ((square, 2 * X), (exponential, np.exp(X))):
            x = X.copy()
            value, pull = tj.vjp(f, x)
            x[:], value[:] = 100.0, 200.0
            first = pull(np.ones(3))[0]
            np.testing.assert_allclose(first, slope)
            first[:] = 300.0
            np.testing.assert_allclose(pull(np.ones(3))[0], slope)


def test_captures_that_change():
    weights = np.array([1.0, 2.0, 3.0])

    def f(x):
        return np.sum(weights * x * x)

    for k in range(6):
        weights = np.array([1.0, 2.0, 3.0]) + k
        _, pull = tj.vjp(f, X)
        expected = 2 * weights * X
        weights = weights * 0.0
        np.testing.assert_allclose(pull(1.0)[0], expected)
        weights = np.array([5.0, 6.0, 7.0])
        _, again = tj.vjp(f, X)
        np.testing.assert_allclose(again(1.0)[0], 2 * weights * X)
        np.testing.assert_allclose(pull(1.0)[0], expected)


@pytest.mark.parametrize("calls", [1, 5])
def test_errors_are_those_of_the_first_call(calls):
    def f(x):
        return x * x

    for _ in range(calls):
        _, pull = tj.vjp(f, X)
        _, push = tj.linearize(f, X)
        pull(X), push(X)
    for half in (pull, push):
        with pytest.raises(ShapeError):
            half(np.ones(4))
        with pytest.raises(DtypeError):
            half(np.ones(3, np.float32))
        with pytest.raises(TypeError):
            half([X])
        with pytest.raises(TypeError):
            half("x")
        np.testing.assert_allclose(np.asarray(half(X)).ravel(), 2 * X * X)
    with pytest.raises(TypeError, match="no derivative"):
        tj.vjp(f, np.arange(3))


def test_auxiliary_results():
    def f(x):
        return np.sum(x * x), {"twice": 2 * x, "name": "f", "count": 3}

    for _ in range(6):
        value, pull, aux = tj.vjp(f, X, has_aux=True)
        assert float(value) == float(np.sum(X * X))
        np.testing.assert_array_equal(aux["twice"], 2 * X)
        assert type(aux["twice"]) is np.ndarray
        assert (aux["name"], aux["count"]) == ("f", 3)
        np.testing.assert_allclose(pull(1.0)[0], 2 * X)


def test_second_halves_in_other_transforms_and_records():
    def f(x):
        return np.sum(np.sin(x) * x)

    slope = np.cos(X) * X + np.sin(X)
    for _ in range(5):
        _, pull = tj.vjp(f, X)
        found = tj.grad(lambda c, pull=pull: np.sum(pull(c)[0] ** 2))(2.0)
        np.testing.assert_allclose(found, 4.0 * np.sum(slope**2))
        (ours,) = pull(tj.array(3.0))
        np.testing.assert_allclose(ours.asnumpy(), 3.0 * slope)
        nested = tj.jit(lambda x: tj.vjp(f, x)[1](1.0)[0])(X)
        np.testing.assert_allclose(nested, slope)
        _, theirs = tj.vjp(f, tj.array(X))
        np.testing.assert_allclose(theirs(1.0)[0].asnumpy(), slope)


def test_functions_that_cannot_be_replayed_stay_right():
    state = {"scale": 1.0}

    def f(x):
        state["scale"] += 1.0
        return np.sum(x * state["scale"])

    for _ in range(8):
        _, pull = tj.vjp(f, X)
        np.testing.assert_allclose(pull(1.0)[0], np.full(3, state["scale"]))
    halved = SPOTS.compiled(f, ("vjp", False))
    assert len(halved._seconds) <= 2


def test_functions_of_one_trace_may_have_more_variables():
    for more in ((), (Y,), (Y, X), (np.ones(7),)):
        value, pull = tj.vjp(lambda x, *_: x * 2.5, X, *more)
        np.testing.assert_array_equal(value, 2.5 * X)
        slopes = pull(np.ones(3))
        np.testing.assert_array_equal(slopes[0], np.full(3, 2.5))
        assert [np.shape(s) for s in slopes] == [np.shape(x) for x in (X, *more)]
        assert not any(np.any(s) for s in slopes[1:])
