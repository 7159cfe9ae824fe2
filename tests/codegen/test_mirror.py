"""Which tables are their own mirror image, and that their column sums are then sums of rows."""

from __future__ import annotations

import numpy as np
import pytest
from models import build, joint, total
from plain import run_plainly

from tapejit.codegen.emit import compile_source
from tapejit.codegen.mirror import images, sums_of_rows
from tapejit.ir import ops
from tapejit.ir.builder import Var
from tapejit.ir.function import Function
from tapejit.ir.interpreter import interpret
from tapejit.ir.signature import signature_of
from tapejit.ir.verifier import verify

N = 6


def pair(x: Var) -> tuple[Var, Var]:
    """Each element of the first dimension along rows, and along columns."""
    shape = (x.shape[0], *x.shape)
    rest = tuple(range(2, len(shape)))
    return ops.broadcast(x, shape=shape, dims=(0, *rest)), ops.broadcast(x, shape=shape, dims=(1, *rest))


def offsets(x: Var) -> Var:
    rows, columns = pair(x)
    return rows - columns


def columns_of(table: Var) -> Var:
    return ops.reduce_sum(table, axes=(0,))


def weights(x: Var) -> Var:
    """A table of the squares of distances of points in space."""
    return ops.reduce_sum(offsets(x) * offsets(x), axes=(2,))


TABLES = {
    "difference": (offsets, (N,), -1),
    "difference of functions": (lambda x: offsets(ops.sin(x)), (N,), -1),
    "negative": (lambda x: -offsets(x), (N,), -1),
    "sum": (lambda x: pair(x)[0] + pair(x)[1], (N,), 1),
    "product": (lambda x: pair(x)[0] * pair(x)[1], (N,), 1),
    "square": (lambda x: offsets(x) * offsets(x), (N,), 1),
    "cube": (lambda x: ops.integer_pow(offsets(x), exponent=3), (N,), -1),
    "fourth power": (lambda x: ops.integer_pow(offsets(x), exponent=4), (N,), 1),
    "size": (lambda x: ops.abs_(offsets(x)), (N,), 1),
    "larger": (lambda x: ops.maximum(*pair(x)), (N,), 1),
    "function of a distance": (lambda x: ops.exp(-weights(x)), (N, 3), 1),
    "sum of offsets": (lambda x: ops.reduce_sum(offsets(x), axes=(2,)), (N, 3), -1),
    "weighted offset": (lambda x: offsets(x) / (offsets(x) * offsets(x) + 1.0), (N,), -1),
    "off the diagonal": (
        lambda x: ops.select(apart(x), weights(x), weights(x) * 2.0),
        (N, 3),
        1,
    ),
    "spread": (
        lambda x: ops.broadcast(weights(x), shape=(N, N, 3), dims=(0, 1)) * offsets(x),
        (N, 3),
        -1,
    ),
}
OTHERS = {
    "rows": lambda x: pair(x)[0],
    "quotient": lambda x: pair(x)[0] / (pair(x)[1] + 20.0),
    "odd function that is not known to be": lambda x: ops.tanh(offsets(x)),
    "sum of both kinds": lambda x: offsets(x) + offsets(x) * offsets(x),
    "weighted rows": lambda x: pair(x)[0] * offsets(x),
    "comparison": lambda x: ops.select(ops.lt(*pair(x)), pair(x)[0], pair(x)[1] * 2.0),
    "below the diagonal": lambda x: ops.select(ops.lt(*positions(x)), offsets(x), offsets(x) * offsets(x)),
}


def positions(x: Var) -> tuple[Var, Var]:
    return tuple(ops.iota(builder=x.builder, dtype="i64", shape=(N, N), axis=axis) for axis in (0, 1))


def apart(x: Var) -> Var:
    return ops.ne(*positions(x))


def whole(*shape: int) -> np.ndarray:
    return np.random.default_rng(1).integers(-5, 6, shape).astype(np.float64)


def check(function: Function, x: np.ndarray) -> None:
    new = sums_of_rows(function)
    verify(new)
    for found, expected in zip(interpret(new, x), interpret(function, x), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-14, atol=1e-13)
        assert (np.signbit(found) == np.signbit(expected))[expected == 0].all()


@pytest.mark.parametrize("name", TABLES)
def test_images(name):
    table, shape, sign = TABLES[name]
    function = build("f", lambda x: columns_of(table(x)), ("x", shape))
    x = function.body[-1].operands[0]
    assert images(function)[x] == (x, sign)
    new = sums_of_rows(function)
    axes = [instr.attrs["axes"] for instr in new.body if instr.primitive is ops.reduce_sum]
    assert (0,) not in axes
    check(function, whole(*shape))
    check(function, np.zeros(shape))


@pytest.mark.parametrize("name", OTHERS)
def test_tables_that_are_not_their_image(name):
    function = build("f", lambda x: columns_of(OTHERS[name](x)), ("x", (N,)))
    x = function.body[-1].operands[0]
    image = images(function).get(x)
    assert image is None or image.value is not x
    assert sums_of_rows(function).body == function.body


def test_two_arrays_have_no_image():
    def rule(x, y):
        return columns_of(pair(x)[0] - pair(y)[1])

    function = build("f", rule, ("x", (N,)), ("y", (N,)))
    assert sums_of_rows(function).body == function.body


@pytest.mark.parametrize("fold", [ops.reduce_max, ops.reduce_min, ops.reduce_prod])
def test_other_folds_of_columns(fold):
    function = build("f", lambda x: fold(offsets(x) * offsets(x), axes=(0,)), ("x", (N,)))
    assert sums_of_rows(function).body[-2].attrs["axes"] == (1,)
    check(function, whole(N))
    odd = build("f", lambda x: fold(offsets(x), axes=(0,)), ("x", (N,)))
    assert sums_of_rows(odd).body == odd.body


def energy(points: Var) -> Var:
    return total(ops.rsqrt(weights(points) + 1.0))


def test_forces_between_pairs_add_up_in_registers():
    function = joint(build("f", energy, ("x", (40, 3))))
    lines = compile_source(function, signature_of(function)).splitlines()
    assert not any("] = plus(" in line for line in lines)
    check(function, np.random.default_rng(0).normal(size=(40, 3)))


def test_a_sum_that_is_needed_earlier_comes_earlier():
    """The sum of columns stands before that of rows, which it becomes."""

    def rule(x):
        table = offsets(x)
        first = columns_of(-table)
        return first * 2.0, ops.reduce_sum(table, axes=(1,)) * first

    check(build("f", rule, ("x", (N,))), whole(N))
    for found, expected in zip(
        run_plainly(build("f", rule, ("x", (N,))), whole(N)),
        interpret(build("f", rule, ("x", (N,))), whole(N)),
        strict=True,
    ):
        np.testing.assert_array_equal(found, expected)


def test_results_and_their_negatives_are_kept():
    function = build("f", lambda x: (columns_of(offsets(x)), columns_of(-offsets(x))), ("x", (N,)))
    assert sums_of_rows(function).results == function.results
    check(function, whole(N))
