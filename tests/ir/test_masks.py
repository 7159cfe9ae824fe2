"""A singular branch that a `select` leaves out does not poison the adjoint: 0 * inf is 0 there.

Checked at the singular points themselves, to second order, before and after canonicalisation.
"""

import numpy as np
import pytest

from tapejit.ir import ops
from tapejit.ir.builder import Builder, Var
from tapejit.ir.interpreter import interpret
from tapejit.ir.passes.pipeline import canonicalise
from tapejit.ir.transforms.adjoint import adjoint, backpropagate
from tapejit.ir.transforms.tangent import tangent
from tapejit.ir.types import TensorType

NAN, INF = np.nan, np.inf


def positive(x, inside):
    return ops.select(ops.gt(x, x.like(0.0)), inside, x.like(0.0))


def reduced(x, row):
    return ops.broadcast(row(x, axes=(0,)), shape=x.shape, dims=())


def present(x, m):
    """Squared distance from m of what is not NaN."""
    return ops.select(ops.ne(x, x), x.like(0.0), ops.integer_pow(x - m, exponent=2))


def double(x):
    wide = ops.cast(ops.sqrt(x), dtype="f32")
    return positive(x, ops.cast(wide, dtype="f64"))


def reordered(x):
    """A mask that passes through a reversal, a slice, a join and a pad."""
    root = ops.reverse(ops.sqrt(x), axes=(0,))
    left, right = (ops.slice_(root, start=(a,), stop=(b,), step=(1,)) for a, b in ((0, 1), (1, 3)))
    back = ops.reverse(ops.concat(left, right, axis=0), axes=(0,))
    padded = ops.pad(back, low=(1,), high=(0,), interior=(0,), value=0.0)
    return positive(x, ops.slice_(padded, start=(1,), stop=(4,), step=(1,)))


# A function of x, the points, and its first and second derivative there.
CASES = {
    "sqrt": (lambda x: positive(x, ops.sqrt(x)), [0.0, -1.0, 4.0], [0, 0, 0.25], [0, 0, -1 / 32]),
    "x log x": (lambda x: positive(x, x * ops.log(x)), [0.0, -1.0, 1.0], [0, 0, 1], [0, 0, 1]),
    "1 / x": (
        lambda x: ops.select(ops.ne(x, x.like(0.0)), 1.0 / x, x),
        [0.0, -1.0, 2.0],
        [1, -1, -0.25],
        [0, -2, 0.25],
    ),
    "overflow": (
        lambda x: ops.select(ops.lt(x, x.like(700.0)), ops.exp(x), x.like(0.0)),
        [1000.0, 0.0, INF],
        [0, 1, 0],
        [0, 1, 0],
    ),
    "NaN left out": (lambda x: present(x, x.like(1.0)), [NAN, 3.0, 0.0], [0, 4, -2], [0, 2, 2]),
    "two masks": (
        lambda x: positive(x, ops.sqrt(x)) + positive(x - 1.0, 2.0 * ops.sqrt(x)),
        [0.0, -1.0, 4.0],
        [0, 0, 0.75],
        [0, 0, -3 / 32],
    ),
    "one value, two masks": (
        lambda x: (lambda r: positive(x, r) + positive(x - 1.0, 2.0 * r))(ops.sqrt(x)),
        [0.0, -1.0, 4.0],
        [0, 0, 0.75],
        [0, 0, -3 / 32],
    ),
    "through a cast": (double, [0.0, -1.0, 4.0], [0, 0, 0.25], [0, 0, -1 / 32]),
    "reordered": (reordered, [0.0, -1.0, 4.0], [0, 0, 0.25], [0, 0, -1 / 32]),
    "losers of a maximum": (
        lambda x: ops.maximum(ops.sqrt(x), x.like(1.0)),
        [0.0, 0.5, 4.0],
        [0, 0, 0.25],
        [0, 0, -1 / 32],
    ),
    "losers of an extreme": (
        lambda x: ops.sqrt(reduced(x, ops.reduce_max)),
        [0.0, -1.0, -2.0],
        [INF, 0, 0],
        None,
    ),
    "a scalar that nobody takes": (
        lambda x: positive(x - 9.0, reduced(ops.sqrt(x), ops.reduce_sum)),
        [0.0, 1.0, 4.0],
        [0, 0, 0],
        [0, 0, 0],
    ),
    "abs at 0": (ops.abs_, [0.0, -2.0, 3.0], [0, -1, 1], [0, 0, 0]),
    "a tie": (lambda x: ops.maximum(x, x.like(1.0)), [1.0, 0.0, 2.0], [0.5, 0, 1], [0, 0, 0]),
    "tied extremes": (lambda x: reduced(x, ops.reduce_max) / 3.0, [2.0, 2.0, 1.0], [0.5, 0.5, 0], [0, 0, 0]),
    "power of zero": (lambda x: ops.pow_(x, x.like(2.0)), [0.0, -3.0, 2.0], [0, -6, 4], [2, 2, 2]),
    "power zero": (lambda x: ops.pow_(x, x.like(0.0)), [0.0, -3.0, NAN], [0, 0, 0], [0, 0, 0]),
    "root of zero": (ops.sqrt, [0.0, 1.0, 4.0], [INF, 0.5, 0.25], None),
}


def total(rule, count):
    builder = Builder("total")
    x = builder.param(TensorType("f64", (count,)), "x")
    return builder.finish([ops.reduce_sum(rule(x), axes=(0,))])


def gradient(f):
    both = adjoint(f, unit_seed=True)
    both.results = both.results[1:]
    return both


@pytest.mark.parametrize("clean", [lambda f: f, canonicalise], ids=["raw", "canonical"])
@pytest.mark.parametrize(("rule", "points", "first", "second"), CASES.values(), ids=CASES)
def test_at_the_singular_points(rule, points, first, second, clean):
    x, ones = np.array(points), np.ones(len(points))
    slope = clean(gradient(clean(total(rule, len(points)))))
    np.testing.assert_allclose(interpret(slope, x)[0], first, rtol=1e-12)
    if second is not None:
        np.testing.assert_allclose(interpret(clean(adjoint(slope)), x, ones)[1], second, rtol=1e-7)
        np.testing.assert_allclose(interpret(clean(tangent(slope)), x, ones)[1], second, rtol=1e-7)


def test_missing_values_leave_the_mean_its_gradient():
    builder = Builder("f")
    x, m = builder.param(TensorType("f64", (3,))), builder.param(TensorType("f64"), "m")
    distance = present(x, ops.broadcast(m, shape=(3,), dims=()))
    f = builder.finish([ops.reduce_sum(distance, axes=(0,))])
    _, _, m_bar = interpret(adjoint(f, unit_seed=True), np.array([NAN, 3.0, 1.0]), 1.0)
    assert m_bar == -4.0


def test_interior_seeds_and_stops():
    """A seed inside the body adds to what arrives there; nothing passes a stop."""
    builder = Builder("f")
    x = builder.param(TensorType("f64"), "x")
    y = x * 3.0
    z = y * 5.0
    f = builder.function
    body = tuple(f.body)
    env = {v: Var(builder, v) for instr in body for v in (*instr.operands, *instr.results)}
    one, two = builder.full(x.type, 1.0), builder.full(x.type, 2.0)
    through = backpropagate(builder, body, env, {z.value: one, y.value: two})
    stopped = backpropagate(builder, body, env, {z.value: one}, stop=[y.value])
    builder.finish([through[y.value], through[x.value], stopped[y.value]])
    assert [float(r) for r in interpret(f, 1.0)] == [7.0, 21.0, 5.0]
    assert x.value not in stopped
