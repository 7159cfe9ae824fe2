"""A loop and its derivatives are those of the same steps written out."""

import numpy as np
import pytest
from row_checks import adjoint_is_transpose, directions

from tapejit.ir import ops
from tapejit.ir.builder import Builder
from tapejit.ir.interpreter import interpret
from tapejit.ir.loop import while_, while_adjoint
from tapejit.ir.passes.pipeline import canonicalise
from tapejit.ir.region import region_of
from tapejit.ir.transforms.adjoint import adjoint
from tapejit.ir.transforms.batch import batch
from tapejit.ir.transforms.tangent import tangent
from tapejit.ir.types import TensorType, type_of
from tapejit.ir.verifier import verify

VECTOR = np.array([0.3, -0.8, 1.1])
WEIGHT = np.array([1.2, 0.7, -0.9])
MATRIX = np.array([[0.2, -0.5, 0.1], [0.4, 0.3, -0.6], [-0.1, 0.8, 0.5]])


def total(x):
    return ops.reduce_sum(x, axes=tuple(range(len(x.shape))))


def spread(s, like):
    return ops.broadcast(s, shape=like.shape, dims=())


# name: (carried, constants, one step)
BODIES = {
    "scalar": ([np.array(0.3)], [np.array(1.2)], lambda x, w: [ops.sin(x) * w]),
    "vector": ([VECTOR], [WEIGHT], lambda x, w: [ops.sin(x) * w + x]),
    "matrix": (
        [VECTOR],
        [MATRIX],
        lambda x, w: [ops.tanh(ops.dot_general(w, x, contract=((1,), (0,)), batch=((), ())))],
    ),
    "norm": ([VECTOR], [], lambda x: [x / spread(ops.sqrt(total(x * x) + 1.0), x)]),
    "exchange": ([VECTOR, WEIGHT], [], lambda x, y: [y, ops.sin(x) * y]),
    "unchanged": ([VECTOR, WEIGHT], [], lambda x, y: [x * y, y]),
    "accumulated": ([VECTOR, np.array(0.0)], [WEIGHT], lambda x, s, w: [x * w, s + total(x)]),
    "counted": (
        [VECTOR, np.array(3)],
        [],
        lambda x, n: [x * spread(ops.cast(n, dtype="f64"), x) * 0.3, n + n.like(1)],
    ),
    "flagged": (
        [VECTOR, np.array(True)],
        [WEIGHT],
        lambda x, ok, w: [ops.select(spread(ok, x), x * w, ops.sin(x)), ops.lt(total(x), total(x).like(0.5))],
    ),
    "single": ([VECTOR.astype(np.float32)], [WEIGHT.astype(np.float32)], lambda x, w: [ops.sin(x) * w]),
}


def named(values, prefix):
    return [(f"{prefix}{k}", type_of(x)) for k, x in enumerate(values)]


def loop(name, steps):
    """The loop that takes as many steps of a body, from (carried, constants) to carried."""
    carried, consts, step = BODIES[name]
    builder = Builder("loop", [*named(carried, "x"), *named(consts, "w")])
    state, fixed = builder.params[: len(carried)], builder.params[len(carried) :]
    operands = (builder.full(TensorType("i64"), 0), *state, *fixed)
    few = region_of("few", operands, lambda n, *xs: [ops.lt(n, n.like(steps))])
    body = region_of("body", operands, lambda n, *xs: [n + n.like(1), *step(*xs)])
    return verify(builder.finish(while_.several(*operands, carry=1 + len(state), regions=(few, body))[1:]))


def written_out(name, steps):
    """The same without a loop."""
    carried, consts, step = BODIES[name]
    builder = Builder("written_out", [*named(carried, "x"), *named(consts, "w")])
    state, fixed = builder.params[: len(carried)], builder.params[len(carried) :]
    for _ in range(steps):
        state = step(*state, *fixed)
    return builder.finish(state)


