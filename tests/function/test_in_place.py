"""Functions that write to their arguments leave in them what NumPy leaves, however reads and writes meet."""

from __future__ import annotations

import operator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tapejit as tj
from tapejit.engine import DECORATED, TIER
from tapejit.tracer.errors import InPlaceError

CALLS = 8  # after which machine code answers


def shifted(x, y):
    x[1:] += x[:-1]
    return x.sum()


def turned_round(x, y):
    x[...] = 2.0 * x[::-1]
    return x.max()


def exchanged(x, y):
    x[...], y[...] = y.copy(), x.copy()
    return x[0] - y[0]


def cleared(x, y):
    x[...] = 0.0
    return y.sum()


def one_element(x, y):
    x[3] = y.sum()
    return x.sum()


def every_other(x, y):
    x[::2] *= y[::2]
    return x.sum()


def stepped(x, y):
    x[1:-1] += 0.1 * (x[2:] - 2.0 * x[1:-1] + x[:-2])
    return x.max()


def normalised(x, y):
    x -= 0.1 * y
    x /= np.sqrt((x * x).sum())
    return x.sum()


def mixed(x, y):
    x += y[::-1]
    y -= 0.5 * x
    return y.sum()


def chosen(x, y):
    if x.sum() > y.sum():
        x *= y
    else:
        y -= x
    return (x * y).sum()


def chosen_by_what_is_new(x, y):
    x += 1.0
    if x.sum() > 3.0:
        x -= y
    return x.sum()


def repeated(x, y):
    while (x * x).sum() < 50.0:
        x += abs(y) + 0.5
    return x[0]


def gathered(x, y):
    x[...] = x[np.argsort(y)]
    return x[0]


def sorted_(x, y):
    x.sort()
    return x[-1]


FUNCTIONS = (
    shifted,
    turned_round,
    exchanged,
    cleared,
    one_element,
    every_other,
    stepped,
    normalised,
    mixed,
    chosen,
    chosen_by_what_is_new,
    repeated,
    gathered,
    sorted_,
)


def assert_like_numpy(compiled, function, *given):
    expected = [x.copy() for x in given]
    value = function(*expected)
    np.testing.assert_allclose(compiled(*given), value, rtol=1e-9, atol=1e-12)
    for x, y in zip(given, expected, strict=True):
        np.testing.assert_allclose(x, y, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda f: f.__name__)
def test_reads_and_writes_overlap(function):
    compiled = tj.jit(function)
    for size in (9, 9, 9, 9, 9, 9, 9, 12, 17, 9):
        random = np.random.default_rng(size)
        assert_like_numpy(compiled, function, random.standard_normal(size), random.standard_normal(size))


def transposed(x):
    x[...] = x.T
    return x[0, 1]


def softmax(x):
    x -= x.max(axis=1, keepdims=True)
    np.exp(x, out=x)
    x /= x.sum(axis=1, keepdims=True)
    return x[0, 0]


def product(x):
    x[...] = x @ x
    return x.sum()


def solved(x):
    x[...] = np.linalg.solve(x + 9.0 * np.eye(len(x)), x)
    return x.sum()


@pytest.mark.parametrize("function", [transposed, softmax, product, solved], ids=lambda f: f.__name__)
@pytest.mark.parametrize("size", [3, 40])
def test_matrices(function, size):
    compiled = tj.jit(function)
    for k in range(CALLS if size == 3 else 2):
        assert_like_numpy(compiled, function, np.random.default_rng(k).standard_normal((size, size)))


def test_an_error_leaves_arguments_as_they_were():
    def step(a, b):
        b *= 2.0
        b[...] = np.linalg.solve(a, b)
        return b.sum()

    compiled, b = tj.jit(step), np.arange(3.0)
    for _ in range(CALLS):
        assert_like_numpy(compiled, step, np.eye(3) + 1.0, np.ones(3))
    with pytest.raises(np.linalg.LinAlgError):
        compiled(np.zeros((3, 3)), b)
    np.testing.assert_array_equal(b, np.arange(3.0))


CAPTURED = np.arange(6.0)


def test_an_argument_may_be_an_array_that_the_function_captures():
    def add(x):
        x += CAPTURED[::-1]
        return x.sum()

    compiled = tj.jit(add)
    for _ in range(CALLS):
        assert_like_numpy(compiled, add, np.ones(6))
    compiled(CAPTURED)
    np.testing.assert_array_equal(CAPTURED, np.full(6, 5.0))
    CAPTURED[:] = np.arange(6.0)


def test_layouts_that_programs_do_not_take():
    compiled = tj.jit(shifted)
    for k in range(CALLS):
        whole, other = np.arange(20.0) + k, np.arange(20.0) + k
        shifted(other[::2], None)
        compiled(whole[::2], np.ones(10))
        np.testing.assert_array_equal(whole, other)
        fortran, expected = np.asfortranarray(np.arange(6.0).reshape(2, 3)), np.arange(6.0).reshape(2, 3)
        compiled(fortran, np.ones(1))
        shifted(expected, None)
        np.testing.assert_array_equal(fortran, expected)


