"""Rows that several depths of loops share, and nests that make way for them."""

from __future__ import annotations

import numpy as np
import pytest
from compiled import assert_matches
from models import build, joint, log_sum_exp, spread_columns, spread_rows, total
from plain import run_plainly

from tapejit.codegen.schedule import Schedule, schedule
from tapejit.ir import ops
from tapejit.ir.builder import Var
from tapejit.ir.function import Function
from tapejit.ir.interpreter import interpret
from tapejit.ir.signature import signature_of

POINTS, CENTRES, WIDTH = ("x", (9, 4)), ("c", (5, 4)), ("w", (5,))


def scheduled(function: Function) -> Schedule:
    return schedule(function, signature_of(function))


def shape(plan: Schedule) -> list[tuple[tuple[int, ...], list[tuple[int, ...]]]]:
    return [(nest.rows, [phase.inner for phase in nest.phases]) for nest in plan.nests]


def squares(x: Var, c: Var) -> Var:
    """Of the distances of each point from each centre."""
    whole = (x.shape[0], *c.shape)
    offsets = ops.broadcast(x, shape=whole, dims=(0, 2)) - ops.broadcast(c, shape=whole, dims=(1, 2))
    return ops.reduce_sum(offsets * offsets, axes=(2,))


def mixture(x: Var, c: Var, w: Var) -> Var:
    """A table of points and centres, its log-sum-exps, less that of the weights, which comes in between."""
    table = squares(x, c)
    logits = spread_columns(w, table) - table
    return total(log_sum_exp(logits) - ops.broadcast(log_sum_exp(w), shape=x.shape[:1], dims=()))


def check(function: Function) -> None:
    random = np.random.default_rng(0)
    args = [random.normal(size=v.type.shape) for v in function.params]
    for found, expected in zip(run_plainly(function, *args), interpret(function, *args), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14)


def test_rows_within_rows_become_phases():
    """Sums over the innermost loop, extremes over the next one, differences of both."""

    def rule(x):
        inner = ops.reduce_sum(x, axes=(2,))
        return inner - spread_rows(ops.reduce_max(inner, axes=(1,)), inner)

    function = build("f", rule, ("x", (6, 5, 4)))
    assert shape(scheduled(function)) == [((6,), [(5, 4), (5,), (5,)])]
    check(function)


def test_what_reads_a_table_joins_the_nest_over_fewer_rows():
    def rule(x):
        inner = ops.reduce_sum(x, axes=(2,))
        centred = inner - spread_rows(ops.reduce_max(inner, axes=(1,)), inner)
        return (offset := x - spread_rows(centred, x)) * offset

    function = build("f", rule, ("x", (6, 5, 4)))
    assert shape(scheduled(function)) == [((6,), [(5, 4), (5,), (5, 4)])]
    check(function)


def test_rows_of_another_shape_are_not_shared():
    def rule(x):
        inner = ops.reduce_sum(x, axes=(2,))
        first = ops.reduce_max(ops.reshape(inner, shape=(10, 3)), axes=(1,))
        return ops.reshape(inner, shape=(10, 3)) - ops.broadcast(first, shape=(10, 3), dims=(0,))

    function = build("f", rule, ("x", (6, 5, 4)))
    assert all(nest.rows in ((), (6, 5), (10,)) for nest in scheduled(function).nests)
    check(function)


def test_a_mixture_and_its_gradient_are_one_pass():
    """What depends on the weights alone makes way, so that no table of points and centres is in memory."""
    function = joint(build("f", mixture, POINTS, CENTRES, WIDTH))
    plan = scheduled(function)
    tables = [nest for nest in plan.nests if any(root.size >= 9 * 5 for root in nest.roots)]
    assert [nest.rows for nest in tables] == [(9,)]
    assert any("moved ahead" in nest.reason for nest in plan.nests)
    random = np.random.default_rng(1)
    assert_matches(function, *(random.normal(size=v.type.shape) for v in function.params), ulps=128)


def test_what_needs_the_nest_itself_is_not_moved():
    def rule(x):
        sums = ops.reduce_sum(x, axes=(1,))
        largest = ops.broadcast(ops.reduce_max(sums, axes=(0,)), shape=sums.shape, dims=())
        return x * (spread_rows(sums, x) - spread_rows(largest, x))

    function = build("f", rule, ("x", (6, 5)))
    plan = scheduled(function)
    assert len(plan.nests) == 2
    assert not any("moved" in nest.reason for nest in plan.nests)
    check(function)


def test_what_needs_the_nest_by_way_of_another_is_not_moved():
    def rule(x, y):
        sums = ops.reduce_sum(x, axes=(1,))
        scale = ops.reduce_sum(y * ops.broadcast(total(sums), shape=y.shape, dims=()), axes=(0,))
        return (x - spread_rows(sums, x)) * ops.broadcast(scale, shape=x.shape, dims=())

    function = build("f", rule, ("x", (6, 5)), ("y", (7,)))
    assert not any("moved" in nest.reason for nest in scheduled(function).nests)
    check(function)


@pytest.mark.parametrize("calls", [1, 3])
def test_library_calls_make_way_in_their_order(calls):
    """Products of large matrices, each of the one before, that are ready before the rows are."""

    def rule(x, y):
        sums = ops.reduce_sum(x * x, axes=(1,))
        for _ in range(calls):
            y = ops.dot_general(y, y, contract=((1,), (0,)), batch=((), ()))
        return (x - spread_rows(sums, x)) * y

    function = build("f", rule, ("x", (12, 12)), ("y", (12, 12)))
    plan = scheduled(function)
    assert [nest.is_call for nest in plan.nests] == [True] * calls + [False]
    check(function)
