"""The first call of a decorated function runs the Python once, and one program: that of its path."""

import math

import numpy as np
import pytest

import tapejit as tj

pytestmark = pytest.mark.usefixtures("interpreted")
X = np.array([1.0, 2.0])


def runs(function, *args):
    """How many programs a call interprets."""
    before = tj.cache_info().interpreted
    function(*args)
    return tj.cache_info().interpreted - before


def test_a_straight_call_is_one_program():
    assert runs(tj.value_and_grad(lambda x: np.sum(np.sin(x) * 2.0)), X) == 1
    assert runs(tj.jit(lambda x: (np.sin(x) * 2.0, np.cos(x))), X) == 1
    assert runs(tj.grad(lambda x: (np.sum(x * x), {"squares": x * x}), has_aux=True), X) == 1


def test_what_python_looks_at_is_computed_once():
    f = tj.value_and_grad(lambda x: np.sum(x * x) if x.sum() > 0 else np.sum(x))
    assert runs(f, X) == 2  # what was looked at, and the path
    assert runs(f, X) == 1


def test_a_lost_gradient_is_an_error_of_every_call():
    f = tj.value_and_grad(lambda x: np.asarray(math.exp(float(x[0]))) * tj.array(1.0))
    for _ in range(2):
        with pytest.raises(tj.tracer.errors.ConversionError, match=r"left for Python at test_first_call\.py"):
            f(X)


def test_python_that_stays():
    seen = {}

    def f(x):
        seen[len(seen)] = 1  # read and written
        return np.sum(x * len(seen))

    decorated = tj.value_and_grad(f)
    for k in range(1, 4):
        value, gradient = decorated(X)
        np.testing.assert_allclose(value, 3.0 * k)
        np.testing.assert_allclose(gradient, [k, k])


def test_an_argument_that_is_written_to():
    def f(x, y):
        x[0] = y.sum()
        return x * 2.0

    decorated = tj.jit(f)
    for _ in range(3):
        mine, plain = X.copy(), X.copy()
        np.testing.assert_array_equal(decorated(mine, X), f(plain, X))
        np.testing.assert_array_equal(mine, plain)


def test_a_result_that_is_an_argument_or_a_constant():
    assert tj.value_and_grad(lambda x: x)(3.0) == (3.0, 1.0)
    value, gradient = tj.value_and_grad(lambda x: np.float64(2.0) + 0 * x.sum().detach())(X)
    assert value == 2.0
    np.testing.assert_array_equal(gradient, [0, 0])
    np.testing.assert_array_equal(tj.jit(lambda x: x)(X), X)


def test_an_error_in_the_path_is_the_error_of_the_call():
    f = tj.jit(lambda x: np.linalg.inv(x) * 2.0)
    for _ in range(2):
        with pytest.raises(np.linalg.LinAlgError, match=r"test_first_call\.py"):
            f(np.zeros((2, 2)))
    np.testing.assert_allclose(f(np.eye(2)), 2 * np.eye(2))


def test_stages_show_the_program_that_answers():
    f = tj.value_and_grad(lambda x: np.sum(np.sin(x) * 1.25))
    f(X)
    assert "%a" not in f.ir()
    assert f.adjoint_ir().startswith("func @<lambda>.adjoint(%x: f64[2]) -> (f64[], f64[2]) {")
    assert "f64(1.25)" in f.source()


def test_nothing_is_left_for_the_garbage_collector(monkeypatch):
    def collect(*args):
        raise AssertionError("a whole collection, which takes longer the larger the process is")

    monkeypatch.setattr("gc.collect", collect)
    tj.value_and_grad(lambda x: np.sum(np.sin(x) * 2.0))(X)
    tj.value_and_grad(lambda x: np.sum(x * x) if x.sum() > 0 else np.sum(x))(X)
