"""Random small IR functions for the property tests: hypothesis strategies of `(function, arguments)`.

A function is built instruction by instruction from a drawn list of choices, so that a failing one
shrinks. All values are f64 of one shape, or of one that a reduction and a broadcast lead back from;
the arguments draw on the numbers that arithmetic treats specially.
"""

import numpy as np
from hypothesis import strategies as st

from tapejit.ir import control, ops
from tapejit.ir.builder import Builder
from tapejit.ir.loop import while_
from tapejit.ir.types import TensorType
from tapejit.ir.verifier import verify

SHAPE = (2, 3)
SPECIAL = (0.0, -0.0, 1.0, -1.0, 0.5, 2.0, np.inf, -np.inf, np.nan, 5e-324, 1e308, -1e-308, 3.0)


def product(x, y, i, j):
    return ops.dot_general(x, y, contract=((i,), (j,)), batch=((), ()))


def loop(xs, data_dependent):
    """Two values that turn into one another, for four steps or until a sum is too large."""
    types = [("x", xs[0].type), ("y", xs[1].type), ("n", TensorType("i64")), ("z", xs[2].type)]
    goes_on, body = Builder("goes_on", types), Builder("body", types)
    x, y, n, z = goes_on.params
    few = ops.lt(n, n.like(4))
    total = ops.reduce_sum(x, axes=(0, 1))
    small = ops.lt(total, total.like(3.0))
    predicate = goes_on.finish([ops.logical_and(few, small) if data_dependent else few])
    x, y, n, z = body.params
    step = body.finish([y * ops.cos(z), ops.sin(x) + z * (x - x), n + n.like(1)])
    count = xs[0].builder.full(TensorType("i64"), 0)
    return while_.several(xs[0], xs[1], count, xs[2], carry=3, regions=(predicate, step))[0]


def small(number):
    """An exponent from -3 to 3."""
    return int(np.clip(np.nan_to_num(number), -3, 3))


SMOOTH = (
    *((lambda xs, c, row=row: row(xs[0])) for row in (ops.sin, ops.cos, ops.tanh, ops.neg, ops.arctan)),
    *((lambda xs, c, row=row: row(xs[0], xs[1])) for row in (ops.add, ops.sub, ops.mul)),
    lambda xs, c: xs[0] / (2.0 + ops.sin(xs[1])),
    lambda xs, c: xs[0] * c,
    lambda xs, c: c - xs[0],
    lambda xs, c: ops.integer_pow(ops.sin(xs[0]), exponent=small(c) % 4),
    lambda xs, c: ops.reverse(xs[0], axes=(1,)),
    lambda xs, c: ops.reshape(ops.transpose(xs[0], perm=(1, 0)), shape=SHAPE),
    lambda xs, c: ops.transpose(ops.transpose(xs[0], perm=(1, 0)), perm=(1, 0)),
    lambda xs, c: ops.broadcast(ops.reduce_sum(xs[0], axes=(1,)), shape=SHAPE, dims=(0,)),
    lambda xs, c: ops.broadcast(ops.reduce_prod(ops.sin(xs[0]), axes=(0, 1)), shape=SHAPE, dims=()),
    lambda xs, c: ops.concat(
        *(ops.slice_(x, start=(k, 0), stop=(k + 1, 3), step=(1, 1)) for k, x in enumerate(xs[:2])), axis=0
    ),
    lambda xs, c: ops.slice_(
        ops.pad(xs[0], low=(1, 0), high=(0, 0), interior=(0, 0), value=c),
        start=(1, 0),
        stop=(3, 3),
        step=(1, 1),
    ),
    lambda xs, c: ops.slice_(ops.concat(xs[0], xs[1], axis=1), start=(0, 1), stop=(2, 4), step=(1, 1)),
    lambda xs, c: product(xs[0], product(xs[1], xs[0], 0, 0), 1, 1),
    lambda xs, c: loop(xs, data_dependent=False),
)
ROUGH = (
    *(
        (lambda xs, c, row=row: row(xs[0], xs[1]))
        for row in (ops.div, ops.maximum, ops.minimum, ops.pow_, ops.mod, ops.floor_div)
    ),
    *(
        (lambda xs, c, row=row: row(xs[0]))
        for row in (ops.abs_, ops.sqrt, ops.exp, ops.log, ops.sign, ops.floor, ops.stop_gradient, ops.rsqrt)
    ),
    lambda xs, c: xs[0] / xs[0].like(c),
    lambda xs, c: xs[0] + c,
    lambda xs, c: ops.pow_(xs[0], xs[0].like(c)),
    lambda xs, c: ops.integer_pow(xs[0], exponent=small(c)),
    lambda xs, c: ops.select(ops.lt(xs[0], xs[1]), xs[1], xs[2]),
    lambda xs, c: ops.select(ops.logical_not(ops.eq(xs[0], xs[1])), xs[1] + 1.0, xs[2]),
    lambda xs, c: nested_choice(xs),
    lambda xs, c: ops.cast(ops.gt(xs[0], xs[0].like(c)), dtype="f64"),
    lambda xs, c: ops.cast(ops.cast(xs[0], dtype="f32"), dtype="f64"),
    lambda xs, c: ops.broadcast(ops.reduce_max(xs[0], axes=(0,)), shape=SHAPE, dims=(1,)),
    lambda xs, c: branch(xs),
    lambda xs, c: loop(xs, data_dependent=True),
)


def nested_choice(xs):
    c = ops.ge(xs[0], xs[1])
    return ops.select(c, ops.select(c, xs[0], xs[1]) * xs[2], ops.select(c, xs[1], xs[2]))


def branch(xs):
    """A `cond` whose branches share work with each other and hold some that is dead or constant."""
    pred = ops.reduce_any(ops.gt(xs[0], xs[1]), axes=(0, 1))
    sides = []
    for name, row in (("true", ops.mul), ("false", ops.maximum)):
        side = Builder(name, [x.type for x in xs])
        x, y, z = side.params
        product = row(x, y)
        sides.append(side.finish([product - (-z) * 1.0, ops.sin(product)]))
    return control.cond.several(pred, *xs, regions=tuple(sides))[0]


@st.composite
def functions(draw, steps, numbers):
    """A function of two parameters and its arguments, from `steps` and constants out of `numbers`."""
    builder = Builder("f")
    values = [builder.param(TensorType("f64", SHAPE), name) for name in ("x", "y")]
    for _ in range(draw(st.integers(1, 8))):
        operands = [draw(st.sampled_from(values)) for _ in range(3)]
        values.append(draw(st.sampled_from(steps))(operands, draw(st.sampled_from(numbers))))
    results = [values[-1], draw(st.sampled_from(values))]
    size = SHAPE[0] * SHAPE[1]
    arrays = [np.array(draw(st.lists(st.sampled_from(numbers), min_size=size, max_size=size))) for _ in "xy"]
    return verify(builder.finish(results)), [a.reshape(SHAPE) for a in arrays]
