"""Donated arguments: results in their memory where it can be had, the same results anyway."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import tapejit as tj
from tapejit.engine import TIER
from tapejit.tracer.errors import DonationWarning

CALLS = 8  # after which machine code answers


def momentum(params, state, gradients):
    state = {k: 0.9 * state[k] + gradients[k] for k in params}
    return {k: params[k] - 0.1 * state[k] for k in params}, state


def a_tree(seed):
    random = np.random.default_rng(seed)
    return {"w": random.standard_normal((3, 4)), "b": random.standard_normal(4)}


def copied(tree):
    return {k: x.copy() for k, x in tree.items()}


def assert_equal(found, expected):
    for k in expected:
        np.testing.assert_allclose(found[k], expected[k], rtol=1e-12)


@pytest.mark.parametrize("how", [{"donate_argnums": (0, 1)}, {"donate_argnames": ("params", "state")}])
def test_results_are_the_donated_arrays(how):
    step, params, state = tj.jit(momentum, **how), a_tree(0), a_tree(1)
    for k in range(CALLS):
        gradients = a_tree(k)
        kept, expected = copied(gradients), momentum(copied(params), copied(state), gradients)
        found = step(params, state, gradients)
        for old, new, right in zip((params, state), found, expected, strict=True):
            assert_equal(new, right)
            assert all(new[name] is old[name] for name in old)
        assert_equal(gradients, kept)
        params, state = found


def test_keywords_and_a_decorator():
    @tj.jit(donate_argnames="x")
    def scaled(x, *, by):
        return x * by

    x = np.arange(3.0)
    for k in range(1, CALLS):
        assert scaled(x=x, by=2.0) is x
        np.testing.assert_array_equal(x, np.arange(3.0) * 2.0**k)


def test_results_that_read_other_elements_than_they_replace():
    turn = tj.jit(lambda x, y: (y.T + x, x[::-1] @ y), donate_argnums=(0, 1))
    for k in range(CALLS):
        x, y = np.random.default_rng(k).standard_normal((2, 5, 5))
        expected = y.T + x, x[::-1] @ y
        first, second = turn(x, y)
        np.testing.assert_allclose(first, expected[0])
        np.testing.assert_allclose(second, expected[1])
        assert first is x
        assert second is y


def test_one_array_for_two_results_and_a_result_that_is_an_argument():
    f = tj.jit(lambda x, y: (x + 1.0, y, x - 1.0), donate_argnums=(0, 1))
    for k in range(CALLS):
        x, y = np.arange(3.0) + k, np.arange(3.0) - k
        expected = x + 1.0, y.copy(), x - 1.0
        for found, right in zip(f(x, y), expected, strict=True):
            np.testing.assert_array_equal(found, right)


def frozen(x):
    x = x.copy()
    x.flags.writeable = False
    return x


@pytest.mark.parametrize("given", [frozen, lambda x: np.repeat(x, 2)[::2]], ids=["read-only", "strided"])
def test_what_cannot_be_written_to_stays_as_it_is(given):
    double = tj.jit(lambda x: 2.0 * x, donate_argnums=0)
    for _ in range(CALLS):
        double(np.ones(4))
        x = given(np.arange(4.0))
        found = double(x)
        np.testing.assert_array_equal(found, 2.0 * np.arange(4.0))
        np.testing.assert_array_equal(x, np.arange(4.0))
        assert not np.may_share_memory(found, x)


def test_an_array_that_another_argument_reads_stays_as_it_is():
    f = tj.jit(lambda x, y: x + y[::-1], donate_argnums=0)
    memory = np.arange(8.0)
    for _ in range(CALLS):
        f(np.ones(4), np.ones(4))
        for x, y in ((memory[:4], memory[:4]), (memory[:4], memory[2:6]), (memory[2:6], memory[:4])):
            np.testing.assert_array_equal(f(x, y), x + y[::-1])
    np.testing.assert_array_equal(memory, np.arange(8.0))
    both = tj.jit(lambda x, y: (x + y, x - y), donate_argnums=(0, 1))
    total, nothing = both(memory, memory)
    np.testing.assert_array_equal(total, 2.0 * np.arange(8.0))
    np.testing.assert_array_equal(nothing, np.zeros(8))


def test_donated_arrays_that_no_result_fits_are_told_of():
    f = tj.jit(lambda x, y: (x.sum(), y * 2.0), donate_argnums=(0, 1))
    x = np.ones(3)
    with pytest.warns(DonationWarning, match=r"f64\[3\]"):
        f(x, np.ones(4))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        f(x, np.ones(4))
    np.testing.assert_array_equal(x, np.ones(3))


def test_another_dtype_is_no_fit():
    f = tj.jit(lambda x: x.astype(np.float32), donate_argnums=0)
    with pytest.warns(DonationWarning, match=r"f64\[3\]"):
        assert f(np.ones(3)).dtype == np.float32


def test_a_donated_argument_that_is_written_to():
    @tj.jit(donate_argnums=0)
    def step(w, g):
        w -= 0.5 * g
        return w

    w = np.ones(3)
    for k in range(1, CALLS):
        assert step(w, np.ones(3)) is w
        np.testing.assert_array_equal(w, np.ones(3) - 0.5 * k)


def test_what_is_written_to_and_returned_is_a_new_array_if_it_is_not_donated():
    def step(w):
        w += 1.0
        return w

    compiled, w = tj.jit(step), np.zeros(3)
    found = [compiled(w) for _ in range(CALLS)]
    np.testing.assert_array_equal(np.stack(found)[:, 0], np.arange(1.0, CALLS + 1))
    np.testing.assert_array_equal(w, np.full(3, float(CALLS)))


def test_numbers_and_small_arrays_are_not_donated():
    f = tj.jit(lambda x, rate, scale: x * rate * scale, donate_argnums=(0, 1, 2))
    x = np.ones(2)
    for _ in range(CALLS):
        assert f(x, 2.0, np.array(0.5)) is x
        np.testing.assert_array_equal(x, np.ones(2))


def test_branches_take_the_memory_only_on_their_way():
    @tj.jit(donate_argnums=0)
    def f(x):
        return x + 1.0 if x.sum() > 0.0 else x - 1.0

    for k in range(CALLS):
        for start in (1.0, -1.0):
            x = np.full(3, start * (k + 1))
            assert f(x) is x
            np.testing.assert_array_equal(x, np.full(3, start * (k + 2)))


def test_an_error_leaves_donated_arguments_as_they_were():
    f = tj.jit(lambda a, b: np.linalg.solve(a, b), donate_argnums=1)
    b = np.arange(3.0)
    for _ in range(CALLS):
        f(np.eye(3), np.ones(3))
        with pytest.raises(np.linalg.LinAlgError):
            f(np.zeros((3, 3)), b)
        np.testing.assert_array_equal(b, np.arange(3.0))


def test_static_arguments_beside_donated_ones():
    f = tj.jit(lambda n, x: x * n, static_argnums=0, donate_argnums=1)
    for n in (2, 3, 2):
        for _ in range(3):
            x = np.ones(3)
            assert f(n, x) is x
            np.testing.assert_array_equal(x, np.full(3, float(n)))
    with pytest.raises(ValueError, match="static and donated"):
        tj.jit(lambda n, x: x * n, static_argnums=0, donate_argnums=(0, 1))


@pytest.mark.parametrize(
    ("how", "error", "message"),
    [
        ({"donate_argnums": 2}, ValueError, "no argument 2, which is said to be donated"),
        ({"donate_argnames": "z"}, ValueError, "no argument 'z', which is said to be donated"),
        ({"donate_argnums": "x"}, TypeError, "donated arguments are told by int"),
        ({"donate_argnums": True}, TypeError, "donated arguments are told by int"),
    ],
)
def test_mistakes(how, error, message):
    with pytest.raises(error, match=message):
        tj.jit(lambda x, y: x + y, **how)


def test_inside_another_trace_nothing_is_donated():
    inner = tj.jit(lambda x: x * 2.0, donate_argnums=0)
    outer = tj.jit(lambda x: inner(x) + x)
    for _ in range(CALLS):
        x = np.ones(3)
        np.testing.assert_array_equal(outer(x), np.full(3, 3.0))
        np.testing.assert_array_equal(x, np.ones(3))


def test_arrays_of_ours():
    double = tj.jit(lambda x: x * 2.0, donate_argnums=0)
    x = tj.array([1.0, 2.0])
    for k in range(1, CALLS):
        x = double(x)
        np.testing.assert_array_equal(x.numpy(), np.array([1.0, 2.0]) * 2.0**k)


def test_a_step_of_training_needs_no_large_array():
    @tj.jit(donate_argnums=0)
    def step(w, x, y):
        value, slope = tj.value_and_grad(lambda w: np.mean((x @ w - y) ** 2))(w)
        return w - 0.1 * slope, value

    w, x, y = np.zeros(4), np.eye(4), np.ones(4)
    place, values = w, []
    for _ in range(CALLS):
        w, value = step(w, x, y)
        values.append(float(value))
        assert w is place
    assert values == sorted(values, reverse=True)
    assert "to w in place" in step.stage("schedule") or TIER == "interpret"