def agree(f, g, args, rtol):
    for found, expected in zip(interpret(verify(f), *args), interpret(g, *args), strict=True):
        scale = np.max(np.abs(expected), initial=0.0) if expected.dtype.kind == "f" else 0.0
        np.testing.assert_allclose(found, expected, rtol=rtol, atol=rtol * scale)


@pytest.mark.parametrize("steps", [0, 1, 4])
@pytest.mark.parametrize("name", BODIES)
def test_derivatives(name, steps):
    """Of values, tangents and adjoints, once and twice, and after the passes."""
    carried, consts, _ = BODIES[name]
    f, g, args = loop(name, steps), written_out(name, steps), [*carried, *consts]
    rtol = 1e-6 if name == "single" else 2e-15
    agree(f, g, args, 0.0)
    for transform in (adjoint, tangent):
        more = directions(interpret(f, *args), 1) if transform is adjoint else directions(args, 1)
        once, twice = transform(f), adjoint(transform(f))
        agree(once, transform(g), [*args, *more], rtol)
        agree(canonicalise(once), transform(g), [*args, *more], rtol)
        again = [*args, *more, *directions(interpret(once, *args, *more), 2)]
        agree(canonicalise(twice), adjoint(transform(g)), again, 20 * rtol)
        agree(tangent(once), tangent(transform(g)), [*args, *more, *directions([*args, *more], 3)], 20 * rtol)
    if name != "single":
        adjoint_is_transpose(f, args)


def test_a_stack_of_adjoints_runs_the_loop_once():
    """As for a Jacobian: only what comes back carries the axis."""
    rows = batch(adjoint(loop("vector", 3)), 3, (False, False, True))
    steps = next(i for i in rows.body if i.primitive is while_adjoint)
    assert [v.type.shape for v in steps.operands] == [(), (3,), (3,), (3, 3)]
    _, x_bars, _ = interpret(verify(rows), VECTOR, WEIGHT, np.eye(3))
    slope = [interpret(adjoint(written_out("vector", 3)), VECTOR, WEIGHT, row)[1] for row in np.eye(3)]
    np.testing.assert_allclose(x_bars, slope, rtol=1e-14)


def test_lanes_end_one_by_one():
    """Doubled until at least 8; the lanes take 3, 1 and 0 steps, and the derivative is 2 to the steps."""
    builder = Builder("doubled", [("x", TensorType("f64"))])
    predicate = region_of("small", builder.params, lambda x: [ops.lt(x, x.like(8.0))])
    body = region_of("double", builder.params, lambda x: [x * 2.0])
    f = builder.finish(while_.several(*builder.params, carry=1, regions=(predicate, body)))
    x = np.array([1.5, 5.0, 9.0])
    (found,) = interpret(verify(batch(f, 3)), x)
    np.testing.assert_array_equal(found, [12.0, 10.0, 9.0])
    _, slopes = interpret(verify(batch(adjoint(f), 3)), x, np.ones(3))
    np.testing.assert_array_equal(slopes, [8.0, 2.0, 1.0])
    _, slopes = interpret(verify(adjoint(batch(f, 3))), x, np.ones(3))
    np.testing.assert_array_equal(slopes, [8.0, 2.0, 1.0])


def test_a_lane_that_is_done_adds_nothing_although_its_step_would_be_infinite():
    builder = Builder("logs", [("x", TensorType("f64")), ("w", TensorType("f64"))])
    predicate = region_of("positive", builder.params, lambda x, w: [ops.gt(x, x.like(0.0))])
    body = region_of("log", builder.params, lambda x, w: [ops.log(x) * w])
    f = builder.finish(while_.several(*builder.params, carry=1, regions=(predicate, body)))
    x, w = np.array([0.0, 0.5, -1.0]), np.ones(3)
    _, x_bar, w_bar = interpret(verify(batch(adjoint(f), 3)), x, w, np.ones(3))
    np.testing.assert_array_equal(x_bar, [1.0, 2.0, 1.0])
    np.testing.assert_array_equal(w_bar, [0.0, np.log(0.5), 0.0])
