"""Decorated functions that write to their arguments: the caller sees what NumPy would show."""

import numpy as np
import pytest

import tapejit as tj
from tapejit.engine import TIER
from tapejit.tracer.errors import InPlaceError


def assign(x, y):
    x[0] = y.sum()
    return x.sum()


def add(x, y):
    x += y
    x *= 2.0
    return (x * y).sum()


def through_a_view(x, y):
    part = x[1:]
    part -= y[1:]
    np.copyto(x[:1], 7.0)
    return x.sum()


def on_one_path(x, y):
    if y[0] > 0.0:
        x[1] = y[0]
    return x.sum() + y.sum()


def in_a_loop(x, y):
    while x.sum() < 10.0:
        x += 1.0
    return x[0] * y[0]


def nothing(x, y):
    z = x.copy()
    z[0] = 0.0
    return (z * y).sum()


FUNCTIONS = (assign, add, through_a_view, on_one_path, in_a_loop, nothing)
ROWS = [np.array([1.0, 2.0, 3.0]), np.array([-1.0, 0.5, 2.0]), np.array([4.0, -4.0, 0.25])]


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("repeat", range(2))
def test_the_caller_sees_the_writes(function, repeat):
    compiled = tj.jit(function)
    for given in [*ROWS, *ROWS, *ROWS]:
        for other in ROWS:
            x, expected = given.copy(), given.copy()
            value = function(expected, other)
            assert compiled(x, other) == pytest.approx(value, rel=1e-14)
            np.testing.assert_allclose(x, expected, rtol=1e-14)


def test_writes_to_an_argument_that_is_not_differentiated():
    gradient = tj.grad(lambda w, x: (w * assign(x, w)).sum())
    w = np.array([1.0, 2.0])
    for _ in range(3):
        x = np.array([5.0, 3.0])
        np.testing.assert_allclose(gradient(w, x), [6.0 + 3.0, 6.0 + 3.0])
        np.testing.assert_array_equal(x, [3.0, 3.0])


def test_writes_to_what_is_differentiated_are_refused():
    x = np.ones(2)
    with pytest.raises(InPlaceError, match=r"test_written\.py:\d+"):
        tj.grad(assign)(x, np.ones(2))
    np.testing.assert_array_equal(x, [1.0, 1.0])


def test_writes_beside_an_overlapping_argument_are_refused_before_anything_is_written():
    compiled, x = tj.jit(add), np.arange(4.0)
    for _ in range(3):
        compiled(np.zeros(3), np.ones(3))
    with pytest.raises(InPlaceError, match="shares memory with another argument"):
        compiled(x[1:], x[:3])
    np.testing.assert_array_equal(x, np.arange(4.0))


def test_writes_to_a_leaf_of_a_tree_and_to_rows_apart():
    step = tj.jit(lambda p, rate: np.subtract(p["w"], rate * p["g"], out=p["w"]).sum())
    for _ in range(3):
        tree = {"w": np.arange(6.0)[::2], "g": np.ones(3)}
        assert step(tree, 0.5) == pytest.approx(4.5)
        np.testing.assert_array_equal(tree["w"], [-0.5, 1.5, 3.5])


def test_a_read_only_argument_is_not_written_to():
    x = np.ones(3)
    x.flags.writeable = False
    compiled = tj.jit(assign)
    with pytest.raises(ValueError, match="read-only"):
        compiled(x, np.ones(3))
    for _ in range(3):
        compiled(np.ones(3), np.ones(3))
    with pytest.raises(ValueError, match="read-only"):
        compiled(x, np.ones(3))
    np.testing.assert_array_equal(x, np.ones(3))


def test_an_array_of_ours_is_written_to_as_well():
    x = tj.array([1.0, 2.0, 3.0])
    for _ in range(3):
        assert float(tj.jit(assign)(x, tj.array([1.0, 1.0, 1.0]))) == 8.0
    np.testing.assert_array_equal(x.numpy(), [3.0, 2.0, 3.0])


MANY = 12  # calls, after which machine code answers


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_machine_code_writes_as_well(function):
    compiled = tj.jit(function)
    for k in range(MANY):
        for given in ROWS:
            x, expected = given + k, given + k
            value = function(expected, ROWS[0])
            assert compiled(x, ROWS[0]) == pytest.approx(value, rel=1e-13)
            np.testing.assert_allclose(x, expected, rtol=1e-13)
    assert compiled.memory.shortcut is not None or TIER == "interpret"


def test_machine_code_refuses_what_python_refuses():
    compiled, x = tj.jit(add), np.arange(8.0)
    for _ in range(MANY):
        compiled(np.zeros(3), np.ones(3))
    for pair in ((x[1:4], x[:3]), (x[:3], x[2:5]), (x[:3], x[:3])):
        with pytest.raises(InPlaceError, match="shares memory with another argument"):
            compiled(*pair)
    np.testing.assert_array_equal(x, np.arange(8.0))
    compiled(x[:3], x[3:6])  # side by side
    np.testing.assert_array_equal(x, [6.0, 10.0, 14.0, 3.0, 4.0, 5.0, 6.0, 7.0])
    frozen = np.ones(3)
    frozen.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        compiled(frozen, np.ones(3))
    np.testing.assert_array_equal(frozen, np.ones(3))


def test_machine_code_writes_several_arguments_of_several_types():
    @tj.jit
    def step(state, x, count):
        state["w"] -= 0.5 * x
        state["m"] *= 0.5
        count += 1
        return state["w"].sum()

    state, count = {"w": np.ones(3), "m": np.full((2, 2), 8.0, np.float32)}, np.array(0)
    expected, m = np.ones(3), np.full((2, 2), 8.0, np.float32)
    for k in range(1, MANY):
        expected, m = expected - 0.5 * ROWS[0], m * np.float32(0.5)
        assert step(state, ROWS[0], count) == pytest.approx(expected.sum())
        np.testing.assert_allclose(state["w"], expected)
        np.testing.assert_array_equal(state["m"], m)
        assert count == k


def test_a_guard_that_fails_leaves_the_argument_as_it_was():
    @tj.jit
    def clipped(x):
        x *= 2.0
        if x.sum() > 10.0:
            x -= 1.0
        return x.sum()

    for _ in range(MANY):
        for start in (1.0, 4.0):
            x = np.full(3, start)
            clipped(x)
            np.testing.assert_array_equal(x, np.full(3, 2.0 if start == 1.0 else 7.0))
