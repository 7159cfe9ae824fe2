"""Lists and dicts that a decorated function changes are changed for the caller, as in Python."""

from collections import defaultdict, deque

import numpy as np
import pytest

import tapejit as tj

pytestmark = pytest.mark.usefixtures("interpreted")

ROW = np.array([1.0, 2.0])


def descend(parameters, gradients):
    for name in parameters:
        parameters[name] = parameters[name] - 0.5 * gradients[name]


def test_a_dict_is_given_other_items():
    for step in (descend, tj.jit(descend)):
        parameters, gradients = {"w": ROW, "b": 1.0}, {"w": np.ones(2), "b": 1.0}
        for _ in range(3):
            step(parameters, gradients)
        assert parameters["b"] == -0.5
        assert type(parameters["b"]) is float
        np.testing.assert_array_equal(parameters["w"], ROW - 1.5)


def test_items_that_come_and_go():
    @tj.jit
    def f(x, state):
        state["seen"].append(x * state.pop("scale", 3.0))
        state["last"] = x
        return state["seen"][-1].sum()

    state, seen = {"seen": [], "scale": 2.0}, []
    state["seen"] = seen
    assert [f(ROW, state), f(ROW, state)] == [6.0, 9.0]
    assert list(state) == ["seen", "last"]
    assert state["seen"] is seen
    assert state["last"] is ROW
    np.testing.assert_array_equal(seen, [ROW * 2.0, ROW * 3.0])
    assert "changes a list or a dict" in f.explain()


@pytest.mark.parametrize("made", [lambda: deque([ROW]), lambda: [ROW]], ids=["deque", "list"])
def test_sequences(made):
    f = tj.jit(lambda x, items: items.append(x + items[0]) or items[-1] * 2.0)
    items = made()
    for length in (2, 3):
        np.testing.assert_array_equal(f(ROW, items), ROW * 4.0)
        assert len(items) == length
    np.testing.assert_array_equal(items[-1], ROW * 2.0)


def test_a_way_that_changes_nothing_still_skips_the_python():
    runs = []

    @tj.jit
    def f(x, table):
        runs.append(1)
        if x[0] > 1.0:
            table["n"] = x * 2.0
        return x * 1.0

    table = defaultdict(float)
    for _ in range(3):
        f(ROW, table)
    assert (len(runs), dict(table)) == (1, {})
    f(ROW + 1.0, table)
    np.testing.assert_array_equal(table["n"], [4.0, 6.0])


@pytest.mark.parametrize("make", [np.array, tj.array], ids=["NumPy", "tapejit"])
def test_a_differentiated_dict(make):
    def loss(p):
        p["h"] = np.tanh(p["w"])
        return np.sum(p["h"])

    derivative, value = tj.grad(loss), tj.jit(loss)
    for f in 2 * [derivative] + 2 * [value]:
        p = {"w": make([0.5, 1.0])}
        w, found = p["w"], f(p)
        assert p["w"] is w
        assert type(p["h"]) is type(w)
        np.testing.assert_allclose(np.asarray(p["h"]), np.tanh([0.5, 1.0]))
        if f is derivative:
            assert list(found) == ["w"]
            np.testing.assert_allclose(np.asarray(found["w"]), 1 - np.tanh([0.5, 1.0]) ** 2)


def test_a_dict_that_is_returned_has_what_was_put_into_it():
    f = tj.jit(lambda p: p.update(double=p["w"] * 2.0) or p)
    for _ in range(2):
        found = f({"w": ROW})
        assert list(found) == ["w", "double"]
        np.testing.assert_array_equal(found["double"], ROW * 2.0)
