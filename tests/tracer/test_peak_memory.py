"""What a sweep and an update take at their peak: NumPy tells tracemalloc of every array."""

import tracemalloc

import numpy as np
import pytest

import tapejit as tj

SIZE = 100_000
ARRAY = 8 * SIZE


@pytest.fixture
def peak():
    """The most bytes that a call takes beyond what is there."""

    def measure(call):
        call()  # what is made once stays
        tracemalloc.start()
        try:
            before, _ = tracemalloc.get_traced_memory()
            call()
            return tracemalloc.get_traced_memory()[1] - before
        finally:
            tracemalloc.stop()

    return measure


def variable():
    x = tj.array(np.linspace(-1.0, 1.0, SIZE))
    x.attach_grad()
    return x


def test_the_adjoints_of_many_segments_are_not_there_together(peak):
    x = variable()
    heads = []
    for _ in range(2):
        with tj.record():
            y = x
            for _ in range(30):
                y = y * 1.01
                float(y[0])
            heads.append(y.sum())
    y = None
    assert peak(lambda: heads.pop().backward()) < 10 * ARRAY
    np.testing.assert_allclose(x.grad.numpy(), 1.01**30, rtol=1e-12)


@pytest.mark.parametrize("other", ["array", "number"])
def test_an_update_in_place_takes_no_memory(peak, other):
    x = variable()
    by = tj.array(np.full(SIZE, 0.5)) if other == "array" else 0.5

    def update():
        nonlocal x
        x -= by

    assert peak(update) < 0.1 * ARRAY
    np.testing.assert_array_equal(x.numpy(), np.linspace(-1.0, 1.0, SIZE) - 0.5 - 0.5)


def test_an_update_in_place_reads_what_it_overlaps_first():
    x = tj.array(np.arange(6.0))
    x -= x[::-1]
    assert x.tolist() == [-5.0, -3.0, -1.0, 1.0, 3.0, 5.0]


def test_an_update_in_place_leaves_a_pending_record_its_values():
    x = tj.array(np.arange(3.0))
    x.attach_grad()
    with tj.record():
        y = (x * x).sum()
    x *= 10.0
    y.backward()
    assert float(y) == 5.0
    assert x.grad.tolist() == [0.0, 2.0, 4.0]
    assert x.tolist() == [0.0, 10.0, 20.0]


@pytest.mark.parametrize(("dtype", "by"), [(np.float32, 0.1), (np.float32, 3), (np.complex128, 2.0)])
def test_an_update_by_a_number_keeps_the_type(dtype, by):
    x = tj.array(np.ones(3, dtype), dtype=dtype)
    x += by
    expected = np.ones(3, dtype)
    expected += by
    assert x.dtype == dtype
    np.testing.assert_array_equal(x.numpy(), expected)
