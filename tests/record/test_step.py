"""The builtin that records steps taken before does what the tape's methods do, and nothing else."""

import gc
import sys
import weakref

import numpy as np
import pytest

import tapejit as tj
from tapejit import nd, recording
from tapejit.engine import Engine
from tapejit.runtime.slot import offset_of
from tapejit.runtime.step import builtins_of
from tapejit.tracer.state import STATE
from tapejit.tracer.step import SLOTS
from tapejit.tracer.trie import STEP_AFTER, Trie, no_step


@pytest.fixture
def trie(monkeypatch):
    """One of its own, whose programs are interpreted and whose steps are taken by the builtin."""
    own = Trie(Engine("interpret"))
    own.step, own.finish = builtins_of(SLOTS)
    monkeypatch.setattr(recording, "TRIE", own)
    return own


@pytest.fixture
def x():
    x = tj.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    x.attach_grad()
    return x


def programs():
    yield "operators", lambda x: (x * x + x - 2.0 * x) / 3
    yield "numbers", lambda x: x * 2 + 0.5 - True * x + x * np.float64(2) + x.sum() * 2j
    yield "functions", lambda x: np.sin(x) + np.sum(x, axis=0) ** 2
    yield "views", lambda x: x.T @ x[:, 1:] + x.reshape(3, 2)[0, 1]
    yield "several results", lambda x: np.linalg.svd(x)[1] + x.shape[0]
    yield "integers", lambda x: x + tj.array([1, 2, 3]) * 7
    yield "comparisons", lambda x: np.where(x > 2, x, x < 3)
    yield "tuples and lists", lambda x: x * (1.0, 2.0, 3.0) + x * ([1.0, 2.0, 3.0],) - [1.0, 0.0, 2.0]
    yield "NumPy arrays", lambda x: x * np.arange(3.0) + np.arange(3.0) * x


@pytest.mark.parametrize(("name", "program"), list(programs()))
def test_steps_of_both_kinds_lead_to_the_same_nodes_values_and_gradients(trie, x, name, program):
    found = {}
    for kind, step in (("python", no_step), ("first", trie.step), ("again", trie.step)):
        trie.step = step
        with tj.record():
            y = program(x)
            node, tracked, type_ = STATE.tape.node, y.tracked, y.type
        y.backward(None if not y.type.is_complex else np.ones(y.shape))
        found[kind] = (node, tracked, type_, y.asnumpy().tobytes(), x.grad.asnumpy().tobytes())
    assert found["python"] == found["first"] == found["again"]


def test_a_step_is_taken_by_the_builtin(trie, x):
    with tj.record():
        y = x * x
        tape, multiply = STATE.tape, next(iter(STATE.tape.node.parent.children))[0]
        again = tape.step(tape, multiply, x, x)
        assert again is None  # not seen yet, from where the tape stands now
        x * x
    with tj.record():
        tape = STATE.tape
        again = tape.step(tape, multiply, x, x)
        assert type(again) is type(y)
        assert again._tape is tape
        assert tape.values[again._index]() is again
        assert again._view is again._leaf is again._storage is again._history is again._made is None
    np.testing.assert_array_equal(again.asnumpy(), x.asnumpy() ** 2)


@pytest.mark.parametrize(
    "number", [2**31, -(2**31) - 1, 10**30, True, 1j, np.float32(2), None, "2", [1.0], (1.0,), ([],)]
)
def test_what_needs_more_than_a_look_up_is_left_alone(trie, x, number):
    with tj.record():
        x * 2
        multiply = next(iter(STATE.tape.node.parent.children))[0]
    with tj.record():
        x + x
        tape = STATE.tape
        before = (tape.node, len(tape.values), list(tape.arguments.values))
        assert tape.step(tape, multiply, x, number) is None
        assert (tape.node, len(tape.values), list(tape.arguments.values)) == before


def test_arrays_enter_by_the_builtin_as_by_python(trie, x):
    kinds = {"variable": x, "constant": tj.array([1.0, 2.0, 3.0]), "null": tj.array([1.0]), "computed": x * 2}
    kinds["null"].attach_grad("null")
    with tj.record():
        kinds["history"] = x * 3
        kinds["history"].wait_to_read()
    for name, array in kinds.items():
        found = []
        for step in (no_step, no_step, trie.step):
            trie.step = step
            with tj.record():
                y = array * 2.0
                tape = STATE.tape
                index, source = y._index, tape.sources[0]
                found.append((name, tape.node, index, y.tracked, source, len(tape.values)))
                assert tape._entered == {id(array): 0}
                assert tape.arguments.values[0] is array._elements
                assert tape.arguments.storages == {0: array._storage}
                assert array._storage.readers[-1]() is tape.arguments
        assert found[0] == found[1] == found[2]
        assert type(source) is type(found[0][4])


def test_arrays_that_need_more_than_a_look_up_enter_by_python(trie, x):
    strided = tj.array(np.arange(12.0).reshape(3, 4))[:, ::2]
    with tj.record():
        strided * 2.0
        multiply = next(iter(STATE.tape.node.parent.children))[0]
    with tj.record():
        assert STATE.tape.step(STATE.tape, multiply, strided, 2.0) is None
        np.testing.assert_array_equal((strided * 2.0).asnumpy(), strided.asnumpy() * 2)


def test_an_array_that_was_written_to_enters_anew(trie, x):
    w = tj.array([1.0, 2.0, 3.0])
    for _ in range(3):
        with tj.record():
            y = x * w
            with recording.pause():
                w += 1.0
            y = y + x * w
        y.backward()
    np.testing.assert_array_equal(x.grad.asnumpy(), np.tile(2 * np.array([3.0, 4.0, 5.0]) + 1, (2, 1)))


def test_arrays_of_another_face_or_tape(trie, x):
    z = nd.array([1.0, 2.0, 3.0])
    with tj.record():
        pending = x * 3.0
    for _ in range(3):
        with tj.record():
            y = (x * z + pending) * x
        y.backward(retain_graph=True)
    expected = x.asnumpy()
    np.testing.assert_allclose(x.grad.asnumpy(), 2 * (z.asnumpy() + 3) * expected)


def test_nothing_leaks(trie, x):
    number, held = 123456.75, [x]

    def run():
        with tj.record():
            y = x
            for _ in range(10):
                y = np.sin(y * number + x)
            held[0] = weakref.ref(y)

    run()
    gc.collect()
    before = sys.getrefcount(number), sys.getrefcount(x), sys.getrefcount(trie.root), len(gc.get_objects())
    for _ in range(50):
        run()
    gc.collect()
    after = sys.getrefcount(number), sys.getrefcount(x), sys.getrefcount(trie.root), len(gc.get_objects())
    assert held[0]() is None
    assert before[:3] == after[:3]
    assert after[3] <= before[3] + 20  # references to traces that are gone, until they are forgotten


def test_a_trie_gets_its_builtin_after_some_traces(monkeypatch, x):
    for tier, native in (("compile", True), ("interpret", False)):
        own = Trie(Engine(tier))
        for _ in range(STEP_AFTER):
            assert own.step is no_step
            own.start()  # whether or not anything of the trace is asked for
        assert (own.step is not no_step) == native


def test_slots_are_where_their_descriptors_say():
    class Pair:
        __slots__ = ("first", "second")

    assert {offset_of(Pair.first), offset_of(Pair.second)} == {16, 24}
