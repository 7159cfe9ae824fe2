"""Arrays that change while a trace still needs them: old values are kept, or the write is refused."""

import numpy as np
import pytest
from expected_error import error_at_line

import tapejit as tj


@pytest.fixture
def x():
    array = tj.array([1.0, 2.0, 3.0])
    array.attach_grad()
    return array


def test_leaf_written_before_the_pending_trace_runs(x):
    with tj.record():
        y = x * x
    x[:] = 10.0
    y.backward()
    np.testing.assert_array_equal(y, [1.0, 4.0, 9.0])
    np.testing.assert_array_equal(x.grad, [2.0, 4.0, 6.0])


def test_leaf_written_between_forward_and_backward(x):
    with tj.record():
        y = x * x
    y.asnumpy()
    x *= 10.0
    y.backward()
    np.testing.assert_array_equal(x.grad, [2.0, 4.0, 6.0])


def test_constant_written_inside_the_record(x):
    c = tj.ones(3)
    with tj.record():
        before = x * c
        c += 5.0
        after = x * c
    after.backward(retain_graph=True)
    np.testing.assert_array_equal(before, [1.0, 2.0, 3.0])
    np.testing.assert_array_equal(x.grad, [6.0, 6.0, 6.0])


def test_numpy_array_written_by_numpy(x):
    c = np.ones(3)
    with tj.record():
        before = x * c
        c[:] = 100.0
        after = x * c
    np.testing.assert_array_equal(before, [1.0, 2.0, 3.0])
    np.testing.assert_array_equal(after, [100.0, 200.0, 300.0])


def test_write_through_a_view_of_what_is_pending(x):
    view = x[1:]
    with tj.record():
        y = x * x
    view[:] = 0.0
    y.backward()
    np.testing.assert_array_equal(x.grad, [2.0, 4.0, 6.0])
    np.testing.assert_array_equal(x, [1.0, 0.0, 0.0])


def test_leaf_written_inside_the_record(x):
    with tj.record(), error_at_line(RuntimeError, "in-place write", "outside record()"):
        x += 1.0
    with tj.record(), error_at_line(RuntimeError, "in-place write"):
        x[0] = 1.0


def test_argument_written_inside_a_decorated_function():
    @tj.grad
    def clears(x):
        x[0] = 0.0
        return np.sum(x * x)

    given = np.ones(3)
    with error_at_line(RuntimeError, "in-place write"):
        clears(given)
    np.testing.assert_array_equal(given, np.ones(3))


def test_value_written_inside_the_record(x):
    with tj.record():
        y = x * 2
        y[0] = 7.0
        y += 1.0
        z = (y * y).sum()
    z.backward()
    np.testing.assert_array_equal(y, [8.0, 5.0, 7.0])
    np.testing.assert_array_equal(x.grad, [0.0, 20.0, 28.0])


def test_write_of_another_dtype_in_place():
    n = tj.array([1, 2])
    with pytest.raises(TypeError, match="cannot write float64 into an array of int64"):
        n += 0.5


def test_gradient_buffer_stays_the_same_object(x):
    buffer = x.grad
    with tj.record():
        y = x * x
    y.backward()
    assert x.grad is buffer
    np.testing.assert_array_equal(buffer, [2.0, 4.0, 6.0])


def test_result_does_not_share_memory_with_the_argument():
    given = np.ones(3)
    value, gradient = tj.value_and_grad(np.sum)(given)
    gradient[:] = 9.0
    assert value == 3.0
    np.testing.assert_array_equal(given, np.ones(3))
