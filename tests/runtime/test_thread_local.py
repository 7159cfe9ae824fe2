"""Machine code reads attributes of a `threading.local` as Python does, and leaves the thread's dict alone."""

import ctypes
import sys
import threading

import numpy as np
import pytest

import tapejit as tj
from tapejit.runtime.thread_local import key_of
from tapejit.tracer.array import Array
from tapejit.tracer.state import STATE

X = np.array([0.5, 2.0])


def own_dict():
    borrowed = ctypes.PYFUNCTYPE(ctypes.c_void_p)(("PyThreadState_GetDict", ctypes.pythonapi))()
    return ctypes.cast(borrowed, ctypes.py_object).value


@pytest.fixture
def quick():
    """A decorated function after so many calls that machine code takes them."""
    function = tj.value_and_grad(lambda x: np.sum(x * x))
    for _ in range(20):
        function(X)
    return function


def in_a_thread(call):
    found = []
    thread = threading.Thread(target=lambda: found.append(call()))
    thread.start()
    thread.join()
    return found[0]


def test_the_key_leads_to_the_attributes_of_this_thread():
    key = key_of(STATE)
    if sys.version_info < (3, 13):
        assert key in own_dict()
    assert key is None or key == in_a_thread(lambda: key_of(STATE))


def test_looking_for_the_key_keeps_the_dict_of_the_thread():
    own = own_dict()
    before = sys.getrefcount(own)
    for _ in range(100):
        key_of(STATE)
    assert sys.getrefcount(own) == before


def test_a_thread_that_records_traces_the_call_and_others_do_not(quick):
    with tj.record():
        value, gradient = quick(tj.array(X))
        assert isinstance(value, Array)
        other, _ = in_a_thread(lambda: quick(X))
        assert isinstance(other, np.float64)
        assert other == 4.25
    assert float(value) == 4.25
    np.testing.assert_array_equal(gradient.numpy(), 2 * X)
    assert isinstance(quick(X)[0], np.float64)


def test_threads_that_begin_and_end_while_others_record(quick):
    def recorded_and_plain():
        with tj.record():
            inside, _ = quick(tj.array(X))
        return float(inside), [float(quick(X)[0]) for _ in range(3)]

    assert [in_a_thread(recorded_and_plain) for _ in range(5)] == [(4.25, [4.25] * 3)] * 5
