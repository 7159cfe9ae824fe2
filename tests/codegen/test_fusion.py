"""Products and nests that run together block by block: which do, and that no result changes."""

from __future__ import annotations

import re

import models
import numpy as np
import pytest
from compiled import assert_close, assert_matches, compile_source
from models import build, matmul, spread_columns, spread_rows, total
from plain import run_plainly

from tapejit.codegen import band_cost, fusion
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
    """As if caches were tiny and memory slow: whatever can be passed on in a block is."""
    for name, size in {"NEAR": 0, "MIDDLE": 0, "FAR_SPEED": 1e-9, "BLOCK_BYTES": 1}.items():
        monkeypatch.setattr(band_cost, name, size)


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


def activated(x: Var) -> Var:
    return ops.maximum(x - 1.0, x * 0.0)


def prologue(x: Var, w: Var) -> Var:
    return matmul(activated(x), w)


def chain(x: Var, w: Var, v: Var) -> Var:
    return ops.reduce_sum(activated(matmul(activated(matmul(x, w)), v)), axes=(1,))


def normalised_rows(x: Var, w: Var) -> Var:
    """An operand of several phases: a row less its mean, over its largest element."""
    mean = ops.reduce_sum(x, axes=(1,))
    return matmul(x - spread_rows(mean, x) + spread_rows(ops.reduce_max(x, axes=(1,)), x), w)


def branching(x: Var, w: Var, v: Var) -> tuple[Var, Var, Var]:
    """An operand of two products that is a result as well, and is read by columns by a third one."""
    h = activated(matmul(x, w))
    return h, matmul(h, v), ops.dot_general(h, x, contract=((0,), (0,)), batch=((), ()))


def crossing(x: Var, w: Var, v: Var) -> tuple[Var, Var]:
    """What is complete only after all rows is needed further down: two bands, not one."""
    h = activated(matmul(x, w))
    scaled = activated(h - ops.broadcast(total(h), shape=h.shape, dims=()))
    return matmul(scaled, v), ops.reduce_sum(h, axes=(0,))


def few_columns(x: Var, w: Var, u: Var) -> Var:
    """Rows that are short enough to run side by side, between two products."""
    z = matmul(activated(x), u)
    top = spread_rows(ops.reduce_max(z, axes=(1,)), z)
    return activated(matmul(z - top, w))


V = ("v", (COLUMNS, COLUMNS))
CASES = {
    "prologue": (prologue, SHAPES),
    "chain": (chain, [*SHAPES, V]),
    "normalised rows": (normalised_rows, SHAPES),
    "branching": (branching, [*SHAPES, V]),
    "crossing": (crossing, [*SHAPES, V]),
    "few columns": (few_columns, [*SHAPES, ("u", (INNER, INNER))]),
    "layer": (layer, [*SHAPES, BIAS]),
    "transposed": (transposed_pairs, SHAPES),
    "two readers": (two_readers, SHAPES),
    "columns": (columns, SHAPES),
    "two layers": (two_layers, [*SHAPES, V]),
    "stacked rows": (stacked, [("x", (70, 5, 6)), ("w", (6, 40))]),
}
ALONE = {
    "reads columns": lambda x, w: ops.reduce_sum(ops.transpose(matmul(x, w), perm=(1, 0)) * 2.0, axes=(1,)),
    "cumulative": lambda x, w: chained(ops.reduce_sum(matmul(x, w), axes=(1,))),
    "prologue of columns": lambda x, w: ops.dot_general(
        activated(x), x * 2.0, contract=((0,), (0,)), batch=((), ())
    ),
    "prologue of the right matrix": lambda x, w: matmul(x, activated(w)),
    "both operands": lambda x, w: ops.dot_general(
        activated(x), activated(x), contract=((1,), (1,)), batch=((), ())
    ),
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


def test_no_row_of_a_chain_is_stored_but_in_blocks():
    """Two operands and two products on the way, none of which exists as a whole."""
    source = compile_source(function("chain"), signature_of(function("chain")))
    block, _, program = source.partition("def program")
    made = [int(size) for size in re.findall(r"\w+ = empty\((\d+), f64\)", block)]
    assert made == [fusion.ROWS * COLUMNS] * 3
    assert block.count("matmul_packed(") == program.count("matmul_pack(") == 2
    assert str(ROWS * COLUMNS) not in source


def test_one_element_of_all_rows_cuts_a_chain():
    source = compile_source(function("crossing"), signature_of(function("crossing")))
    assert len(re.findall(r"parallel\(", source)) == 2
    assert str(ROWS * COLUMNS) in source


def test_what_stays_in_cache_anyway_stands_alone(monkeypatch):
    monkeypatch.setattr(band_cost, "NEAR", ROWS * COLUMNS * 8 + 1)
    assert "matmul_packed(" not in compile_source(function("layer"), signature_of(function("layer")))


def test_packed_matrices_that_pass_by_too_often_stand_alone(monkeypatch):
    """Blocks are small, and the matrix is not near."""
    monkeypatch.setattr(band_cost, "FAR_SPEED", 80)
    monkeypatch.setattr(band_cost, "BLOCK_TIME", 0)
    tall = build("f", layer, ("x", (4000, 9)), ("w", (9, 8)), ("b", (8,)))
    assert "matmul_packed(" in compile_source(tall, signature_of(tall))
    wide = build("f", layer, ("x", (4000, 900)), ("w", (900, 8)), ("b", (8,)))
    assert "matmul_packed(" not in compile_source(wide, signature_of(wide))


def test_the_schedule_says_so():
    text = describe(schedule(function("layer"), signature_of(function("layer"))))
    assert "call dot_general to a temporary" in text
    assert text.count("in each block of a band of 2 nests: parallel, up to 9 blocks of rows") == 2


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


def test_a_large_right_matrix_is_packed_in_blocks():
    fused = build("f", prologue, ("x", (150, 600)), ("w", (600, 500)), dtype="f32")
    random = np.random.default_rng(3)
    args = [random.integers(-3, 4, v.type.shape).astype(np.float32) for v in fused.params]
    source, signature = compile_source(fused, signature_of(fused)), signature_of(fused)
    assert "matmul_packed(" in source
    found = np.empty((150, 500), np.float32)
    Loader(VOCABULARY, Threads(2)).load(source, "program", signature).checked(*args, found)
    np.testing.assert_array_equal(found, interpret(fused, *args)[0])
