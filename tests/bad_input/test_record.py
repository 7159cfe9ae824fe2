"""Records that are used wrongly or interrupted: `backward`, leaves, exceptions, threads."""

import gc
import threading
import weakref

import numpy as np
import pytest
from expected_error import error_at_line

import tapejit as tj

NOT_IN_GRAPH = "not in a computational graph"


def leaf(values):
    x = tj.array(values)
    x.attach_grad()
    return x


def recorded_square(x):
    with tj.record():
        return x * x


def test_backward_twice():
    x = leaf([1.0, 2.0])
    y = recorded_square(x)
    y.backward()
    with pytest.raises(RuntimeError, match=NOT_IN_GRAPH):
        y.backward()
    np.testing.assert_array_equal(x.grad, [2.0, 4.0])


def test_backward_twice_with_the_graph_retained():
    x = leaf([1.0, 2.0])
    y = recorded_square(x)
    y.backward(retain_graph=True)
    x.grad[:] = 0.0
    y.backward()
    np.testing.assert_array_equal(x.grad, [2.0, 4.0])


def test_backward_of_what_was_not_recorded():
    with pytest.raises(RuntimeError, match=NOT_IN_GRAPH):
        (leaf([1.0]) * 2).backward()


def test_backward_of_what_depends_on_no_leaf():
    with tj.record():
        y = tj.ones(2) * 2
    with pytest.raises(RuntimeError, match=NOT_IN_GRAPH):
        y.backward()


@pytest.mark.parametrize("values", [[1, 2], [True, False]])
def test_integer_leaf(values):
    x = tj.array(values)
    with error_at_line(TypeError, "no derivative", "astype"):
        x.attach_grad()


def test_unknown_grad_req():
    with pytest.raises(ValueError, match="'write', 'add' or 'null', got 'overwrite'"):
        tj.ones(2).attach_grad("overwrite")


def test_exception_restores_the_state_and_frees_what_was_recorded():
    x = leaf([1.0, 2.0])
    seen = []

    def interrupted():
        with tj.record():
            y = x * 2
            seen.append(weakref.ref(y))
            raise KeyError("user's own")

    with pytest.raises(KeyError):
        interrupted()
    gc.collect()
    assert not tj.is_recording()
    assert not tj.is_training()
    assert seen[0]() is None
    recorded_square(x).backward()
    np.testing.assert_array_equal(x.grad, [2.0, 4.0])


def test_exception_in_nested_scopes_restores_each():
    with tj.record():
        with pytest.raises(KeyError), tj.pause(), tj.train_mode():
            raise KeyError
        assert tj.is_recording()
        assert tj.is_training()
    assert not tj.is_recording()


def test_exception_in_a_decorated_function_leaves_nothing_behind():
    @tj.grad
    def sometimes(x, fail):
        y = np.sum(x * x)
        if fail:
            raise KeyError("user's own")
        return y

    with pytest.raises(KeyError, match="user's own"):
        sometimes(np.ones(2), True)
    assert not tj.is_recording()
    np.testing.assert_array_equal(sometimes(np.ones(2), False), [2.0, 2.0])


def test_arrays_that_survive_an_exception_can_still_be_used():
    x = leaf([1.0, 2.0])
    kept = []

    def interrupted():
        with tj.record():
            kept.append(x * x)
            raise KeyError

    with pytest.raises(KeyError):
        interrupted()
    kept[0].backward()
    np.testing.assert_array_equal(x.grad, [2.0, 4.0])


def test_two_threads_record_at_once():
    meet = threading.Barrier(2, timeout=30)
    wrong = []

    def work(factor: float) -> None:
        x = leaf(np.arange(5.0))
        for step in range(100):
            with tj.record():
                y = x * x
                if step < 10:
                    meet.wait()  # both are in the middle of a record
                z = (y * (factor * step)).sum()
            z.backward()
            if not np.array_equal(x.grad, 2 * factor * step * np.arange(5.0)):
                wrong.append((factor, step))

    threads = [threading.Thread(target=work, args=(factor,)) for factor in (1.0, 3.0)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert not tj.is_recording()


def test_record_of_one_thread_does_not_switch_on_another():
    states = []
    with tj.record():
        thread = threading.Thread(target=lambda: states.append((tj.is_recording(), tj.is_training())))
        thread.start()
        thread.join()
    assert states == [(False, False)]


def test_value_that_another_thread_still_records():
    shared, recorded, done = [], threading.Event(), threading.Event()
    x = leaf([1.0, 2.0])

    def work() -> None:
        with tj.record():
            shared.append(x * 3)
            recorded.set()
            done.wait(30)

    thread = threading.Thread(target=work)
    thread.start()
    recorded.wait(30)
    with pytest.raises(RuntimeError, match="still being recorded by another thread"):
        shared[0].asnumpy()
    done.set()
    thread.join()
    np.testing.assert_array_equal(shared[0].asnumpy(), [3.0, 6.0])
