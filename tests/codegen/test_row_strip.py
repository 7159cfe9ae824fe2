"""Rows in strips, phase by phase: which nests run so, and that results stay."""

from __future__ import annotations

import re

import models
import numpy as np
import pytest
from compiled import assert_matches, compile_source
from models import build, joint, total

from tapejit.codegen.describe import describe
from tapejit.codegen.schedule import schedule
from tapejit.ir import ops
from tapejit.ir.signature import signature_of


def strips(function, general: bool = False) -> list[int]:
    return [nest.strip for nest in schedule(function, signature_of(function), general).nests]


def batched(x):
    """Softmax over the last of three dimensions."""
    kept = {"shape": x.shape, "dims": (0, 1)}
    e = ops.exp(x - ops.broadcast(ops.reduce_max(x, axes=(2,)), **kept))
    return e / ops.broadcast(ops.reduce_sum(e, axes=(2,)), **kept)


def positions(x):
    """Where rows are largest, and what they are without it."""
    top = ops.reduce_max(x, axes=(1,))
    return ops.argmax(x, axes=(1,)), ops.exp(x - models.spread_rows(top, x))


def reduced(x):
    """Values per row that later phases share, sums over rows, over columns and over everything."""
    norm = ops.sqrt(ops.reduce_sum(x * x, axes=(1,)))
    y = ops.tanh(x / models.spread_rows(norm, x))
    return ops.log(norm), ops.reduce_sum(y, axes=(0,)), total(y), total(ops.log(norm)), y


def deep(x):
    """Longer chains of calls than a processor looks over, in each row."""
    y = x - models.spread_rows(ops.reduce_sum(x, axes=(1,)), x)
    for _ in range(6):
        y = ops.sin(y)
    return ops.reduce_sum(y, axes=(1,))


CASES = {
    "softmax": lambda: build("f", models.softmax, ("x", (75, 100))),
    "adjoint": lambda: joint(build("f", models.cross_entropy, ("x", (41, 60)), ("target", (41, 60)))),
    "single precision": lambda: joint(
        build("f", models.cross_entropy, ("x", (50, 70)), ("target", (50, 70)), dtype="f32")
    ),
    "blocks": lambda: joint(
        build("f", models.logistic_loss, ("x", (9_001, 50)), ("y", (9_001,)), ("w", (50,)))
    ),
    "two ranges of rows": lambda: build("f", batched, ("x", (3, 21, 40))),
    "positions": lambda: build("f", positions, ("x", (33, 50))),
    "reduced": lambda: build("f", reduced, ("x", (77, 90))),
    "long sums": lambda: build("f", reduced, ("x", (9, 2_000)), dtype="f32"),
    "few rows": lambda: build("f", models.softmax, ("x", (8, 40))),
}


@pytest.mark.parametrize("case", CASES)
def test_results_are_what_the_interpreter_says(case):
    function = CASES[case]()
    assert max(strips(function)) > 1
    random = np.random.default_rng(3)
    args = [random.normal(size=v.type.shape).astype(v.type.numpy_dtype) for v in function.params]
    assert_matches(function, *args, ulps=256)


def test_special_values_stay_in_their_rows():
    x = np.random.default_rng(4).normal(size=(75, 60))
    x[0, 0], x[7, 5], x[20, 2], x[21], x[-1, -1] = np.nan, np.inf, -np.inf, -0.0, np.nan
    with np.errstate(invalid="ignore"):
        assert_matches(build("f", models.softmax, ("x", x.shape)), x)
        assert_matches(build("f", positions, ("x", x.shape)), x)


def test_what_takes_long_per_row_is_done_for_all_rows_of_a_strip():
    source = compile_source(CASES["adjoint"](), signature_of(CASES["adjoint"]()))
    assert re.search(r"for offset in range\([^\n]*\n( +\w+ = [^\n]*\n)* +\w+ = log\(", source)


def test_strips_hold_what_stays_in_cache():
    """Fewer of the longer rows; none of those that fill it alone."""
    found = [max(strips(build("f", models.softmax, ("x", (100, n))))) for n in (40, 100, 400, 1_000, 10_000)]
    assert found == sorted(found, reverse=True)
    assert found[0] > 32
    assert found[-1] == 0


def test_short_rows_few_rows_deep_loops_and_single_phases_do_not():
    assert not any(strips(build("f", models.softmax, ("x", (300, 10)))))
    assert not any(strips(build("f", models.softmax, ("x", (7, 100)))))
    assert not any(strips(build("f", deep, ("x", (50, 100)))))
    assert not any(strips(build("f", lambda x: ops.reduce_sum(x, axes=(1,)), ("x", (50, 100)))))


def test_strips_of_long_rows_in_general_programs_do_not_depend_on_sizes():
    shapes = ((20, 100), (9, 80), (300, 300), (5, 1_000))
    assert {max(strips(build("f", models.softmax, ("x", s)), general=True)) for s in shapes} == {16}


def test_the_schedule_says_so():
    function = CASES["softmax"]()
    assert "strips of 16 rows, phase by phase" in describe(schedule(function, signature_of(function)))
