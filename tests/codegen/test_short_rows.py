"""Rows side by side, one per lane: which nests run so, and that results stay."""

from __future__ import annotations

import re

import models
import numpy as np
import pytest
from compiled import assert_matches, compile_function, compile_source
from models import build, joint, total

from tapejit.codegen.schedule import schedule
from tapejit.ir import ops
from tapejit.ir.gather import gather
from tapejit.ir.signature import signature_of

ROWS = 300  # strips of 128 and 256, and some rows over


def lanes(function, general: bool = False) -> list[int]:
    return [nest.lanes for nest in schedule(function, signature_of(function), general).nests]


def mixture(x, centre, scale):
    """Log-densities of each row under a few components, and their log-sum-exp."""
    shape = (x.shape[0], *centre.shape)
    spread = (
        ops.broadcast(v, shape=shape, dims=dims)
        for v, dims in ((x, (0, 2)), (centre, (1, 2)), (scale, (1, 2)))
    )
    x, centre, scale = spread
    distance = (x - centre) * ops.exp(-scale)
    return total(models.log_sum_exp(ops.reduce_sum(distance * distance, axes=(2,)) * -0.5))


def positions(x):
    return ops.argmax(x, axes=(1,)), ops.reduce_max(x, axes=(1,)), ops.exp(x)


def picked(x):
    e = models.softmax(x)
    at = ops.argmax(x, axes=(1,))
    column = gather(ops.reduce_sum(e, axes=(0,)), at, axis=0)
    return ops.log(column), e


def numbered(x):
    """What is computed once per outer row is used after the loops in it."""
    at = ops.argmax(x, axes=(2,))
    row = ops.iota(builder=x.builder, dtype="i64", shape=at.shape, axis=0)
    return at + row * row.like(at.shape[1])


def reduced(x):
    """Sums of rows, of columns, of everything, and a column that is left out."""
    y = ops.exp(x - models.spread_rows(ops.reduce_sum(x, axes=(1,)), x))
    part = ops.slice_(y, start=(0, 1), stop=y.shape, step=(1, 1))
    return (
        ops.reduce_sum(y, axes=(1,)),
        ops.reduce_sum(y, axes=(0,)),
        ops.reduce_max(y, axes=(0,)),
        total(y),
        part,
    )


CASES = {
    "softmax": lambda: build("f", models.softmax, ("x", (ROWS, 10))),
    "adjoint": lambda: joint(build("f", models.cross_entropy, ("x", (ROWS, 10)), ("target", (ROWS, 10)))),
    "single precision": lambda: joint(
        build("f", models.cross_entropy, ("x", (ROWS, 7)), ("target", (ROWS, 7)), dtype="f32")
    ),
    "three ranges": lambda: joint(build("f", mixture, ("x", (ROWS, 6)), ("c", (5, 6)), ("s", (5, 6)))),
    "positions": lambda: build("f", positions, ("x", (ROWS, 5))),
    "picked": lambda: build("f", picked, ("x", (ROWS, 5))),
    "numbered": lambda: build("f", numbered, ("x", (ROWS, 3, 5))),
    "reduced": lambda: build("f", reduced, ("x", (ROWS, 9))),
    "few rows": lambda: build("f", models.softmax, ("x", (33, 3))),
}


@pytest.mark.parametrize("case", CASES)
def test_results_are_what_the_interpreter_says(case):
    function = CASES[case]()
    assert any(lanes(function))
    random = np.random.default_rng(3)
    args = [random.normal(size=v.type.shape).astype(v.type.numpy_dtype) for v in function.params]
    assert_matches(function, *args, ulps=128)


def test_special_values_stay_in_their_rows():
    x = np.random.default_rng(4).normal(size=(ROWS, 6))
    x[0, 0], x[7, 5], x[200, 2], x[201], x[-1, -1] = np.nan, np.inf, -np.inf, -0.0, np.nan
    with np.errstate(invalid="ignore"):
        assert_matches(build("f", models.softmax, ("x", x.shape)), x)
        assert_matches(build("f", positions, ("x", x.shape)), x)


def test_what_is_added_to_a_result_is_added_once():
    """Turned or not, each element of the result is read and written once."""
    function = build("f", models.softmax, ("x", (ROWS, 10)))
    signature = signature_of(function, accumulate=frozenset({0}))
    x, out = np.random.default_rng(5).normal(size=(2, ROWS, 10))
    expected = out + np.exp(x) / np.exp(x).sum(1, keepdims=True)
    compile_function(function, signature).checked(x, out)
    np.testing.assert_allclose(out, expected, rtol=1e-13)


def test_long_rows_and_few_rows_run_one_by_one():
    assert not any(lanes(build("f", models.softmax, ("x", (300, 100)))))
    assert not any(lanes(build("f", models.softmax, ("x", (20, 10)))))
    assert not any(
        lanes(build("f", lambda x, y: x * models.spread_columns(y, x), ("x", (300, 10)), ("y", (10,))))
    )


def test_programs_for_all_sizes_have_the_same_lanes_for_any_number_of_rows():
    found = [lanes(build("f", models.softmax, ("x", (n, 10))), general=True) for n in (2, 20, 300, 5000)]
    assert found == [[128]] * 4
    assert lanes(build("f", models.softmax, ("x", (300, 40))), general=True) == [128]
    assert not any(lanes(build("f", models.softmax, ("x", (300, 100))), general=True))


def test_sums_over_columns_go_through_a_variable():
    source = compile_source(CASES["reduced"](), signature_of(CASES["reduced"]()))
    assert "total = plus(total, " in source


def test_types_of_lanes_are_those_of_their_values():
    """Positions have rows of their own."""
    source = compile_source(CASES["positions"](), signature_of(CASES["positions"]()))
    assert set(re.findall(r"lanes\d* = .*, (\w+)\)", source)) == {"f64", "i64"}
