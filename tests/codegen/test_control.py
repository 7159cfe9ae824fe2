"""Loops and branches as native control flow, with their derivatives."""

from __future__ import annotations

import numpy as np
import pytest
from compiled import assert_close, run

from tapejit.ir import ops
from tapejit.ir.builder import Builder
from tapejit.ir.control import cond
from tapejit.ir.interpreter import interpret
from tapejit.ir.loop import while_
from tapejit.ir.passes.pipeline import canonicalise
from tapejit.ir.transforms.adjoint import adjoint
from tapejit.ir.types import TensorType

VECTOR, COUNT, SCALAR = TensorType("f64", (4,)), TensorType("i64"), TensorType("f64")


def region(name, types, rule):
    builder = Builder(name, types)
    return builder.finish(rule(*builder.params))


def repeated(steps):
    """x goes `steps` times through sin(x) * w, and is added up."""
    builder = Builder("repeated", [("x", VECTOR), ("w", VECTOR)])
    x, w = builder.params
    n = builder.full(COUNT, 0)
    types = [VECTOR, COUNT, VECTOR]
    predicate = region("predicate", types, lambda x, n, w: [ops.lt(n, n.like(steps))])
    body = region("body", types, lambda x, n, w: [ops.sin(x) * w, n + n.like(1)])
    last, _ = while_.several(x, n, w, carry=2, regions=(predicate, body))
    return builder.finish([ops.reduce_sum(last, axes=(0,))])


@pytest.mark.parametrize("steps", [0, 1, 5, 16, 70])
def test_a_loop_and_its_adjoint(steps):
    """More steps than there is memory for at first, and none at all."""
    function = canonicalise(adjoint(repeated(steps), unit_seed=True))
    args = [np.array([0.3, -0.4, 1.2, 2.0]), np.array([1.1, 0.9, -1.2, 1.5])]
    for found, expected in zip(run(function, *args), interpret(function, *args), strict=True):
        assert_close(found, expected, ulps=8 + 16 * steps)


def nested():
    """A loop in a branch in a loop."""
    types = [SCALAR, COUNT]
    few = region("few", types, lambda x, n: [ops.lt(n, n.like(3))])
    halve = region("halve", types, lambda x, n: [x * 0.5, n + n.like(1)])

    def small(x):
        zero = x.builder.full(COUNT, 0)
        return while_.several(x, zero, carry=2, regions=(few, halve))[:1]

    def step(x, n):
        branches = (region("large", [SCALAR], lambda x: [x - 1.0]), region("small", [SCALAR], small))
        (y,) = cond.several(ops.gt(x, x.like(1.0)), x, regions=branches)
        return [y, n + n.like(1)]

    builder = Builder("nested", [("x", SCALAR)])
    (x,) = builder.params
    several = region("several", types, lambda x, n: [ops.lt(n, n.like(6))])
    body = region("body", types, step)
    last, _ = while_.several(x, builder.full(COUNT, 0), carry=2, regions=(several, body))
    return builder.finish([last])


@pytest.mark.parametrize("x", [4.5, 0.5, -3.0])
def test_control_flow_nests(x):
    function = canonicalise(adjoint(nested(), unit_seed=True))
    for found, expected in zip(run(function, np.array(x)), interpret(function, np.array(x)), strict=True):
        np.testing.assert_array_equal(found, expected)
