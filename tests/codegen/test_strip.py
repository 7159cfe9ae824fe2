"""Long loop bodies cut into groups that run strip by strip: where they are cut, and that results stay."""

from __future__ import annotations

import re

import models
import numpy as np
import pytest
from compiled import assert_matches, compile_source
from models import build, joint, total

from tapejit.codegen.depth import by_depth
from tapejit.codegen.level import Statement
from tapejit.codegen.piece import Piece, pieces
from tapejit.codegen.strip import LANES
from tapejit.ir import ops
from tapejit.ir.signature import signature_of

SIZES = (64, LANES, LANES + 1, 3 * LANES - 1)


def chain(x, rounds=6):
    """Each sine of the one before, and a truth value besides."""
    for _ in range(rounds):
        inside = ops.lt(x, x * x)
        x = ops.sin(x) * 0.5 + ops.select(inside, x * 0.25, ops.cos(x))
    return x


def parts(*lines: str) -> list[Piece]:
    return list(pieces([Statement(line) for line in lines]))


def texts(stages: list[list[Piece]]) -> list[list[str]]:
    return [[line for part in stage for line in part.node.lines()] for stage in stages]


def loops(function) -> int:
    """How many loops run over a strip."""
    return len(re.findall(r"for offset", compile_source(function, signature_of(function))))


def test_calls_that_wait_for_one_another_are_cut_apart():
    stages = by_depth(parts("a = exp(x)", "b = erf(x)", "c = sin(a)", "d = cos(a)", "e = c + b", "o[i] = e"))
    assert texts(stages) == [
        ["a = exp(x)", "b = erf(x)"],
        ["c = sin(a)", "d = cos(a)", "e = c + b", "o[i] = e"],
    ]


def test_short_bodies_stay_whole():
    assert len(by_depth(parts("a = exp(x)", "b = sin(a)", "c = cos(b)", "o[i] = c"))) == 1


def test_what_is_cheap_is_computed_where_no_value_has_to_wait_for_it():
    body = [
        "a = sin(x)",
        "p = exp(x)",
        "b = a * 2.0",
        "q = a * p",
        "c = cos(a)",
        "r = exp(p)",
        "o[i] = b + c + q + r",
    ]
    (first, second) = texts(by_depth(parts(*body)))
    assert "b = a * 2.0" in second  # `a` goes on anyway
    assert "q = a * p" in second
    (first, second) = texts(
        by_depth(parts("a = sin(x)", "p = exp(x)", "q = a * p", "c = cos(q)", "o[i] = c + sin(q)"))
    )
    assert first[-1] == "q = a * p"  # one value goes on instead of two


def test_a_variable_that_others_read_on_its_way_keeps_a_body_whole():
    body = ("t = t + x", "a = exp(t)", "b = sin(a)", "c = cos(b)", "d = exp(c)", "o[i] = d")
    assert len(by_depth(parts(*body))) == 1


def test_chains_are_cut_and_short_loops_are_not():
    assert loops(build("f", lambda x: total(chain(x)), ("x", (LANES,)))) == 6
    assert loops(build("f", lambda x: total(chain(x)), ("x", (10,)))) == 0


@pytest.mark.parametrize("dtype", ["f64", "f32"])
def test_chains_and_their_adjoints_are_what_the_interpreter_says(dtype):
    for n in SIZES:
        function = joint(build("f", lambda x: total(chain(x)), ("x", (n,)), dtype=dtype))
        x = np.linspace(-3, 3, n).astype(function.params[0].type.numpy_dtype)
        assert_matches(function, x, ulps=64)


def test_special_values_stay_where_they_are():
    x = np.zeros(2 * LANES)
    x[[0, 100, LANES, -2, -1]] = [np.nan, -0.0, np.inf, -np.inf, np.nan]
    function = build("f", lambda x: (chain(x), ops.reduce_max(chain(x), axes=(0,))), ("x", x.shape))
    with np.errstate(invalid="ignore"):
        assert_matches(function, x)


def test_rows_of_long_bodies():
    """The strip runs along each row; what belongs to the row waits outside."""

    def rule(x):
        y = chain(x * models.spread_rows(ops.reduce_sum(x, axes=(1,)), x), 4)
        return y, ops.reduce_sum(y, axes=(0,)), ops.reduce_sum(y, axes=(1,))

    assert_matches(
        build("f", rule, ("x", (3, 700))), np.random.default_rng(1).normal(size=(3, 700)), ulps=256
    )
