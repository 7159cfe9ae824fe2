"""Sequences of writes and reads: gathering the writes changes no bit, and n writes are one update."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from row_checks import adjoint_is_transpose, assert_same_bits

from tapejit.ir import ops
from tapejit.ir.builder import Builder
from tapejit.ir.interpreter import interpret
from tapejit.ir.passes.dce import dce
from tapejit.ir.passes.pipeline import canonicalise
from tapejit.ir.passes.updates import updates
from tapejit.ir.transforms.adjoint import adjoint
from tapejit.ir.types import TensorType
from tapejit.ir.update import covers, disjoint, extent, update, window_of, within
from tapejit.ir.verifier import verify

SHAPE = (4, 5)


@st.composite
def places(draw, shape=SHAPE):
    """A window of an array: where it starts, its steps, its shape."""
    found = []
    for n in shape:
        start, step = draw(st.integers(0, n - 1)), draw(st.integers(1, 3))
        found.append((start, step, draw(st.integers(0, (n - 1 - start) // step + 1))))
    return tuple(zip(*found, strict=True))


def elements(start, step, shape):
    grid = np.zeros(SHAPE, bool)
    window = [slice(b, b + n * s, s) for b, s, n in zip(start, step, shape, strict=True)]
    grid[tuple(window)] = True
    return grid


@given(places(), places())
def test_windows_meet_where_their_elements_do(one, other):
    a, b = (extent(*p) for p in (one, other))
    x, y = (elements(*p) for p in (one, other))
    if disjoint(a, b):
        assert not (x & y).any()
    if x.any() and y.any() and (x & y).sum() == 0 and len({*one[1], *other[1]}) == 1:
        assert disjoint(a, b)
    if y.any() and covers(a, b):
        assert not (y & ~x).any()
        inner = np.arange(20.0).reshape(SHAPE)[elements(*one)].reshape(one[2])
        start, step = within(a, b)
        window = inner[tuple(slice(s, s + n * k, k) for s, k, n in zip(start, step, other[2], strict=True))]
        np.testing.assert_array_equal(window.ravel(), np.arange(20.0).reshape(SHAPE)[y])


@st.composite
def programs(draw):
    """Writes to and reads from versions of one array, mostly the latest one."""
    builder = Builder("f", [TensorType("f64", SHAPE), TensorType("f64", SHAPE)])
    versions, kept = [builder.params[0]], []
    for _ in range(draw(st.integers(1, 8))):
        x = versions[-1] if draw(st.integers(0, 4)) else draw(st.sampled_from(versions))
        start, step, shape = draw(places())
        if draw(st.booleans()):
            value = window_of(draw(st.sampled_from([builder.params[1], *versions])), shape, start, step)
            versions.append(update(x, ops.sin(value), starts=(start,), steps=(step,)))
        else:
            kept.append(window_of(x, shape, start, step))
        if not draw(st.integers(0, 3)):
            kept.append(x * 2.0)
    return verify(builder.finish([*kept, versions[-1]]))


ARGS = [np.sin(np.arange(20.0)).reshape(SHAPE), np.cos(np.arange(20.0)).reshape(SHAPE)]


@settings(deadline=None, max_examples=150)
@given(programs())
def test_gathered_writes_change_no_bit(f):
    for g in (f, adjoint(f)):
        args = ARGS if g is f else [*ARGS, *interpret(f, *ARGS)]
        gathered = verify(updates(g))
        assert_same_bits(interpret(gathered, *args), interpret(g, *args))
        settled = updates(updates(gathered))
        assert updates(settled) is settled
        assert_same_bits(interpret(verify(canonicalise(g)), *args), interpret(g, *args))


@settings(deadline=None, max_examples=40)
@given(programs())
def test_the_adjoint_of_writes_is_the_transpose(f):
    adjoint_is_transpose(f, ARGS)


def recurrence(n):
    """x[i] = sin(x[i - 1]) + x[i], as the tracer writes it down."""
    builder = Builder("f", [TensorType("f64", (n,))])
    x = builder.params[0]
    for i in range(1, n):
        before, here = (window_of(x, (1,), (k,), (1,)) for k in (i - 1, i))
        x = update(x, ops.sin(before) + here, starts=((i,),), steps=((1,),))
    return builder.finish([ops.reduce_sum(x, axes=(0,))])


@pytest.mark.parametrize("derivative", [False, True])
def test_a_loop_of_writes_takes_linear_code(derivative):
    def count(n):
        f = recurrence(n)
        lean = dce(canonicalise(adjoint(f, unit_seed=True) if derivative else f))
        return len(lean.body), sum(len(i.operands) for i in lean.body)

    (body, operands), (twice_body, twice_operands) = count(40), count(80)
    assert twice_body < 2.2 * body
    assert twice_operands < 2.2 * operands


def test_what_is_overwritten_has_no_adjoint_not_even_of_infinity():
    builder = Builder("f", [TensorType("f64", (3,))])
    x = builder.params[0]
    y = update(1.0 / x, x.builder.full(TensorType("f64", (1,)), 5.0), starts=((0,),), steps=((1,),))
    f = builder.finish([ops.reduce_sum(y, axes=(0,))])
    value, x_bar = interpret(adjoint(f, unit_seed=True), np.array([0.0, 2.0, 4.0]))
    assert value == 5.75
    np.testing.assert_array_equal(x_bar, [0.0, -0.25, -0.0625])


@pytest.mark.parametrize(
    ("shapes", "starts", "steps", "message"),
    [
        ([(2,)], ((2,),), ((1,),), "not inside"),
        ([(2,)], ((-1,),), ((1,),), "not inside"),
        ([(2,)], ((0,),), ((0,),), "not inside"),
        ([(2,), (1,)], ((0,), (1,)), ((1,), (1,)), "overlap"),
        ([(1,)], ((0,), (1,)), ((1,),), "as many"),
        ([(1, 1)], ((0, 0),), ((1, 1),), "cannot write"),
    ],
)
def test_wrong_windows_are_named(shapes, starts, steps, message):
    builder = Builder("f", [TensorType("f64", (3,)), *(TensorType("f64", s) for s in shapes)])
    with pytest.raises(TypeError, match=message):
        update(*builder.params, starts=starts, steps=steps)
