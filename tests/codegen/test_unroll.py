"""Small last dimensions become separate values: loops of three iterations are gone, results stay."""

from __future__ import annotations

import numpy as np
import pytest
from compiled import assert_matches, compile_source
from models import build, joint, total

from tapejit.codegen.unroll import unrolled
from tapejit.ir import ops
from tapejit.ir.interpreter import interpret
from tapejit.ir.signature import signature_of
from tapejit.ir.verifier import verify

POINTS = ("x", (600, 3))


def energy(x):
    count, width = x.shape
    shape = (count, count, width)
    offsets = ops.broadcast(x, shape=shape, dims=(0, 2)) - ops.broadcast(x, shape=shape, dims=(1, 2))
    return total(ops.rsqrt(ops.reduce_sum(offsets * offsets, axes=(2,)) + 0.5))


CASES = {
    "rows": lambda x: ops.reduce_sum(ops.sin(x) * x, axes=(1,)),
    "columns": lambda x: ops.reduce_sum(ops.cos(x), axes=(0,)),
    "largest": lambda x: (ops.reduce_max(x, axes=(1,)), ops.reduce_min(x * x, axes=(0,))),
    "products": lambda x: (ops.reduce_prod(x, axes=(1,)), ops.reduce_all(ops.gt(x, x * x), axes=(1,))),
    "shared with a result": lambda x: (s := ops.sin(x), ops.reduce_sum(s, axes=(1,)) * 2.0),
    "columns used again": lambda x: ops.reduce_sum(ops.exp(x), axes=(0,)) * 2.0,
    "nothing to unroll": lambda x: (total(x), ops.sin(x)),
}


@pytest.mark.parametrize("name", CASES)
def test_results_stay(name):
    function = build("f", CASES[name], POINTS)
    found = unrolled(function)
    verify(found)
    assert found.params == function.params
    assert found.results == function.results
    x = np.random.default_rng(0).normal(size=POINTS[1])
    for a, b in zip(interpret(found, x), interpret(function, x), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-14)


def test_pairs_of_points_run_in_two_loops():
    function = joint(build("f", energy, POINTS))
    source = compile_source(function, signature_of(function))
    assert "range(3)" not in source
    assert source.count("rsqrt(") == 2  # beside the diagonal, and on it
    assert_matches(function, np.random.default_rng(0).normal(size=POINTS[1]))


def test_a_sum_of_everything_and_a_wide_dimension_are_left_alone():
    for rule, shape in ((total, (600, 3)), (lambda x: ops.reduce_sum(x, axes=(1,)), (600, 5))):
        function = build("f", rule, ("x", shape))
        assert unrolled(function) is function
