"""Sums over half of a table that is its own mirror image, and tables that only look like one."""

from __future__ import annotations

import numpy as np
import pytest
from compiled import assert_matches
from models import build, joint, total
from plain import run_plainly

from tapejit.codegen import half
from tapejit.codegen.emit import compile_source
from tapejit.codegen.schedule import schedule
from tapejit.ir import ops
from tapejit.ir.builder import Var
from tapejit.ir.function import Function
from tapejit.ir.interpreter import interpret
from tapejit.ir.signature import signature_of

N = 11  # with tiles of 4: two whole ones and a part


@pytest.fixture
def small_tiles(monkeypatch):
    monkeypatch.setattr(half, "TILE", 4)
    monkeypatch.setattr(half, "LEAST", 8)


def pair(x: Var, y: Var | None = None) -> tuple[Var, Var]:
    """Elements of `x` along rows, and those of `y` along columns."""
    shape = (x.shape[0], x.shape[0])
    return ops.broadcast(x, shape=shape, dims=(0,)), ops.broadcast(
        x if y is None else y, shape=shape, dims=(1,)
    )


def closeness(rows: Var, columns: Var) -> Var:
    """Something that costs enough."""
    d = rows - columns
    square = d * d
    return 1.0 / (square * square + square + 1.0) / (square + 2.0)


def rows_of(table: Var) -> Var:
    return ops.reduce_sum(table, axes=(1,))


def positions(x: Var) -> tuple[Var, Var]:
    n = x.shape[0]
    return tuple(ops.iota(builder=x.builder, dtype="i64", shape=(n, n), axis=axis) for axis in (0, 1))


def is_half(function: Function, general: bool = False) -> bool:
    nests = schedule(function, signature_of(function), general).nests
    return any(nest.is_half for nest in nests)


def points(n: int = N) -> np.ndarray:
    return np.random.default_rng(n).normal(size=n)


def check(function: Function, *args: np.ndarray) -> None:
    with np.errstate(all="ignore"):
        pairs = zip(run_plainly(function, *args), interpret(function, *args), strict=True)
        for found, expected in pairs:
            np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-13)


def mirrored(x: Var) -> Var:
    return closeness(*pair(x))


def turned(x: Var) -> Var:
    """Minus its image."""
    rows, columns = pair(x)
    return mirrored(x) * (rows - columns)


HALVES = {
    "everything": lambda x: total(mirrored(x)),
    "rows": lambda x: rows_of(mirrored(x)),
    "rows of an odd table": lambda x: rows_of(turned(x)),
    "both": lambda x: (total(mirrored(x)), rows_of(turned(x)), rows_of(mirrored(x))),
    "columns": lambda x: ops.reduce_sum(turned(x), axes=(0,)),
    "larger": lambda x: rows_of(ops.maximum(*pair(x)) * mirrored(x)),
    "off the diagonal": lambda x: total(ops.select(ops.ne(*positions(x)), mirrored(x), mirrored(x) * 0.0)),
    "equal": lambda x: rows_of(ops.select(ops.eq(*pair(x)), mirrored(x), mirrored(x) * 3.0)),
}


@pytest.mark.parametrize("name", HALVES)
@pytest.mark.usefixtures("small_tiles")
def test_sums_over_half_of_a_table(name):
    for n in (8, N, 12):
        function = build("f", HALVES[name], ("x", (n,)))
        assert is_half(function)
        check(function, points(n))


@pytest.mark.usefixtures("small_tiles")
@pytest.mark.parametrize("special", [np.nan, np.inf, -np.inf, -0.0, 1e200])
def test_special_values_reach_their_rows_and_columns(special):
    """An element of them is NaN less itself, on the diagonal too."""
    x = points()
    x[5] = special
    check(build("f", HALVES["both"], ("x", (N,))), x)
    check(joint(build("f", HALVES["everything"], ("x", (N,)))), x)


@pytest.mark.usefixtures("small_tiles")
def test_a_gradient_runs_over_half():
    function = joint(build("f", HALVES["everything"], ("x", (N,))))
    assert is_half(function)
    check(function, points())


def below(x: Var) -> Var:
    return ops.lt(*positions(x))