def test_programs_need_no_memory_for_what_they_overwrite():
    @tj.jit
    def step(w, m, g):
        m *= 0.9
        m += g
        w -= 0.1 * m

    w, m, g = np.ones((3, 1000))
    for _ in range(3):
        step(w, m, g)
    text = step.stage("schedule")
    assert "nest 2" not in text
    assert "to w in place" in text
    assert "to m in place" in text
    assert "temporary" not in text


OPERATORS = (
    (operator.ipow, np.float64, 3),
    (operator.ipow, np.int64, 2),
    (operator.ifloordiv, np.float64, 2.0),
    (operator.imod, np.int64, 3),
    (operator.iand, np.int64, 3),
    (operator.ior, np.bool_, True),
    (operator.ixor, np.bool_, True),
    (operator.ilshift, np.int64, 2),
    (operator.irshift, np.int64, 1),
    (operator.imatmul, np.float64, np.ones((4, 4))),
)


@pytest.mark.parametrize(("change", "dtype", "other"), OPERATORS, ids=lambda x: getattr(x, "__name__", ""))
def test_every_operator_in_place(change, dtype, other, interpreted):
    def step(x):
        part = x[1:]
        part = change(part, other)
        x = change(x, other)
        return x.sum()

    given = (np.arange(20).reshape(5, 4) % 7).astype(dtype)
    assert_like_numpy(tj.jit(step), step, given.copy())
    ours = tj.array(given)
    change(ours, other)
    np.testing.assert_array_equal(ours.numpy(), change(given, other))


@pytest.mark.parametrize(("change", "other"), [(operator.ipow, 0.5), (operator.ifloordiv, 2.5)])
def test_an_operator_in_place_keeps_the_dtype(change, other, interpreted):
    x = np.arange(4)
    with pytest.raises(TypeError, match=r"test_in_place\.py:\d+"):
        tj.jit(lambda x: change(x, other))(x)
    np.testing.assert_array_equal(x, np.arange(4))


SLICES = (":", "1:", ":-1", "::-1", "1:-1", "::2", "2:5")
LENGTHS = {":": 6, "1:": 5, ":-1": 5, "::-1": 6, "1:-1": 4, "::2": 3, "2:5": 3}


@st.composite
def programs(draw):
    """Source of a function that writes to views of its arguments, and reads what overlaps them."""
    lines = ["def step(x, y):", "    u, v = x[1:], y[::-1]"]
    names = {"x": 6, "y": 6, "u": 5, "v": 6}
    terms = ("0.25", "x[0]", "y.sum()")
    for _ in range(draw(st.integers(1, 5))):
        target = draw(st.sampled_from(["x", "y", "v"]))
        where = draw(st.sampled_from(SLICES))
        fitting = [
            f"{name}[{cut}]"
            for name in names
            for cut in SLICES
            if len(range(names[name])[_cut(cut)]) == LENGTHS[where]
        ]
        source = draw(st.sampled_from(fitting))
        how = draw(st.sampled_from(["=", "+=", "-=", "*="]))
        lines.append(f"    {target}[{where}] {how} {source} * 0.5 + {draw(st.sampled_from(terms))}")
        if draw(st.integers(0, 3)) == 0:
            lines.append(f"    if {target}.sum() > 1.0: {target} -= 1.0")
    return "\n".join([*lines, "    return (u * v[1:]).sum()"])


def _cut(text):
    return slice(*(int(part) if part else None for part in text.split(":")))


def check_program(source):
    namespace = {}
    exec(source, namespace)
    compiled = tj.jit(namespace["step"])
    for k in range(3):
        random = np.random.default_rng(k)
        assert_like_numpy(compiled, namespace["step"], random.standard_normal(6), random.standard_normal(6))


@settings(max_examples=40, deadline=None)
@given(programs())
def test_random_writes_through_views(source):
    before = DECORATED.tier
    DECORATED.tier = "interpret"
    try:
        check_program(source)
    finally:
        DECORATED.tier = before


@pytest.mark.slow
@pytest.mark.skipif(TIER == "interpret", reason="nothing is compiled")
@settings(max_examples=60, deadline=None)
@given(programs())
def test_random_writes_through_views_compiled(source):
    check_program(source)


def test_arguments_that_share_memory_are_refused():
    compiled, x = tj.jit(every_other), np.arange(12.0)
    for _ in range(CALLS):
        compiled(np.ones(6), np.ones(6))
    for pair in ((x[:6], x[3:9]), (x[:6], x[:6]), (x[:6], x[5::-1])):
        with pytest.raises(InPlaceError, match="shares memory with another argument"):
            compiled(*pair)
    np.testing.assert_array_equal(x, np.arange(12.0))
