"""Powers of two leave sums, and nothing else changes."""

from __future__ import annotations

import numpy as np
import pytest
from models import build, total

from tapejit.codegen.scale import unscaled_sums
from tapejit.ir import ops
from tapejit.ir.function import Function
from tapejit.ir.interpreter import interpret
from tapejit.ir.verifier import verify

X, Y = ("x", (9, 10)), ("y", (9, 10))


def products(function: Function) -> int:
    """Instructions that compute something of 90 elements."""
    arithmetic = (ops.mul, ops.add, ops.neg)
    return sum(i.primitive in arithmetic and i.results[0].type.size == 90 for i in function.body)


def check(function: Function, ulps: int = 0) -> Function:
    new = unscaled_sums(function)
    verify(new)
    assert new.results == function.results
    random = np.random.default_rng(0)
    args = [random.normal(size=v.type.shape).astype(v.type.numpy_dtype) for v in function.params]
    for found, expected in zip(interpret(new, *args), interpret(function, *args), strict=True):
        assert found.dtype == expected.dtype
        np.testing.assert_array_max_ulp(found, expected, ulps) if ulps else np.testing.assert_array_equal(
            found, expected
        )
    return new


LEAVE = {
    "a number": (lambda x, y: total(x * 0.5), 0),
    "before a product": (lambda x, y: total(x * 0.5 * y), 1),
    "in both factors": (lambda x, y: total((x * -0.25) * (y * 8.0)), 1),
    "doubled": (lambda x, y: total((z := x * y) + z), 1),
    "negated": (lambda x, y: total(-(x * y)), 1),
    "of rows": (lambda x, y: ops.reduce_sum(x * -2.0, axes=(1,)), 0),
    "of columns": (lambda x, y: ops.reduce_sum(x * 2.0 * y, axes=(0,)), 1),
    "moved": (lambda x, y: total(ops.transpose(x * 0.5, perm=(1, 0))), 0),
    "two sums of one core": (lambda x, y: (total(z := x * y), ops.reduce_sum(-z, axes=(0,))), 1),
    "what adds up to one": (lambda x, y: total((x * 0.5) * (y * 2.0)), 1),
    "halves doubled": (lambda x, y: total((z := x * 0.5) + z), 0),
}


@pytest.mark.parametrize("dtype", ["f64", "f32"])
@pytest.mark.parametrize("name", LEAVE)
def test_powers_of_two_leave_sums(name, dtype):
    rule, left = LEAVE[name]
    function = build("f", rule, X, Y, dtype=dtype)
    assert products(check(function)) == left


STAY = {
    "another number": lambda x, y: total(x * 0.3),
    "a sum of two": lambda x, y: total(x * 0.5 + y),
    "what a function reads": lambda x, y: total(ops.sin(x * 0.5)),
    "results": lambda x, y: (z := x * 0.5, total(z * y)),
    "largest": lambda x, y: ops.reduce_max(x * 0.5, axes=(0,)),
    "few elements": lambda x, y: ops.reduce_sum(ops.reshape(x * 0.5, shape=(45, 2)), axes=(1,)),
    "far from one": lambda x, y: total(x * 2.0**-40),
    "not finite": lambda x, y: total(x * np.inf),
    "zero": lambda x, y: total(x * 0.0),
}


@pytest.mark.parametrize("name", STAY)
def test_what_else_is_scaled_stays(name):
    function = build("f", STAY[name], X, Y)
    new = check(function)
    assert products(new) == products(function)


def test_sums_of_nothing_and_of_zeros_are_no_negative_zeros():
    for shape in ((0, 10), (9, 10)):
        function = build("f", lambda x: total(-x), ("x", shape))
        (found,) = interpret(unscaled_sums(function), np.zeros(shape))
        assert found == 0.0
        assert not np.signbit(found)


def test_special_values():
    function = build("f", lambda x, y: ops.reduce_sum(-0.5 * x * y, axes=(0,)), X, Y)
    x, y = np.ones((2, 9, 10))
    x[0, :4] = np.nan, np.inf, -np.inf, 1e308
    y[0, 4] = np.inf
    for found, expected in zip(
        interpret(unscaled_sums(function), x, y), interpret(function, x, y), strict=True
    ):
        np.testing.assert_array_equal(found, expected)


def test_few_elements_matter_only_where_sizes_are_known():
    function = build("f", STAY["few elements"], X, Y)
    assert products(unscaled_sums(function, general=True)) == 0
