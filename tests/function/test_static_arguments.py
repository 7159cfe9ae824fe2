"""`static_argnums` and `static_argnames` of `jit`: what is passed, shared and refused."""

import functools
from dataclasses import dataclass

import numpy as np
import pytest

import tapejit as tj

X = np.arange(4.0)


@dataclass(frozen=True)
class Options:
    scale: float


def test_a_static_float_is_pythons_own():
    seen = []

    @functools.partial(tj.jit, static_argnums=(1,))
    def scaled(x, by):
        seen.append(type(by))
        return x * by

    for by in (2.0, 3.0, 2.0, 2.0):
        np.testing.assert_array_equal(scaled(X, by), X * by)
    assert set(seen) == {float}


def test_each_value_has_its_path_and_equal_ones_share_it():
    cut = tj.jit(lambda x, options, n: x[:n] * options.scale, static_argnums=(1, 2))
    for _ in range(3):  # options that are equal, not the same
        np.testing.assert_array_equal(cut(X, Options(1.0), 2), X[:2])
        np.testing.assert_array_equal(cut(X, Options(1.0), 3), X[:3])
        np.testing.assert_array_equal(cut(X, Options(-2.0), 3), -2.0 * X[:3])
    assert cut.explain().count("traced 1 times") == 3


def test_numbers_of_different_types_are_different():
    typed = tj.jit(lambda x, n: x if isinstance(n, bool) else x * 2 if isinstance(n, int) else x * 3, 1)
    signed = tj.jit(lambda x, zero: x * np.copysign(1.0, zero), static_argnums=1)
    for _ in range(2):
        for one, factor in ((True, 1), (1, 2), (1.0, 3)):
            np.testing.assert_array_equal(typed(X, one), X * factor)
        np.testing.assert_array_equal(signed(X, -0.0), -X)
        np.testing.assert_array_equal(signed(X, 0.0), X)


@pytest.mark.parametrize("how", [{"static_argnums": (1, -1)}, {"static_argnames": ("count", "mode")}])
def test_position_or_name(how):
    @tj.jit(**how)
    def cut(x, count, mode="front"):
        return x[:count] if mode == "front" else x[-count:]

    for _ in range(2):
        np.testing.assert_array_equal(cut(X, 2), X[:2])
        np.testing.assert_array_equal(cut(X, count=3), X[:3])
        np.testing.assert_array_equal(cut(X, 2, "back"), X[2:])
        np.testing.assert_array_equal(cut(X, 2, mode="back"), X[2:])
        np.testing.assert_array_equal(cut(x=X, count=1), X[:1])


def test_with_gradients_methods_and_inside_other_functions():
    class Model:
        scale = 2.0

        @functools.partial(tj.jit, static_argnames="power")
        def loss(self, x, power):
            return np.sum(self.scale * x**power)

    assert Model().loss(X, 2) == 28.0
    np.testing.assert_array_equal(tj.grad(lambda x: Model().loss(x, power=2))(X), 4.0 * X)
    slopes = tj.jit(tj.grad(lambda x, n: np.sum(x**n)), static_argnums=1)
    np.testing.assert_array_equal(slopes(X, 3), 3.0 * X**2)


def test_a_captured_value_that_changes_is_seen():
    rate = [1.0]
    scaled = tj.jit(lambda x, n: x * n * rate[0], static_argnums=1)
    np.testing.assert_array_equal(scaled(X, 2), 2.0 * X)
    rate[0] = 5.0
    np.testing.assert_array_equal(scaled(X, 2), 10.0 * X)


def test_the_stages_are_those_of_a_call():
    cut = tj.jit(lambda x, n: np.sin(x[:n]), static_argnums=1)
    assert "f64[2]" in cut.ir(X, 2)
    assert "sin(" in cut.source(X, 3)


@pytest.mark.parametrize("given", [[1], {"a": 1}, X, tj.array(X)])
def test_what_cannot_be_a_key_is_refused(given):
    f = tj.jit(lambda x, n: x, static_argnums=1)
    with pytest.raises(TypeError, match=r"static argument 1 of <lambda> \(test_static_arguments\.py:\d+\)"):
        f(X, given)


@pytest.mark.parametrize("how", [{"static_argnums": 2}, {"static_argnames": "z"}, {"static_argnums": -3}])
def test_arguments_that_are_not_there_are_refused(how):
    with pytest.raises(ValueError, match="has no argument"):
        tj.jit(lambda x, n: x, **how)


@pytest.mark.parametrize("how", [{"static_argnums": "n"}, {"static_argnames": 1}, {"static_argnums": True}])
def test_declarations_of_the_wrong_kind_are_refused(how):
    with pytest.raises(TypeError, match="static arguments are told by"):
        tj.jit(lambda x, n: x, **how)
