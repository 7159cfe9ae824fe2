"""Nests in blocks: which ones, and that blocks and threads change no bit."""

from __future__ import annotations

from collections.abc import Callable

import models
import numpy as np
import pytest
from compiled import assert_close, compile_source
from models import joint, total

from tapejit.codegen.vocabulary import VOCABULARY
from tapejit.ir import ops
from tapejit.ir.builder import Builder, Var
from tapejit.ir.function import Function
from tapejit.ir.gather import scatter_add
from tapejit.ir.interpreter import interpret
from tapejit.ir.passes.pipeline import canonicalise
from tapejit.ir.scan import linear_scan
from tapejit.ir.signature import signature_of
from tapejit.ir.types import TensorType
from tapejit.runtime.loader import Loader
from tapejit.runtime.threads import Threads

LONG = ("x", (200_000,))
WIDE = ("x", (2_000, 100))
ROWS = ("x", (40, 20_000))

CASES: dict[str, Callable[[], Function]] = {
    "elementwise": lambda: build("f", lambda x: ops.sin(x) * ops.exp(x), LONG),
    "value and gradient": lambda: joint(build("f", models.wave, LONG)),
    "long body": lambda: joint(build("f", lambda x: total(_waves(x)), LONG)),
    "sum that adds to a result": lambda: build("f", lambda x: total(ops.sin(x)), LONG),
    "several reductions": lambda: build("f", lambda x: _reductions(ops.sin(x) * 3.0), LONG),
    "position of the largest": lambda: build("f", lambda x: ops.argmax(ops.sin(x), axes=(0,)), LONG),
    "columns": lambda: build("f", lambda x: ops.reduce_sum(ops.sin(x), axes=(0,)), WIDE),
    "columns and all": lambda: build("f", lambda x: (_columns(ops.cos(x)), total(x)), WIDE),
    "largest of columns": lambda: build("f", lambda x: ops.reduce_max(ops.sin(x), axes=(0,)), WIDE),
    "rows": lambda: build("f", models.softmax, WIDE),
    "long rows": lambda: build("f", models.softmax, ROWS),
    "rows and columns": lambda: joint(build("f", models.logistic_loss, WIDE, ("y", (2_000,)), ("w", (100,)))),
    "cross-entropy": lambda: joint(build("f", models.cross_entropy, WIDE, ("target", (2_000, 100)))),
    "scatter": lambda: build("f", _histogram, ("x", (100_000,)), ("at", (100_000,), "i64")),
    "scan of rows": lambda: build("f", lambda x: linear_scan(ops.sin(x), ops.cos(x), axis=1), WIDE),
    "half of a table": lambda: joint(build("f", _energy, ("x", (600, 3)))),
    "turned": lambda: build("f", lambda x: ops.sin(ops.transpose(x, perm=(1, 0))), WIDE),
}


def build(name: str, rule: Callable, *params: tuple) -> Function:
    """Parameters are (name, shape), or (name, shape, dtype)."""
    types = [(p[0], TensorType(p[2] if len(p) > 2 else "f64", p[1])) for p in params]
    b = Builder(name, types)
    found = rule(*b.params)
    return canonicalise(b.finish([found] if isinstance(found, Var) else found))


def _waves(x):
    for _ in range(5):
        x = ops.sin(x) * ops.cos(x)
    return x


def _columns(x):
    return ops.reduce_sum(x, axes=(0,))


def _reductions(x):
    largest, smallest = ops.reduce_max(x, axes=(0,)), ops.reduce_min(x, axes=(0,))
    return total(x), largest, smallest, ops.reduce_sum(ops.cast(x, dtype="i32"), axes=(0,))


def _energy(x: Var) -> Var:
    """Of all pairs of points: the loops run over half of them."""
    shape = (x.shape[0], *x.shape)
    offsets = ops.broadcast(x, shape=shape, dims=(0, 2)) - ops.broadcast(x, shape=shape, dims=(1, 2))
    return total(ops.rsqrt(ops.reduce_sum(offsets * offsets, axes=(2,)) + 0.1))


def _histogram(x, at):
    return scatter_add(ops.sin(x), at, axis=0, size=50)


@pytest.fixture(scope="module")
def threads() -> Threads:
    return Threads(2)


@pytest.fixture(scope="module")
def loader(threads) -> Loader:
    return Loader(VOCABULARY, threads=threads)


def arguments(function: Function) -> list[np.ndarray]:
    rng = np.random.default_rng(3)
    return [
        rng.integers(0, 50, v.type.shape) if v.type.dtype == "i64" else rng.normal(size=v.type.shape)
        for v in function.params
    ]


@pytest.mark.parametrize("name", CASES)
def test_the_number_of_threads_changes_no_bit(name, loader, threads):
    function = CASES[name]()
    signature = signature_of(function)
    source = compile_source(function, signature)
    assert "parallel(" in source
    program = loader.load(source, "program", signature)
    given = arguments(function)
    runs = []
    for number in (1, 2, 3):
        threads.number = number
        outs = [np.full(v.type.shape, 7, v.type.numpy_dtype) for v in function.results]
        program.checked(*given, *outs)
        runs.append(outs)
    for found, expected in zip(runs[0], interpret(function, *given), strict=True):
        assert_close(found, np.asarray(expected), 64)
    for other in runs[1:]:
        assert [x.tobytes() for x in other] == [x.tobytes() for x in runs[0]]
