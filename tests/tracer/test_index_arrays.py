"""Indexing with arrays as NumPy has it: values, gradients, assignment, and that no index leaves an array."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tapejit as tj
from tapejit.tracer.errors import BoundsError, UnsupportedError

RANDOM = np.random.default_rng(0)
A = RANDOM.standard_normal((4, 5, 3))
V = RANDOM.standard_normal(A.shape)
I = np.array([0, 3, -1, 0])  # noqa: E741
MASK = A > 0.3
FAR = [3, -4, 10**9, 10**15, 2**63 - 1, -(2**63), 2**32]

READ = {
    "rows": lambda x: x[I],
    "list": lambda x: x[[1, -1]],
    "range": lambda x: x[range(1, 3)],
    "range_beside": lambda x: x[:, range(0), range(0)],
    "tuple_of_one": lambda x: x[I,],
    "columns": lambda x: x[:, I],
    "last": lambda x: x[..., [0, 2]],
    "none": lambda x: x[[]],
    "unsigned": lambda x: x[np.array([1, 2], np.uint8)],
    "one_position": lambda x: x[np.array(1)],
    "adjacent": lambda x: x[I, [1, 1, 2, 0]],
    "apart": lambda x: x[I, :, [0, 1, 2, -1]],
    "with_int": lambda x: x[1, [0, 1]],
    "with_int_after": lambda x: x[[0, 1], 1],
    "with_int_apart": lambda x: x[2, :, [0, 1]],
    "with_ellipsis": lambda x: x[0, ..., [0, 1]],
    "with_empty_ellipsis": lambda x: x[I, ..., I % 5, I % 3],
    "apart_by_nothing": lambda x: x[None, 0, ..., [0, 0], [1, 2]],
    "with_new": lambda x: x[None, I, 1:3],
    "with_new_between": lambda x: x[[0, 1], None, [1, 2]],
    "with_steps": lambda x: x[::-1, [1, 0], ::2],
    "broadcast": lambda x: x[I[:, None], [0, 1]],
    "two_dimensions": lambda x: x[:, [[0, 1], [2, -1]]],
    "mask": lambda x: x[MASK],
    "mask_of_rows": lambda x: x[MASK[:, 0, 0]],
    "mask_behind": lambda x: x[:, MASK[0]],
    "mask_with_int": lambda x: x[MASK[:, :, 0], 1],
    "empty_mask": lambda x: x[x > 9.0],
    "traced_mask": lambda x: x[x > 0.0],
    "traced_positions": lambda x: x[np.argmax(x[0], axis=0) % 4],
    "take": lambda x: np.take(x, I, axis=1),
    "take_flat": lambda x: np.take(x, [1, 7]),
    "take_clip": lambda x: np.take(x, [7, -9], axis=0, mode="clip"),
    "take_wrap": lambda x: np.take(x, [7, -9], axis=0, mode="wrap"),
    "take_along_axis": lambda x: np.take_along_axis(x, np.argsort(A, axis=1), axis=1),
    "take_along_broadcast": lambda x: np.take_along_axis(x, I[None, :, None], axis=1),
}


@pytest.mark.parametrize("name", READ)
def test_reading(name):
    read = READ[name]
    expected = read(A)
    np.testing.assert_array_equal(read(tj.array(A)).numpy(), expected, strict=True)
    x = tj.array(A)
    x.attach_grad()
    weight = RANDOM.standard_normal(expected.shape)
    with tj.record():
        y = read(x)
        loss = (y * weight).sum()
    np.testing.assert_array_equal(y.numpy(), expected, strict=True)
    loss.backward()
    direction = np.sign(A) * abs(V)  # what decides by signs stays as it was
    ahead, behind = ((read(A + s * 1e-6 * direction) * weight).sum() for s in (1, -1))
    slope = (x.grad.numpy() * direction).sum()
    np.testing.assert_allclose(slope, (ahead - behind) / 2e-6, rtol=1e-6, atol=1e-8)


def set_rows(x, v):
    x[I] = v[0]


def set_columns(x, v):
    x[:, [1, 0, 1]] = v[:, :3]


def set_one_often(x, v):
    x[[0, 0, 0]] = v[:3]


def set_mask_to_number(x, v):
    x[x > 0.5] = 0.0


def set_mask(x, v):
    x[MASK] = v[MASK] * 2


def set_mask_of_rows(x, v):
    x[MASK[:, 0, 0]] = 1.5


def add_to_some(x, v):
    x[I, 2] += v[0, 0]


def scale_some(x, v):
    x[I] *= 2


def set_with_new(x, v):
    x[0, [1, 2], None] = v[0, 0, 0]


def add_at(x, v):
    np.add.at(x, (I, slice(None), 0), v[0, 0, 0])


def add_at_rows(x, v):
    np.add.at(x, I, v[1])


WRITE = [
    set_rows,
    set_columns,
    set_one_often,
    set_mask_to_number,
    set_mask,
    set_mask_of_rows,
    add_to_some,
    scale_some,
    set_with_new,
    add_at,
    add_at_rows,
]


@pytest.mark.parametrize("write", WRITE)
def test_writing(write):
    expected = A.copy()
    write(expected, V)
    outside = tj.array(A)
    write(outside, tj.array(V))
    np.testing.assert_array_equal(outside.numpy(), expected)
    x, v, weight = tj.array(A), tj.array(V), RANDOM.standard_normal(A.shape)
    x.attach_grad()
    v.attach_grad()
    with tj.record():
        y = x * 1.0
        write(y, v)
        loss = (y * weight).sum()
    np.testing.assert_allclose(y.numpy(), expected, rtol=1e-15)
    loss.backward()
    x_dot, v_dot = RANDOM.standard_normal((2, *A.shape))
    x_dot[abs(A - 0.5) < 1e-3] = 0.0

    def value(step):
        moved = A + step * x_dot
        write(moved, V + step * v_dot)
        return (moved * weight).sum()

    slope = (x.grad.numpy() * x_dot).sum() + (v.grad.numpy() * v_dot).sum()
    np.testing.assert_allclose(slope, (value(1e-6) - value(-1e-6)) / 2e-6, rtol=1e-6)


# -- Out of bounds -----------------------------------------------------------------------------------------

X = np.array([0.5, 1.5, 2.5])
BY_ARGUMENT = {
    "read": lambda x, i: x[i],
    "pending": lambda x, i: x[i + 0],
    "pair": lambda x, i: (x[:, None] * x)[i, 0],
    "take": lambda x, i: np.take(x, i),
    "along": lambda x, i: np.take_along_axis(x, i, 0),
    "then_read": lambda x, i: (x * 2.0)[[2, 0]][i % 2] + x[i],
}


@pytest.mark.parametrize("far", FAR)
@pytest.mark.parametrize("name", BY_ARGUMENT)
def test_a_position_outside_raises_in_every_call(name, far):
    """Also in calls that are answered without Python, where the index is another array than was traced."""
    read = tj.jit(BY_ARGUMENT[name])
    calls = [np.array(i) for i in ([0, 1], [2, -1], [-3, 2])]
    for i in calls:
        np.testing.assert_array_equal(read(X, i), BY_ARGUMENT[name](X, i))
    for _ in range(2):
        with pytest.raises(IndexError, match=r"out of bounds.*test_index_arrays"):
            read(X, np.array([0, far]))
    np.testing.assert_array_equal(read(X, calls[1]), BY_ARGUMENT[name](X, calls[1]))


def test_calls_with_other_positions_are_replayed():
    read = tj.jit(lambda x, i: x[i])
    for k in range(5):
        read(X, np.array([k % 3, -1]))
    assert "traced 1 times" in read.explain()


@pytest.mark.parametrize("far", FAR)
def test_gradients_check_positions_too(far):
    gradient = tj.grad(lambda x, i: (x[i] ** 2).sum())
    np.testing.assert_array_equal(gradient(X, np.array([1, 1])), [0, 6, 0])
    np.testing.assert_array_equal(gradient(X, np.array([-1, 1])), [0, 3, 5])
    with pytest.raises(BoundsError):
        gradient(X, np.array([far, 1]))


def test_a_position_computed_from_arguments():
    read = tj.jit(lambda x, s: x[np.argmax(s)])
    assert read(X, X) == read(X, X) == 2.5
    with pytest.raises(IndexError):
        read(X, np.arange(9.0))


def test_writing_outside():
    @tj.jit
    def write(x, i):
        y = x * 1.0
        y[i] = 7.0
        return y

    np.testing.assert_array_equal(write(X, np.array([0, -1])), [7.0, 1.5, 7.0])
    np.testing.assert_array_equal(write(X, np.array([1, 1])), [0.5, 7.0, 2.5])
    for far in FAR:
        with pytest.raises(BoundsError):
            write(X, np.array([0, far]))


@pytest.mark.parametrize("index", [[3], [-4], ([0], [0]), np.array([True, False]), [0.5]])
def test_what_numpy_refuses(index):
    with pytest.raises(IndexError):
        X[index]
    with pytest.raises(IndexError):
        tj.array(X)[index]
    with tj.record(), pytest.raises(IndexError):
        tj.array(X)[index]


def test_a_truth_value_is_not_an_index():
    with tj.record(), pytest.raises(UnsupportedError):
        tj.array(X)[True]


def test_an_index_that_changes_after_it_was_used():
    x, i = tj.array(X), tj.array(np.array([0, 1]))
    with tj.record():
        y = x[i]
    i[:] = 10**9
    np.testing.assert_array_equal(y.numpy(), X[:2])


# -- Any index ---------------------------------------------------------------------------------------------


@st.composite
def indices(draw):
    """A shape, and an index that fits it: slices, ints, None, `...`, and arrays that broadcast together."""
    shape = tuple(draw(st.lists(st.integers(1, 4), min_size=1, max_size=4)))
    common = tuple(draw(st.lists(st.integers(1, 3), max_size=2)))
    entries = []
    for n in shape[: draw(st.integers(1, len(shape)))]:
        kind = draw(st.sampled_from(("slice", "int", "array", "array")))
        if kind == "int":
            entries.append(draw(st.integers(-n, n - 1)))
        elif kind == "slice":
            ends = st.none() | st.integers(-n - 1, n + 1)
            entries.append(slice(draw(ends), draw(ends), draw(st.sampled_from((None, 1, 2, -1, -2)))))
        else:
            own = tuple(draw(st.sampled_from((1, m))) for m in common)
            size = int(np.prod(own))
            flat = draw(st.lists(st.integers(-n, n - 1), min_size=size, max_size=size))
            entries.append(np.array(flat, np.int64).reshape(own))
    for extra in draw(st.sampled_from(((), (None,), (Ellipsis,), (None, Ellipsis)))):
        anywhere = extra is None or sum(e is not None for e in entries) == len(shape)
        entries.insert(draw(st.integers(0, len(entries))) if anywhere else len(entries), extra)
    return shape, tuple(entries)


@settings(max_examples=200, deadline=None)
@given(indices())
def test_any_index(example):
    shape, index = example
    x = np.arange(float(np.prod(shape))).reshape(shape)
    np.testing.assert_array_equal(tj.jit(lambda x: x[index])(x), x[index])
