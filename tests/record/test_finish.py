"""The builtin that ends segments as others were ended before: it does what the tape does."""

from __future__ import annotations

import gc
import sys
import threading

import numpy as np
import pytest

import tapejit as tj
from tapejit import recording
from tapejit.engine import Engine
from tapejit.runtime.program import ENTRY_AFTER
from tapejit.runtime.step import builtins_of
from tapejit.tracer.errors import AutogradError
from tapejit.tracer.state import STATE
from tapejit.tracer.step import SLOTS
from tapejit.tracer.trie import Trie, no_finish, no_step

ROUNDS = ENTRY_AFTER + 4


class Counted(Trie):
    """Counts the segments that its builtin ended."""

    __slots__ = ("count",)

    def __init__(self):
        super().__init__(Engine("compile"))
        self.count = 0
        self.step, finish = builtins_of(SLOTS)

        def counted(tape):
            found = finish(tape)
            self.count += found is not None
            return found

        self.finish = counted

    def start(self):
        return self.root


@pytest.fixture(scope="module")
def shared():
    return Counted()


@pytest.fixture
def trie(shared, monkeypatch):
    shared.count = 0
    monkeypatch.setattr(recording, "TRIE", shared)
    return shared


@pytest.fixture
def x():
    x = tj.array([0.5, 1.0, 2.0])
    x.attach_grad()
    return x


def doubled(x, w):
    y = x * 2
    while np.linalg.norm(y) < 100:
        y = y * 2
    return y.sum() if y.sum() > 0 else (100 * y).sum()


def saved(x, w):
    """The backward takes what the user holds, and what nobody does."""
    y = np.exp(x * w)
    z = np.tanh(np.sin(y) * x)
    assert float(z.sum()) > -10
    assert (y > 0).all()
    return (y * z).sum()


def several(x, w):
    held = [x * k for k in range(5)]
    assert held[3].sum() > 0
    held[1:3] = []
    total = held[0] + held[1] * held[2]
    return (total * w).sum() if total.sum() > -1 else total.sum()


def constants(x, w):
    """Nothing is differentiated at the first demand."""
    z = w * w
    assert z.sum() > 0
    return (x * z).sum()


def written(x, w):
    y = x * w
    assert y.sum() > 0
    with tj.autograd.pause():
        w += 1.0
    y = y + x * w
    assert y.sum() > 0
    return y.sum()


def views(x, w):
    y = (x * 2)[1:]
    assert y.sum() > 0
    return (y * y).sum()


def leaf_inside(x, w):
    y = x * w
    y.attach_grad()
    z = y * y
    assert z.sum() > 0
    return z.sum()


def integers(x, w):
    n = np.arange(3) * tj.array([1, 2, 3])
    assert int(n.sum()) == 8
    return (x * n).sum()


PROGRAMS = {
    f.__name__: f for f in (doubled, saved, several, constants, written, views, leaf_inside, integers)
}
NOT_BY_BUILTIN = {"views"}


def outcome(program, x):
    w = tj.array([1.0, 2.0, 3.0])
    with tj.record() as recorded:
        y = program(x, w)
        tape = STATE.tape
    assert recorded is not None
    y.backward()
    return float(y), x.grad.asnumpy().tobytes(), w.asnumpy().tobytes(), tuple(tape.history)


@pytest.mark.parametrize("name", PROGRAMS)
def test_segments_of_both_kinds_have_the_same_values_and_gradients(trie, x, name):
    finish, step, trie.finish = trie.finish, trie.step, no_finish
    expected = [outcome(PROGRAMS[name], x) for _ in range(ROUNDS)][-1]
    trie.finish = finish
    for _ in range(ROUNDS):
        assert outcome(PROGRAMS[name], x) == expected
    by_builtin = trie.count
    trie.step = no_step
    assert outcome(PROGRAMS[name], x) == expected
    trie.step = step
    assert (by_builtin > 0) == (name not in NOT_BY_BUILTIN)


