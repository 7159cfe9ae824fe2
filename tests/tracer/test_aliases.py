"""Views inside a record: whatever is written through whichever array, all see what NumPy would show them."""

import gc

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tapejit as tj
from tapejit.tracer.errors import InPlaceError, ReadOnlyError

VIEWS = {
    "a row": lambda x: x[1],
    "rows": lambda x: x[1:],
    "every other": lambda x: x[..., ::2],
    "reversed": lambda x: x[::-1],
    "a new axis": lambda x: x[None],
    "transposed": lambda x: x.T,
    "in a row": lambda x: x.reshape(-1),
    "ravelled": lambda x: np.ravel(x),
    "flipped": lambda x: np.flip(x, -1),
    "swapped": lambda x: np.swapaxes(x, 0, -1),
    "moved": lambda x: np.moveaxis(x, 0, -1),
    "squeezed": lambda x: np.squeeze(x),
}


def add(x, y):
    x += np.sin(y).sum()


def multiply(x, y):
    x *= np.cos(y).mean()


def assign_all(x, y):
    x[...] = y.sum() + x * 0.5


def assign_first(x, y):
    x[0] = y.sum() * 0.25


def shift(x, y):
    x[1:] = x[:-1]


def update_slice(x, y):
    x[1:] -= y.mean()


def write_out(x, y):
    np.multiply(x, 2.0 + np.tanh(y.sum()), out=x)


def copy_to(x, y):
    np.copyto(x, y.sum())


def fill(x, y):
    x.fill(0.75)


def put(x, y):
    np.put(x, [0, -1], [0.5, 1.5])


def sort(x, y):
    x.sort()


WRITES = (add, multiply, assign_all, assign_first, shift, update_slice, write_out, copy_to, fill, put, sort)


@st.composite
def programs(draw):
    """Steps: a view taken of one of the arrays, or a write to one of them from another."""
    steps = []
    for count in range(2, 2 + draw(st.integers(2, 7))):
        which = st.integers(0, count - 1)
        if draw(st.booleans()):
            steps.append((draw(st.sampled_from(sorted(VIEWS))), draw(which)))
        else:
            steps.append((draw(st.sampled_from(WRITES)), draw(which), draw(which)))
    return steps


def run(steps, x, copy):
    """All arrays that the program makes; what does not fit a shape is left out."""
    arrays = [copy(x), x * 2.0]
    for step, which, *source in steps:
        target = arrays[which % len(arrays)]
        try:
            if source:
                if target.ndim:
                    step(target, arrays[source[0] % len(arrays)])
            elif target.ndim:
                arrays.append(VIEWS[step](target))
        except (IndexError, np.exceptions.AxisError):
            continue
    return arrays


def total(arrays):
    return sum((a * (k + 1.0)).sum() for k, a in enumerate(arrays))


X = np.sin(np.arange(6.0) * 1.7).reshape(2, 3) + 1.5


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(programs(), st.booleans())
def test_every_array_is_what_numpy_makes_of_it(steps, demands):
    expected = run(steps, X.copy(), lambda a: a.copy())
    x = tj.array(X)
    x.attach_grad()
    with tj.record():
        found = run(steps, x, lambda a: a * 1.0)
        result = total(found)
        if demands:
            float(result)
    for mine, numpys in zip(found, expected, strict=True):
        np.testing.assert_allclose(mine.numpy(), numpys, rtol=1e-12)
    result.backward()
    np.testing.assert_allclose(x.grad.numpy(), slope(steps), rtol=2e-5, atol=2e-5)


def slope(steps, h=1e-6):
    gradient = np.zeros_like(X)
    for k in np.ndindex(X.shape):
        moved = [X.copy(), X.copy()]
        moved[0][k] += h
        moved[1][k] -= h
        high, low = (total(run(steps, m, lambda a: a.copy())) for m in moved)
        gradient[k] = (high - low) / (2 * h)
    return gradient


def test_views_taken_before_the_record():
    base = tj.array(np.zeros(4))
    view, other = base[1:], base[:2]
    w = tj.array([1.0, 2.0, 3.0])
    w.attach_grad()
    with tj.record():
        view += w * w
        result = (other * [5.0, 7.0]).sum() + base[3]
    result.backward()
    np.testing.assert_array_equal(w.grad.numpy(), [14.0, 0.0, 6.0])
    np.testing.assert_array_equal(base.numpy(), [0.0, 1.0, 4.0, 9.0])
    np.testing.assert_array_equal(other.numpy(), [0.0, 1.0])


def test_views_made_in_a_record_stay_views_after_it():
    x = tj.array([1.0, 2.0, 3.0])
    with tj.record():
        y = x * 2.0
        view = y[1:]
    view[0] = 50.0
    y[2] = 70.0
    np.testing.assert_array_equal(y.numpy(), [2.0, 50.0, 70.0])
    np.testing.assert_array_equal(view.numpy(), [50.0, 70.0])


