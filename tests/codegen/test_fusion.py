"""Products that run block by block in the nest that reads them: which do, and that no result changes."""

from __future__ import annotations

import re

import models
import numpy as np
import pytest
from compiled import assert_close, assert_matches, compile_source
from models import build, matmul, spread_columns, spread_rows, total
from plain import run_plainly

from tapejit.codegen import fusion
from tapejit.codegen.describe import describe
from tapejit.codegen.schedule import schedule
from tapejit.codegen.vocabulary import VOCABULARY
from tapejit.ir import ops
from tapejit.ir.builder import Var
from tapejit.ir.function import Function
from tapejit.ir.interpreter import interpret
from tapejit.ir.scan import linear_scan
from tapejit.ir.signature import signature_of
from tapejit.runtime.loader import Loader
from tapejit.runtime.threads import Threads

ROWS, INNER, COLUMNS = 209, 5, 70
SHAPES = [("x", (ROWS, INNER)), ("w", (INNER, COLUMNS))]
BIAS = ("b", (COLUMNS,))


@pytest.fixture(autouse=True)
def _small_products_as_well(monkeypatch):
    monkeypatch.setattr(fusion, "LEAST_BYTES", 1)


def layer(x: Var, w: Var, b: Var) -> Var:
    z = matmul(x, w)
    return ops.maximum(z + spread_columns(b, z), z * 0.0)


def transposed_pairs(x: Var, w: Var) -> Var:
    """Rows of x against rows of y: squared distances, each used once."""
    z = ops.dot_general(x, ops.transpose(w, perm=(1, 0)), contract=((1,), (1,)), batch=((), ()))
    norms = ops.reduce_sum(x * x, axes=(1,))
    return ops.reduce_sum(spread_rows(norms, z) - z * 2.0, axes=(1,))


def two_readers(x: Var, w: Var) -> tuple[Var, Var]:
    z = matmul(x, w)
    return z, z * 2.0


def columns(x: Var, w: Var) -> tuple[Var, Var]:
    z = matmul(x, w)
    return ops.reduce_sum(z * z, axes=(0,)), total(z)


def two_layers(x: Var, w: Var, v: Var) -> Var:
    return ops.maximum(matmul(ops.maximum(matmul(x, w), matmul(x, w) * 0.0), v), matmul(x, w) * 1.0)


def chained(x: Var) -> Var:
    return linear_scan(x * 0.0 + 1.0, x, axis=0)


def stacked(x: Var, w: Var) -> Var:
    """Two dimensions of rows."""
    z = ops.dot_general(x, w, contract=((2,), (0,)), batch=((), ()))
    return ops.reduce_sum(z * z, axes=(2,))


CASES = {
    "layer": (layer, [*SHAPES, BIAS]),
    "transposed": (transposed_pairs, SHAPES),
    "two readers": (two_readers, SHAPES),
    "columns": (columns, SHAPES),
    "two layers": (two_layers, [*SHAPES, ("v", (COLUMNS, COLUMNS))]),
    "stacked rows": (stacked, [("x", (70, 5, 6)), ("w", (6, 40))]),
}
ALONE = {
    "reads columns": lambda x, w: ops.reduce_sum(ops.transpose(matmul(x, w), perm=(1, 0)) * 2.0, axes=(1,)),
    "cumulative": lambda x, w: chained(ops.reduce_sum(matmul(x, w), axes=(1,))),
    "stack": lambda x, w: ops.dot_general(x, x, contract=((1,), (1,)), batch=((0,), (0,))) * 2.0,
}


def function(name: str, dtype: str = "f64") -> Function:
    rule, shapes = CASES[name]
    return build("f", rule, *shapes, dtype=dtype)


def whole_numbers(function: Function) -> list[np.ndarray]:
    random = np.random.default_rng(0)
    return [random.integers(-3, 4, v.type.shape).astype(v.type.numpy_dtype) for v in function.params]


@pytest.mark.parametrize("name", CASES)
def test_blocks_make_their_rows(name):
    """Run as plain Python, last block first, with memory that is checked."""
    fused = function(name)
    assert "matmul_packed(" in compile_source(fused, signature_of(fused))
    args = whole_numbers(fused)
    for found, expected in zip(run_plainly(fused, *args), interpret(fused, *args), strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("name", ["columns", "two readers"])
def test_results_that_are_added_to(name):
    fused = function(name)
    args, signature = whole_numbers(fused), signature_of(fused, accumulate=frozenset({0, 1}))
    found = run_plainly(fused, *args, signature=signature, held=7)
    for each, expected in zip(found, interpret(fused, *args), strict=True):
        np.testing.assert_array_equal(each, expected + 7)


def test_only_rows_of_a_block_are_kept_if_nobody_else_reads_the_product():
    source = compile_source(function("transposed"), signature_of(function("transposed")))
    made = dict(re.findall(r"(\w+) = empty\((\d+), f64\)", source.partition("def program")[0]))
    assert str(fusion.ROWS * COLUMNS) in made.values()
    assert str(ROWS * COLUMNS) not in source
    both = compile_source(function("two readers"), signature_of(function("two readers")))
    assert str(fusion.ROWS * COLUMNS) not in both


@pytest.mark.parametrize("name", ALONE)
def test_products_that_are_not_read_row_by_row_stand_alone(name):
    alone = build("f", ALONE[name], *SHAPES)
    assert "matmul_packed(" not in compile_source(alone, signature_of(alone))
    args = whole_numbers(alone)
    for found, expected in zip(run_plainly(alone, *args), interpret(alone, *args), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_small_products_stand_alone(monkeypatch):
    monkeypatch.setattr(fusion, "LEAST_BYTES", ROWS * COLUMNS * 8 + 1)
    assert "matmul_packed(" not in compile_source(function("layer"), signature_of(function("layer")))


def test_the_schedule_says_so():
    text = describe(schedule(function("layer"), signature_of(function("layer"))))
    assert "rows in blocks: call dot_general to a temporary" in text
    assert "each makes its rows" in text


@pytest.mark.parametrize("dtype", ["f64", "f32"])
@pytest.mark.parametrize("threads", [1, 2])
def test_compiled(dtype, threads):
    """A softmax of rows and column sums of one product, and the bits of a product that stands alone."""

    def rule(x, w):
        z = matmul(x, w)
        return models.softmax(z), ops.reduce_sum(z, axes=(0,)), z

    fused = build("f", rule, *SHAPES, dtype=dtype)
    source, signature = compile_source(fused, signature_of(fused)), signature_of(fused)
    assert "matmul_packed(" in source
    random = np.random.default_rng(1)
    args = [random.standard_normal(v.type.shape).astype(v.type.numpy_dtype) for v in fused.params]
    program = Loader(VOCABULARY, Threads(threads)).load(source, "program", signature)
    outs = [np.empty(v.type.shape, v.type.numpy_dtype) for v in fused.results]
    program.checked(*args, *outs)
    for found, expected in zip(outs, interpret(fused, *args), strict=True):
        assert_close(found, expected, ulps=64)


def test_gradients():
    loss = build("f", lambda x, w, b: total(ops.tanh(layer(x, w, b))), *SHAPES, BIAS)
    random = np.random.default_rng(2)
    args = [random.standard_normal(v.type.shape) for v in loss.params]
    assert "matmul_packed(" in compile_source(models.joint(loss), signature_of(models.joint(loss)))
    assert_matches(models.joint(loss), *args, ulps=256)