def test_values_of_another_number_of_arrays_alive(trie, x):
    def run(keep):
        with tj.record():
            y, z = x * 2, x * 3
            if not keep:
                del z
            assert y.sum() > 0
            total = (y * (z if keep else 3.0)).sum()
        total.backward()
        return x.grad.asnumpy()

    for k in range(3 * ROUNDS):
        data = x.asnumpy()
        expected = 12 * data if k % 3 == 0 else np.full(3, 6.0)
        np.testing.assert_allclose(run(k % 3 == 0), expected)
    assert trie.count


def test_the_graph_is_kept_or_freed_as_asked(trie, x):
    for _ in range(ROUNDS):
        with tj.record():
            y = x * x
            assert y.sum() > 0
            z = (y * x).sum()
        z.backward(retain_graph=True)
        first = x.grad.asnumpy()
        z.backward()
        np.testing.assert_array_equal(first, x.grad.asnumpy())
        with pytest.raises(AutogradError):
            z.backward()
    assert trie.count


def test_a_write_after_the_demand_does_not_reach_the_gradient(trie, x):
    for _ in range(ROUNDS):
        w = tj.array([1.0, 2.0, 3.0])
        with tj.record():
            y = np.exp(x * w)
            assert y.sum() > 0
            z = y.sum()
        expected = w.asnumpy() * np.exp(x.asnumpy() * w.asnumpy())
        w[:] = 100.0
        y[:] = -1.0
        z.backward()
        np.testing.assert_allclose(x.grad.asnumpy(), expected)
    assert trie.count


def test_an_error_of_the_program_leaves_the_record_as_it_was(trie):
    good, bad = np.eye(2) * 2.0, np.zeros((2, 2))
    a = tj.array(good)
    a.attach_grad()
    for _ in range(ROUNDS):
        with tj.record():
            inverse = np.linalg.inv(a)
            assert inverse.sum() > 0
    assert trie.count
    a[:] = bad
    with tj.record():
        inverse = np.linalg.inv(a)
        total = inverse.sum()
        for _ in range(3):
            with pytest.raises(np.linalg.LinAlgError):
                bool(total > 0)
    a[:] = good
    with tj.record():
        assert np.linalg.inv(a).sum() > 0


def test_another_threads_record_is_not_ended(trie, x):
    for _ in range(ROUNDS):
        with tj.record():
            y = x * 2
            assert y.sum() > 0
    errors = []

    def look():
        try:
            y.asnumpy()
        except AutogradError as error:
            errors.append(error)

    with tj.record():
        y = x * 2
        y.sum() > 0  # noqa: B015
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
    assert len(errors) == 1
    np.testing.assert_array_equal(y.asnumpy(), x.asnumpy() * 2)


def test_nested_and_decorated_traces_are_left_alone(trie, x):
    f = tj.value_and_grad(lambda x: doubled(x, None))
    for _ in range(3):
        _, grad = f(np.array([0.5, 1.0, 2.0]))
        with tj.record():
            y = tj.jit(lambda x: doubled(x, None))(x)
        y.backward()
        np.testing.assert_array_equal(grad, x.grad.asnumpy())


def test_nothing_leaks(trie, x):
    w = tj.array([1.0, 2.0, 3.0])

    def run():
        for program in (doubled, saved, several):
            with tj.record():
                y = program(x, w)
            y.backward()

    def counts():
        gc.collect()
        held = (x, x._elements, w, trie.root, trie, None, True, SLOTS.no_arguments, SLOTS.segment_class)
        return [sys.getrefcount(each) for each in held], len(gc.get_objects())

    for _ in range(ROUNDS):
        run()
    references, objects = counts()
    for _ in range(100):
        run()
    after, objects_after = counts()
    assert max(a - b for a, b in zip(after, references, strict=True)) < 20
    assert objects_after <= objects + 20
    assert trie.count