OTHERS = {
    "two arrays": lambda x, y: rows_of(closeness(*pair(x, y))),
    "two arrays, everything": lambda x, y: total(closeness(*pair(x, y))),
    "weights of rows": lambda x, y: rows_of(mirrored(x) * pair(y)[0]),
    "weights of columns": lambda x, y: total(mirrored(x) * pair(y)[1]),
    "weights of both in two ways": lambda x, y: rows_of(mirrored(x) * (pair(y)[0] + 2.0 * pair(y)[1])),
    "below the diagonal": lambda x, y: total(ops.select(below(x), mirrored(x), mirrored(x) * 0.0)),
    "comparison": lambda x, y: rows_of(ops.select(ops.lt(*pair(x)), mirrored(x), turned(x))),
    "less or equal": lambda x, y: rows_of(ops.select(ops.le(*pair(x)), mirrored(x), -mirrored(x))),
    "odd and even": lambda x, y: rows_of(mirrored(x) + turned(x)),
    "odd, everything": lambda x, y: total(turned(x)),
    "quotient": lambda x, y: rows_of(mirrored(x) * (pair(x)[0] / (pair(x)[1] + 9.0))),
    "product": lambda x, y: ops.reduce_prod(mirrored(x), axes=(1,)),
    "largest": lambda x, y: ops.reduce_max(mirrored(x), axes=(1,)),
    "the table too": lambda x, y: (mirrored(x), rows_of(mirrored(x))),
    "another sum": lambda x, y: (rows_of(mirrored(x)), rows_of(mirrored(x) * pair(y)[0])),
    "as a vector": lambda x, y: ops.reduce_sum(ops.reshape(mirrored(x), shape=(N * N,)), axes=(0,)),
    "cheap": lambda x, y: rows_of(pair(x)[0] + pair(x)[1]),
}


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.usefixtures("small_tiles")
def test_sums_over_the_whole_table(name):
    function = build("f", OTHERS[name], ("x", (N,)), ("y", (N,)))
    assert not is_half(function)
    check(function, points(), points()[::-1].copy())


@pytest.mark.usefixtures("small_tiles")
def test_sums_of_tables_of_two_sizes():
    """One of them is not its mirror image."""

    def rule(x, y):
        return rows_of(mirrored(x)), rows_of(closeness(*pair(y, y * 2.0)))

    function = build("f", rule, ("x", (N,)), ("y", (N + 1,)))
    assert [nest.is_half for nest in schedule(function, signature_of(function)).nests].count(True) == 1
    check(function, points(), points(N + 1))


@pytest.mark.usefixtures("small_tiles")
def test_what_is_added_to_a_result_is_added_once():
    function = build("f", HALVES["rows"], ("x", (N,)))
    signature = signature_of(function, accumulate=frozenset({0}))
    (found,) = run_plainly(function, points(), signature=signature, held=7)
    np.testing.assert_allclose(found, 7.0 + interpret(function, points())[0], rtol=1e-12)


@pytest.mark.parametrize("general", [False, True])
def test_small_tables_run_over_everything(general):
    assert not is_half(build("f", HALVES["rows"], ("x", (500,))), general)
    assert is_half(build("f", HALVES["rows"], ("x", (600,))), general)


def energy(x: Var) -> Var:
    """Of points in space."""
    n = x.shape[0]
    rows, columns = (ops.broadcast(x, shape=(n, n, 3), dims=(k, 2)) for k in (0, 1))
    squares = ops.reduce_sum((rows - columns) * (rows - columns), axes=(2,))
    return total(1.0 / ops.sqrt(squares + 0.01))


@pytest.mark.parametrize("dtype", ["f64", "f32"])
def test_forces_between_points(dtype):
    function = joint(build("f", energy, ("x", (515, 3)), dtype=dtype))
    assert is_half(function)
    x = np.random.default_rng(2).normal(size=(515, 3)).astype(function.params[0].type.numpy_dtype)
    assert_matches(function, x, ulps=4096)


def test_source_has_a_loop_for_each_half_of_the_work():
    function = build("f", HALVES["both"], ("x", (600,)))
    source = compile_source(function, signature_of(function))
    assert "edge = ((i) // 64) * 64" in source
    assert "for j in range(edge):" in source
    assert "for j in range(edge, min(edge + 64, 600)):" in source
