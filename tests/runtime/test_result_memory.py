"""Memory of large results: kept when the array is gone, never while somebody holds it."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import tapejit as tj
from tapejit.engine import TIER
from tapejit.runtime.c_api import CApi
from tapejit.runtime.recycling import MOST_KEPT, PIECES
from tapejit.runtime.result_memory import LEAST, ResultMemory, new_result, result_memory

F64 = np.dtype("f8")
SIZE = LEAST // 8

pytestmark = pytest.mark.skipif(CApi.found() is None, reason="needs CPython's and NumPy's C interfaces")


@pytest.fixture(scope="module")
def shared():
    return ResultMemory(CApi.found())  # never freed: one for all tests


@pytest.fixture
def memory(shared):
    yield shared
    shared.clear()


def address(x):
    return x.__array_interface__["data"][0]


def test_memory_of_a_dead_array_serves_the_next_of_its_size(memory):
    first = memory.empty((SIZE,), F64)
    place = address(first)
    del first
    assert memory.kept() == LEAST
    again = memory.empty((SIZE // 4, 4), F64)
    assert address(again) == place
    assert memory.kept() == 0


def test_results_are_ordinary_arrays(memory):
    x = memory.empty((SIZE,), F64)
    assert type(x) is np.ndarray
    assert x.flags.owndata
    assert x.flags.writeable
    assert x.base is None
    x[:] = np.arange(SIZE)
    x.resize(2 * SIZE)
    np.testing.assert_array_equal(x[:SIZE], np.arange(SIZE))
    del x
    assert memory.kept() == 2 * LEAST


@pytest.mark.parametrize(
    "hold",
    [
        lambda x: x[5:7],
        lambda x: x.reshape(-1, 2).T,
        memoryview,
        np.asarray,
        lambda x: np.from_dlpack(x),
        lambda x: x.__dlpack__(),
        lambda x: np.frombuffer(x),
        lambda x: x.flat,
    ],
)
def test_nothing_is_kept_while_somebody_holds_a_part(memory, hold):
    x = memory.empty((SIZE,), F64)
    held = hold(x)
    place = address(x)
    del x
    assert memory.kept() == 0
    other = memory.empty((SIZE,), F64)
    assert address(other) != place
    del held
    assert memory.kept() == LEAST


def test_sizes_that_do_not_come_again_are_driven_out(memory):
    del [memory.empty((SIZE,), F64) for _ in range(3)][:]
    kept = memory.kept()
    others = [memory.empty((SIZE + 1 + k,), F64) for k in range(3)]
    assert kept == 3 * LEAST
    assert memory.kept() == 0
    del others


def test_what_is_kept_is_bounded(memory):
    many = [memory.empty((SIZE + k,), F64) for k in range(2 * PIECES)]
    latest = sum(x.nbytes for x in many[-PIECES:])
    while many:
        del many[0]
    assert memory.kept() == latest
    large = [memory.empty((MOST_KEPT // 24,), F64) for _ in range(4)]
    del large
    assert MOST_KEPT // 2 < memory.kept() <= MOST_KEPT
    kept = memory.kept()
    huge = memory.empty((MOST_KEPT // 8 + 1,), F64)
    del huge
    assert memory.kept() <= kept
    memory.clear()
    assert memory.kept() == 0


def test_the_users_allocator_comes_first(memory):
    theirs = ResultMemory(CApi.found())
    usual = theirs._set(theirs._handler)
    try:
        x = memory.empty((SIZE,), F64)
    finally:
        theirs._set(usual)
    del x
    assert memory.kept() == 0
    assert theirs.kept() == LEAST
    theirs.clear()


def test_no_memory_is_an_error_and_leaves_nothing_behind(memory):
    with pytest.raises(MemoryError):
        memory.empty((2**55,), F64)
    x = np.empty(SIZE)
    del x
    assert memory.kept() == 0


def test_small_results_are_none_of_its_business():
    before = result_memory().kept()
    x = new_result((10,), F64)
    del x
    assert result_memory().kept() == before


def test_a_held_result_does_not_change_and_a_dropped_one_is_used_again(large):
    f = tj.jit(lambda x: x * 2.0 + 1.0)
    first = f(large)
    expected = first.copy()
    place = address(f(large))  # gone at once
    again = f(large + 1.0)
    assert address(again) == place or TIER == "interpret"
    np.testing.assert_array_equal(first, expected)
    np.testing.assert_array_equal(again, (large + 1.0) * 2.0 + 1.0)


@pytest.fixture
def large():
    tj.release_workspaces()
    yield np.arange(float(SIZE))
    tj.release_workspaces()
    assert result_memory().kept() == 0


def test_recorded_results_and_residuals(large):
    x = tj.array(large / SIZE)
    x.attach_grad()
    seen = []
    for _ in range(4):
        with tj.record():
            y = np.sin(x) * x
            total = y.sum()
            if total > 0.0:
                total = total * 2.0
        total.backward()
        seen.append((y.asnumpy(), x.grad.asnumpy()))
        del y, total
    data = large / SIZE
    for y, grad in seen:
        np.testing.assert_allclose(y, np.sin(data) * data, rtol=1e-14)
        np.testing.assert_allclose(grad, 2 * (np.cos(data) * data + np.sin(data)), rtol=1e-13)


def test_threads_do_not_get_one_anothers_memory(large):
    f = tj.jit(lambda x: x * 3.0)
    f(large)
    wrong = []

    def work(k):
        for n in range(60):
            x = large + (k + n)
            found = f(x)
            if not np.array_equal(found, x * 3.0):
                wrong.append((k, n))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
