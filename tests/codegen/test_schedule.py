"""Which roots share a nest, and why others do not; nothing is compiled here."""

from __future__ import annotations

from collections.abc import Callable

import models
import pytest
from models import build, total

from tapejit.codegen.describe import describe
from tapejit.codegen.root import Kind
from tapejit.codegen.schedule import Schedule, schedule
from tapejit.ir import ops
from tapejit.ir.signature import signature_of

X = ("x", (8, 5))


def scheduled(rule: Callable, *params) -> Schedule:
    function = build("f", rule, *params)
    return schedule(function, signature_of(function))


def shape(plan: Schedule) -> list[tuple[tuple[int, ...], list[tuple[int, ...]]]]:
    """Rows, and the inner extents of the phases, of each nest."""
    return [(nest.rows, [phase.inner for phase in nest.phases]) for nest in plan.nests]


def rows_sum(x):
    return ops.reduce_sum(x, axes=(1,))


def test_elementwise_and_every_reduction_of_one_space_share_a_nest():
    plan = scheduled(lambda x: (ops.sin(x), total(x), rows_sum(x), ops.reduce_max(x, axes=(0,))), X)
    assert shape(plan) == [((), [(8, 5)])]


def test_what_needs_row_sums_runs_over_rows():
    plan = scheduled(lambda x: x - models.spread_rows(rows_sum(x), x), X)
    assert shape(plan) == [((8,), [(5,), (5,)])]


def test_rows_may_have_several_dimensions():
    plan = scheduled(models.softmax, ("x", (2, 3, 1, 4)))
    assert shape(plan) == [((2, 3), [(4,), (4,), (4,)])]


def test_one_element_per_row_stands_between_the_loops():
    plan = scheduled(lambda x: (s := ops.exp(rows_sum(x)), x * models.spread_rows(s, x)), X)
    assert shape(plan) == [((8,), [(5,), (), (5,)])]


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        (lambda x: x * models.spread_columns(ops.reduce_sum(x, axes=(0,)), x), "reads in another order"),
        (lambda x: x * ops.broadcast(total(x), shape=x.shape, dims=()), "complete only after the nest"),
        (lambda x: (ops.exp(x), ops.transpose(ops.exp(x), perm=(1, 0)) * 2.0), "reads in another order"),
        (lambda x: (x * 2.0, ops.slice_(x, start=(0, 0), stop=(8, 4), step=(1, 1)) * 2.0), "another space"),
    ],
)
def test_reasons_for_a_cut(rule, reason):
    nests = scheduled(rule, X).nests
    assert len(nests) == 2
    assert reason in nests[1].reason


def test_products_are_calls_unless_a_vector_or_tiny():
    sides = {(40, 40, 40): Kind.LIBRARY, (40, 40, 1): Kind.FOLD, (1, 40, 40): Kind.FOLD, (8, 8, 8): Kind.FOLD}
    for (m, k, n), kind in sides.items():
        plan = scheduled(models.matmul, ("x", (m, k)), ("y", (k, n)))
        assert plan.plan.roots[0].kind is kind


def test_a_transposed_product_is_computed_transposed():
    plan = scheduled(
        lambda x, y: ops.transpose(models.matmul(x, y), perm=(1, 0)), ("x", (30, 40)), ("y", (40, 20))
    )
    assert [root.kind for root in plan.plan.roots] == [Kind.LIBRARY]


def test_expensive_values_are_stored_once_and_cheap_ones_computed_again():
    def both(rule):
        return lambda x: (rows_sum(rule(x)), rule(x) / models.spread_rows(rows_sum(rule(x)), x))

    kinds = {
        rule: [root.kind for root in scheduled(both(rule), X).plan.roots].count(Kind.DEFINE)
        for rule in (ops.exp, ops.neg)
    }
    assert kinds == {ops.exp: 2, ops.neg: 1}


def test_describe_says_what_runs_over_what():
    text = describe(scheduled(models.softmax, X))
    assert (
        text
        == """\
nest 1 over rows [8]  (first nest)
  loops [5]: fold reduce_max to a temporary
  loops [5]: store exp to a temporary, fold reduce_sum to a temporary
  loops [5]: store div to result 0
  reads 768 bytes, writes 768 bytes
  serial: about 0 µs of work; strips of 8 rows, phase by phase
"""
    )
