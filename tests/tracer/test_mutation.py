"""In-place writes: a pending trace and a stored residual keep the values they were recorded with."""

import numpy as np
import pytest

import tapejit as tj
from tapejit.tracer.errors import InPlaceError


def leaf(values):
    x = tj.array(values)
    x.attach_grad()
    return x


def test_writing_an_input_of_a_pending_trace():
    x = leaf([1.0, 2.0])
    with tj.record():
        y = x * x
    x[:] = 10.0
    y.backward()
    np.testing.assert_array_equal(x.grad.numpy(), [2, 4])
    np.testing.assert_array_equal(y.numpy(), [1, 4])


def test_writing_an_input_after_the_demand():
    x = leaf([1.0, 2.0])
    with tj.record():
        y = x * x
    y.numpy()
    x += 10.0
    y.backward()
    np.testing.assert_array_equal(x.grad.numpy(), [2, 4])


def test_writing_a_result_that_is_also_a_residual():
    x = leaf([1.0, 2.0])
    with tj.record():
        y = np.exp(x)
        float(y[0])
        z = y.sum()
    y[:] = 0.0
    z.backward()
    np.testing.assert_allclose(x.grad.numpy(), np.exp([1.0, 2.0]))


def test_writing_through_a_view():
    x = leaf([1.0, 2.0, 3.0])
    view = x[1:]
    with tj.record():
        y = (x * x).sum()
    view[:] = 100.0
    y.backward()
    np.testing.assert_array_equal(x.grad.numpy(), [2, 4, 6])
    np.testing.assert_array_equal(x.numpy(), [1, 100, 100])


def test_writing_between_two_uses_in_one_record():
    x = tj.array([1.0, 2.0])
    w = leaf([3.0, 4.0])
    with tj.record():
        first = (x * w).sum()
        with tj.pause():
            x[:] = 10.0
        second = (x * w).sum()
        total = first + second
    total.backward()
    np.testing.assert_array_equal(w.grad.numpy(), [11, 12])


def test_a_numpy_operand_is_read_when_it_is_used():
    data = np.array([1.0, 2.0])
    w = leaf([3.0, 4.0])
    with tj.record():
        y = (w * data).sum()
    data[:] = 100.0
    y.backward()
    np.testing.assert_array_equal(w.grad.numpy(), [1, 2])


def test_a_gradient_buffer_that_the_trace_reads():
    x = leaf([1.0, 2.0])
    with tj.record():
        y = (x * x).sum()
    y.backward()
    with tj.record():
        z = (x.grad * x).sum()
    z.backward()
    np.testing.assert_array_equal(x.grad.numpy(), [2, 4])


def test_the_head_gradient_may_be_the_buffer_that_is_written():
    x = leaf([1.0, 2.0])
    x.grad[:] = 5.0
    with tj.record():
        y = x * x
    y.backward(x.grad)
    np.testing.assert_array_equal(x.grad.numpy(), [10, 20])


def test_in_place_on_a_computed_array_inside_a_record_differentiates():
    x = leaf([1.0, 2.0, 3.0])
    with tj.record():
        y = x * 2
        same = y
        y += x
        y *= x
        y[0] = x[1] * 5.0
        z = same.sum()
    z.backward()
    np.testing.assert_array_equal(same.numpy(), [10, 12, 27])
    np.testing.assert_array_equal(x.grad.numpy(), [0, 5 + 12, 18])


@pytest.mark.parametrize(
    "index",
    [
        0,
        -1,
        slice(1, None),
        slice(None, None, 2),
        slice(None, None, -1),
        slice(2, 0, -1),
        Ellipsis,
        slice(5, 9),
        slice(0, 0),
    ],
)
def test_assignment_by_every_basic_index(index):
    x, v = leaf(np.arange(4.0) + 1), leaf([10.0])
    with tj.record():
        y = x * 1.0
        y[index] = v[0] * 2.0
        z = (y * y).sum()
    z.backward()
    eager = np.arange(4.0) + 1
    eager[index] = 20.0
    written = np.zeros(4)
    written[index] = 1.0
    np.testing.assert_array_equal(y.numpy(), eager)
    np.testing.assert_array_equal(x.grad.numpy(), 2 * eager * (1 - written))
    np.testing.assert_array_equal(v.grad.numpy(), [2 * 2 * 20.0 * written.sum()])


def test_in_place_on_a_variable_inside_a_record_is_refused():
    x = leaf([1.0, 2.0])
    with tj.record(), pytest.raises(InPlaceError, match=r"test_mutation\.py:\d+"):
        x += 1.0
    with tj.record(), pytest.raises(InPlaceError, match="outside record"):
        x[0] = 1.0


def test_in_place_keeps_the_dtype_or_refuses():
    n = tj.array([1, 2])
    with pytest.raises(TypeError, match="in place"):
        n += 0.5
    with tj.record(), pytest.raises(TypeError, match=r"in-place write at test_mutation\.py:\d+: f64"):
        n += 0.5
    n += 1
    np.testing.assert_array_equal(n.numpy(), [2, 3])


def test_read_only_sources_stay_untouched():
    data = np.array([1.0, 2.0])
    data.flags.writeable = False
    x = tj.array(data)
    x += 1.0
    np.testing.assert_array_equal(data, [1, 2])


def test_a_view_that_nobody_holds_is_no_obstacle():
    x = leaf([1.0, 2.0, 3.0])
    with tj.record():
        y = x * 1.0
        for k in range(2):
            y[k] = y[k + 1] * y[k]
        z = y.sum()
    z.backward()
    np.testing.assert_array_equal(x.grad.numpy(), [2, 1 + 3, 2 + 1])
    assert float(z) == 2 + 6 + 3
