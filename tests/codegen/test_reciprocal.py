"""Quotients of one root: fewer divisions, the same bits but for squares of reciprocals."""

from __future__ import annotations

import numpy as np
import pytest
from models import build, joint, total

from tapejit.codegen.reciprocal import shared_reciprocals
from tapejit.ir import ops
from tapejit.ir.function import Function
from tapejit.ir.interpreter import interpret
from tapejit.ir.verifier import verify

SPECIAL = (0.0, 5e-324, 1e-310, 1e-45, 1e-38, 0.1, 1.0, 2.0, 3.0, 1e38, 1.7e308, np.inf, np.nan, -1.0, -0.0)


def divisions(function: Function) -> int:
    return sum(instr.primitive is ops.div for instr in function.body)


@pytest.mark.parametrize("dtype", ["f64", "f32"])
@pytest.mark.parametrize("number", [0.5, 2.0, -0.5, -1.0, -2.0])
def test_quotients_of_one_root_share_its_reciprocal(dtype, number):
    function = build("f", lambda x: (1.0 / (r := ops.sqrt(x)), number / r), ("x", (30,)), dtype=dtype)
    new = shared_reciprocals(function)
    verify(new)
    assert new.results == function.results
    assert (divisions(function), divisions(new)) == (2, 1)
    with np.errstate(all="ignore"):
        x = np.array(SPECIAL).astype(np.float64 if dtype == "f64" else np.float32)
        x = np.concatenate([x, np.random.default_rng(0).uniform(0, 9, 15).astype(x.dtype)])
        for found, expected in zip(interpret(new, x), interpret(function, x), strict=True):
            np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    "rule",
    [
        lambda x: (0.5 / ops.sqrt(x), 2.0 / ops.sqrt(x)),
        lambda x: (1.0 / ops.sqrt(x), 3.0 / ops.sqrt(x)),
        lambda x: (1.0 / ops.sqrt(x), 0.5 / ops.sqrt(x + 1.0)),
        lambda x: (1.0 / x, 0.5 / x),
        lambda x: (1.0 / (r := ops.sqrt(x)), x / r),
        lambda x: (1.0 / ops.sqrt(x)) / ops.sqrt(x + 1.0),
        lambda x: (1.0 / x) / x,
    ],
)
def test_other_quotients_stay(rule):
    function = build("f", rule, ("x", (4,)))
    assert shared_reciprocals(function).body == function.body


def test_the_derivative_of_a_reciprocal_root():
    function = joint(build("f", lambda x: total(1.0 / ops.sqrt(x)), ("x", (4,))))
    assert divisions(function) == 3
    assert divisions(shared_reciprocals(function)) == 1


@pytest.mark.parametrize("dtype", ["f64", "f32"])
def test_a_reciprocal_over_its_root_is_a_square(dtype):
    function = build("f", lambda x: (1.0 / (r := ops.sqrt(x))) / r, ("x", (30,)), dtype=dtype)
    new = shared_reciprocals(function)
    verify(new)
    assert (divisions(function), divisions(new)) == (2, 1)
    with np.errstate(all="ignore"):
        x = np.array(SPECIAL).astype(np.float64 if dtype == "f64" else np.float32)
        x = np.concatenate([x, np.random.default_rng(0).uniform(0, 9, 15).astype(x.dtype)])
        (found,), (expected,) = interpret(new, x), interpret(function, x)
        finite = np.isfinite(expected)
        np.testing.assert_array_equal(found[~finite], expected[~finite])
        np.testing.assert_array_max_ulp(found[finite], expected[finite], 2)


def test_what_is_divided_by_a_root_twice_takes_its_reciprocal_where_that_is_there():
    def rule(x, y):
        root = ops.broadcast(ops.sqrt(x), shape=(2, 15), dims=(0,))
        inverse, normal = 1.0 / root, y / root
        return normal, normal / root, inverse

    function = build("f", rule, ("x", (2,)), ("y", (2, 15)))
    new = shared_reciprocals(function)
    verify(new)
    assert (divisions(function), divisions(new)) == (3, 2)
    y = np.stack([SPECIAL, np.random.default_rng(0).normal(size=15)])
    with np.errstate(all="ignore"):
        for x in ([0.0, 3.0], [np.inf, 1e-310], [1e300, np.nan], [-1.0, 7.0]):
            args = np.array(x), y
            for found, expected in zip(interpret(new, *args), interpret(function, *args), strict=True):
                finite = np.isfinite(expected)
                np.testing.assert_array_equal(found[~finite], expected[~finite])
                np.testing.assert_array_max_ulp(found[finite], expected[finite], 2)
