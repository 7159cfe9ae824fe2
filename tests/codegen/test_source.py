"""The emitted source of key fusions, as golden files: `pytest --bless` rewrites them."""

from __future__ import annotations

from pathlib import Path

import models
import numpy as np
import pytest
from compiled import assert_matches, compile_source
from models import build, joint

from tapejit.codegen.schedule import schedule
from tapejit.ir import ops
from tapejit.ir.gather import gather
from tapejit.ir.scan import linear_scan
from tapejit.ir.signature import signature_of
from tapejit.ir.sort import argsort

GOLDEN = Path(__file__).parent / "golden"
ROWS, COLUMNS = 40, 100
X = ("x", (ROWS, COLUMNS))

CASES = {
    "wave": lambda: joint(build("wave", models.wave, ("x", (10000,)))),
    "softmax": lambda: build("softmax", models.softmax, X),
    "cross_entropy": lambda: joint(build("cross_entropy", models.cross_entropy, X, ("target", X[1]))),
    "layer_norm": lambda: build(
        "layer_norm", models.layer_norm, X, ("scale", (COLUMNS,)), ("shift", (COLUMNS,))
    ),
    "column_sums": lambda: build(
        "column_sums",
        lambda x: (ops.reduce_sum(x, axes=(0,)), ops.reduce_sum(x * x, axes=(0,)), models.total(ops.abs_(x))),
        X,
    ),
    "logistic": lambda: joint(build("logistic", models.logistic_loss, X, ("y", (ROWS,)), ("w", (COLUMNS,)))),
    "logistic_stages": lambda: joint(
        build("logistic_stages", models.logistic_loss, ("x", (50_000, 20)), ("y", (50_000,)), ("w", (20,)))
    ),
    "mlp": lambda: joint(
        build(
            "mlp",
            models.mlp_loss,
            X,
            ("target", (ROWS, 10)),
            ("w1", (COLUMNS, 30)),
            ("b1", (30,)),
            ("w2", (30, 10)),
            ("b2", (10,)),
        )
    ),
    "rows_by_index": lambda: joint(
        build("rows_by_index", rows_by_index, ("table", (50, 8)), ("scale", (8,)), ("order", (20,)))
    ),
    "running_product": lambda: joint(
        build("running_product", lambda x: models.total(linear_scan(x, x, axis=1) * x), ("x", (20, 30)))
    ),
    "order": lambda: build("order", lambda x: gather(x, argsort(x), axis=0), ("x", (100,))),
    "stencil": lambda: joint(
        build(
            "stencil",
            lambda u: models.total(
                ops.integer_pow(shifted(u, 2) - 2.0 * shifted(u, 1) + shifted(u, 0), exponent=2)
            ),
            ("u", (1000,)),
        )
    ),
}


def rows_by_index(table, scale, order):
    """A loss of some rows of a table: its adjoint adds up where they came from."""
    rows = gather(table, ops.cast(order, dtype="i64"), axis=0)
    return models.total(ops.integer_pow(rows * ops.broadcast(scale, shape=(20, 8), dims=(1,)), exponent=2))


def shifted(u, by):
    n = u.shape[0]
    return ops.slice_(u, start=(by,), stop=(n - 2 + by,), step=(1,))


@pytest.mark.parametrize("name", CASES)
def test_source(name, request):
    function = CASES[name]()
    found = compile_source(function, signature_of(function), name)
    path = GOLDEN / f"{name}.txt"
    if request.config.getoption("--bless"):
        path.write_text(found)
    assert found == path.read_text()


@pytest.mark.parametrize("name", CASES)
def test_source_is_right(name):
    function = CASES[name]()
    random = np.random.default_rng(1)
    assert_matches(function, *(random.standard_normal(v.type.shape) for v in function.params), ulps=256)


@pytest.mark.parametrize("name", ["wave", "softmax", "layer_norm", "column_sums", "logistic"])
def test_fuses_into_one_nest(name):
    function = CASES[name]()
    assert len(schedule(function, signature_of(function)).nests) == 1


def test_the_joint_program_reads_its_input_once():
    function = CASES["wave"]()
    source = compile_source(function, signature_of(function))
    assert source.count("= x[") == 1
    assert source.count("for offset in") == 1