def test_views_of_what_nobody_holds():
    x = tj.array([1.0, 2.0, 3.0, 4.0])
    with tj.record():
        square = (x * 1.0).reshape(2, 2)
        turned = square.T
        turned[0] = 9.0
    np.testing.assert_array_equal(square.numpy(), [[9.0, 2.0], [9.0, 4.0]])
    with tj.record():
        low, high = np.split(x * 1.0, 2)
        low += 1.0
        whole = x * 1.0
        first, second = whole[:3], whole[1:]
        del whole
        with pytest.raises(InPlaceError, match="copy one of them"):
            first += 1.0
    np.testing.assert_array_equal(high.numpy(), [3.0, 4.0])
    np.testing.assert_array_equal(low.numpy(), [2.0, 3.0])
    np.testing.assert_array_equal(second.numpy(), [2.0, 3.0, 4.0])


def test_a_copy_is_no_view():
    x = tj.array([1.0, 2.0, 3.0])
    with tj.record():
        y = x * 2.0
        copy, advanced, moved = y.copy(), y[[0, 1]], y.reshape(3, 1).T.ravel() * 1.0
        y[:] = 0.0
    np.testing.assert_array_equal(copy.numpy(), [2.0, 4.0, 6.0])
    np.testing.assert_array_equal(advanced.numpy(), [2.0, 4.0])
    np.testing.assert_array_equal(moved.numpy(), [2.0, 4.0, 6.0])


def test_ravel_of_a_transposed_array_is_a_copy():
    with tj.record():
        y = tj.array(X) * 1.0
        flat = y.T.ravel()
        flat[0] = 99.0
    np.testing.assert_array_equal(y.numpy(), X)
    assert flat.numpy()[0] == 99.0


def test_parts_of_a_complex_array_are_views():
    with tj.record():
        z = tj.array(np.array([1.0 + 2.0j, 3.0 - 1.0j])) * 1.0
        imaginary = z.imag
        imaginary *= 10.0
        z.real[1] = 7.0
    np.testing.assert_array_equal(z.numpy(), [1.0 + 20.0j, 7.0 - 10.0j])


@pytest.mark.parametrize("take", [lambda x: x[1:], lambda x: x.reshape(3, 1), lambda x: x])
def test_a_variable_may_not_be_written_through_a_view(take):
    x = tj.array([1.0, 2.0, 3.0])
    x.attach_grad()
    with tj.record():
        view = take(x)
        with pytest.raises(InPlaceError, match=r"test_aliases\.py:\d+"):
            view += 1.0
    np.testing.assert_array_equal(x.numpy(), [1.0, 2.0, 3.0])


def test_what_is_read_only_in_numpy_is_so_here():
    with tj.record():
        x = tj.array([1.0, 2.0]) * 1.0
        wide = np.broadcast_to(x, (3, 2))
        with pytest.raises(ReadOnlyError, match=r"test_aliases\.py:\d+.*read-only"):
            wide[0] = 5.0
        with pytest.raises(ValueError, match="read-only"):
            np.diagonal(wide)[0] = 5.0


def test_a_detached_twin_is_not_written_to():
    with tj.record():
        x = tj.array([1.0, 2.0]) * 1.0
        twin = x.detach()
        with pytest.raises(InPlaceError, match="copy it first"):
            twin += 1.0


def test_a_view_alone_keeps_no_array_alive():
    x = tj.array(np.ones((1000, 10)))
    x.attach_grad()
    with tj.record() as recording:
        row = (np.exp(x) * 2.0)[0]
        gc.collect()
        value = row.sum()
    value.backward()
    assert "f64[1000,10]," not in recording.adjoint_ir().splitlines()[0].split("->")[1]


def test_writes_to_elements_in_a_loop():
    x = tj.array(np.linspace(0.1, 1.0, 10))
    x.attach_grad()
    with tj.record():
        y = x * 1.0
        for i in range(1, 10):
            y[i] += np.sin(y[i - 1])
        result = y.sum()
    result.backward()

    def plain(a):
        y = a * 1.0
        for i in range(1, 10):
            y[i] += np.sin(y[i - 1])
        return y.sum()

    h, data = 1e-6, x.numpy()
    expected = [(plain(data + h * e) - plain(data - h * e)) / (2 * h) for e in np.eye(10)]
    assert float(result) == pytest.approx(plain(data), rel=1e-15)
    np.testing.assert_allclose(x.grad.numpy(), expected, rtol=1e-6)


def test_what_is_copied_of_a_view_of_what_nobody_holds():
    x = tj.array([1.0, 2.0, 3.0])
    with tj.record():
        strided = (x * 1.0)[None][:, ::2]
        copied = strided.ravel()
        view = copied[None]
        view += 5.0
    np.testing.assert_array_equal(copied.numpy(), [6.0, 8.0])
    np.testing.assert_array_equal(strided.numpy(), [[1.0, 3.0]])
