"""Elements found by an index: no index may make native code leave an array, in whatever it is fused with."""

from __future__ import annotations

import numpy as np
import pytest
from compiled import assert_matches, compile_function, compile_source
from models import total

from tapejit.ir import ops
from tapejit.ir.builder import Builder
from tapejit.ir.gather import gather, last_write, scatter_add
from tapejit.ir.passes.pipeline import canonicalise
from tapejit.ir.scan import linear_scan
from tapejit.ir.signature import signature_of
from tapejit.ir.sort import argsort
from tapejit.ir.transforms.adjoint import adjoint
from tapejit.ir.types import TensorType

LOW, HIGH = np.iinfo(np.int64).min, np.iinfo(np.int64).max
WILD = np.array([0, 3, -1, 4, LOW, HIGH, 2**32, -(2**32), 1, 2, 3, 10**9])
X = np.sin(np.arange(20.0)).reshape(4, 5)


def indexed(make, index, x=X):
    b = Builder("f", [("x", TensorType("f64", x.shape)), ("index", TensorType("i64", index.shape))])
    results = make(*b.params)
    return b.finish(results if isinstance(results, tuple) else (results,))


ATTACKS = {
    "rows": lambda x, i: gather(x, i, axis=0),
    "columns": lambda x, i: gather(x, i, axis=1),
    "of what is computed": lambda x, i: gather(ops.exp(x) * 2.0, i, axis=0),
    "of what is moved": lambda x, i: gather(
        ops.reshape(ops.transpose(x, perm=(1, 0)), shape=(20,)), i, axis=0
    ),
    "of what is padded": lambda x, i: gather(
        ops.pad(x, low=(1, 0), high=(2, 0), interior=(0, 0), value=5.0), i, axis=0
    ),
    "of what is gathered": lambda x, i: gather(gather(x, i, axis=1), i, axis=0),
    "by what is gathered": lambda x, i: gather(x, gather(i, i, axis=0), axis=0),
    "a part of it": lambda x, i: ops.slice_(gather(x, i, axis=0), start=(3, 1), stop=(9, 4), step=(2, 1)),
    "and summed": lambda x, i: total(gather(x, i, axis=1)),
    "multiplied": lambda x, i: ops.dot_general(
        gather(x, i, axis=0), gather(x, i, axis=0), contract=((1,), (1,)), batch=((), ())
    ),
    "added up": lambda x, i: scatter_add(ops.broadcast(x, shape=(4, 12, 5), dims=(0, 2)), i, axis=1, size=3),
    "added up where gathered": lambda x, i: scatter_add(gather(x, i, axis=0), i, axis=0, size=4),
    "last written": lambda x, i: last_write(i, axis=0, size=4),
    "into one element": lambda x, i: scatter_add(gather(x, i, axis=0), i, axis=0, size=1),
    "from one element": lambda x, i: gather(ops.slice_(x, start=(0, 0), stop=(1, 5), step=(1, 1)), i, axis=0),
    "from none": lambda x, i: gather(ops.slice_(x, start=(0, 0), stop=(0, 5), step=(1, 1)), i, axis=0),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_wild_positions(name):
    assert_matches(indexed(ATTACKS[name], WILD), X, WILD)


@pytest.mark.parametrize("at", [0, 3, 4, -1, LOW, HIGH])
@pytest.mark.parametrize("axis", [0, 1])
def test_one_wild_position(at, axis):
    """An index without dimensions: the guard varies with no loop, and still holds what it guards."""
    index = np.array(at)
    make = lambda x, i: (gather(ops.exp(x), i, axis=axis), total(gather(x, i, axis=axis)))  # noqa: E731
    assert_matches(indexed(make, index), X, index)


def test_what_is_read_stands_inside_the_guard():
    source = compile_source(f := indexed(lambda x, i: gather(x, i, axis=0), np.array(0)), signature_of(f))
    lines = source.splitlines()
    guard = next(k for k, line in enumerate(lines) if ">= 0 and" in line)
    read = next(k for k, line in enumerate(lines) if "= x[" in line)
    assert read > guard
    assert len(lines[read]) - len(lines[read].lstrip()) > len(lines[guard]) - len(lines[guard].lstrip())


@pytest.mark.parametrize(
    "name", ["rows", "columns", "of what is computed", "of what is gathered", "and summed"]
)
def test_adjoints(name):
    function = canonicalise(adjoint(indexed(ATTACKS[name], WILD)))
    random = np.random.default_rng(0)
    seeds = [random.standard_normal(v.type.shape) for v in function.params[2:]]
    assert_matches(function, X, WILD, *seeds)


def test_a_slice_of_padding_reads_nothing():
    """The condition is known when the code is written, and is false."""
    b = Builder("f", [("x", TensorType("f64", (3,)))])
    padded = ops.pad(b.params[0], low=(40,), high=(0,), interior=(0,), value=7.0)
    f = b.finish([ops.slice_(padded, start=(2,), stop=(3,), step=(1,))])
    lines = compile_source(f, signature_of(f)).splitlines()
    assert all(line.startswith("        ") for line in lines if "= x[" in line)
    assert_matches(f, np.arange(3.0))


def test_results_accumulate():
    function = indexed(
        lambda x, i: (
            scatter_add(gather(x, i, axis=0), i, axis=0, size=4),
            linear_scan(x, x, axis=1),
            linear_scan(x, x, axis=0),
            ops.cast(argsort(x), dtype="f64"),
        ),
        WILD,
    )
    outs = [np.full(v.type.shape, 3.0) for v in function.results]
    signature = signature_of(function, accumulate=frozenset(range(4)))
    compile_function(function, signature).checked(X, WILD, *outs)
    expected = [np.zeros(v.type.shape) for v in function.results]
    compile_function(function).checked(X, WILD, *expected)
    for found, alone in zip(outs, expected, strict=True):
        np.testing.assert_allclose(found, alone + 3.0)


@pytest.mark.parametrize("shape", [(0,), (1,), (2,), (3,), (17,), (64,), (5, 33), (3, 1), (0, 4), (4, 0)])
@pytest.mark.parametrize("dtype", ["f64", "f32", "i64", "i32", "bool"])
def test_order(shape, dtype):
    type_ = TensorType(dtype, shape)
    b = Builder("f", [("x", type_)])
    f = b.finish([argsort(b.params[0])])
    x = np.random.default_rng(1).integers(-3, 4, shape).astype(type_.numpy_dtype)
    if dtype in ("f64", "f32") and x.size > 4:
        x.flat[::5], x.flat[1] = np.nan, -np.inf
    assert_matches(f, x)
