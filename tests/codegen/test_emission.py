"""How values are passed, stored and added up, and the numbers that arithmetic treats specially."""

from __future__ import annotations

import re

import numpy as np
import pytest
from compiled import assert_close, assert_matches, compile_function, run
from models import build, layer_norm, matmul, softmax, total

from tapejit.codegen.emit import compile_source
from tapejit.ir import ops
from tapejit.ir.builder import Builder
from tapejit.ir.gather import gather, last_write
from tapejit.ir.interpreter import interpret
from tapejit.ir.signature import signature_of
from tapejit.ir.sort import argsort
from tapejit.ir.types import TensorType

SPECIAL = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1e308, -1e-308, 5e-324, 1.5, -2.0])


def call(function, args, outs, **how):
    compile_function(function, signature_of(function, **how)).checked(*args, *outs)
    return outs


def test_results_accumulate():
    """Of every kind of root: stores, register sums, column sums, BLAS."""
    function = build(
        "f",
        lambda x, y: (
            x * 2.0,
            total(x),
            ops.reduce_sum(x, axes=(1,)),
            ops.reduce_sum(x, axes=(0,)),
            matmul(x, y),
        ),
        ("x", (20, 30)),
        ("y", (30, 40)),
    )
    args = [np.random.default_rng(0).standard_normal(v.type.shape) for v in function.params]
    outs = [np.full(v.type.shape, 3.0) for v in function.results]
    call(function, args, outs, accumulate=frozenset(range(5)))
    for found, expected in zip(outs, interpret(function, *args), strict=True):
        assert_close(found, expected + 3.0, ulps=64)


def test_an_accumulated_result_that_is_also_read():
    function = build("f", lambda x: (s := ops.reduce_sum(x, axes=(0,)), s * 2.0, ops.exp(s)), ("x", (5, 4)))
    x = np.random.default_rng(0).standard_normal((5, 4))
    outs = [np.ones(4) for _ in function.results]
    call(function, [x], outs, accumulate=frozenset({0, 2}))
    s = x.sum(0)
    np.testing.assert_allclose(outs[0], 1 + s)
    np.testing.assert_allclose(outs[1], 2 * s)
    np.testing.assert_allclose(outs[2], 1 + np.exp(s))


def test_an_accumulated_extreme():
    function = build("f", lambda x: ops.reduce_max(x, axes=(0,)), ("x", (5, 4)))
    x = np.random.default_rng(0).standard_normal((5, 4))
    (out,) = call(function, [x], [np.ones(4)], accumulate=frozenset({0}))
    np.testing.assert_array_equal(out, 1 + x.max(0))


@pytest.mark.parametrize("dtype", ["f64", "f32", "i64", "i32", "bool"])
def test_scalars_by_value(dtype):
    b = Builder("f", [("x", TensorType(dtype, (3,))), ("s", TensorType(dtype))])
    x, s = b.params
    function = b.finish([ops.eq(x, ops.broadcast(s, shape=(3,), dims=())), s, x])
    x = np.array([1, 0, 1]).astype(function.params[0].type.numpy_dtype)
    outs = [np.zeros(v.type.shape, v.type.numpy_dtype) for v in function.results]
    call(function, [x, x.dtype.type(1).item()], outs, by_value=frozenset({1}))
    np.testing.assert_array_equal(outs[0], [True, False, True])
    assert outs[1] == 1
    np.testing.assert_array_equal(outs[2], x)


def test_results_that_are_parameters_constants_or_repeated():
    b = Builder("f", [("x", TensorType("f64", (3,)))])
    (x,) = b.params
    y = x * 2.0
    function = b.finish([x, x, y, y, b.full(TensorType("f32", (2,)), 0.5), ops.transpose(x, perm=(0,))])
    x = np.array([1.0, 2.0, 3.0])
    for found, expected in zip(run(function, x), interpret(function, x), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_no_results_and_no_parameters():
    assert run(Builder("f").finish([])) == []


ROWS = np.stack([SPECIAL, SPECIAL[::-1], np.roll(SPECIAL, 3), np.abs(SPECIAL), np.full(10, np.inf)])


def special_results(rule):
    function = build("f", rule, ("x", ROWS.shape), ("y", ROWS.shape))
    args = [ROWS, np.ascontiguousarray(ROWS[::-1])]
    for found, expected in zip(run(function, *args), interpret(function, *args), strict=True):
        assert_close(found, expected, ulps=8)
        yield found, expected


def test_special_values_flow_as_in_numpy():
    """NaN, infinities and the signs of zeros through arithmetic, comparison, sums and positions."""
    for found, expected in special_results(
        lambda x, y: (
            x + y,
            x * y,
            x / y,
            ops.sign(x),
            ops.abs_(x),
            ops.sqrt(x),
            ops.lt(x, y),
            ops.eq(x, y),
            ops.ne(x, x),
            ops.floor_div(x, y),
            ops.mod(x, y),
            ops.cast(x, dtype="f32"),
            ops.argmax(x, axes=(1,)),
            ops.argmin(x, axes=(0,)),
            ops.reduce_sum(x, axes=(1,)),
            ops.reduce_sum(x, axes=(0,)),
            total(x),
            softmax(x),
        )
    ):
        if found.dtype.kind == "f":
            np.testing.assert_array_equal(np.signbit(found[found == 0]), np.signbit(expected[expected == 0]))


def test_special_values_in_extremes():
    """NaN wins. Which of 0.0 and -0.0 is the larger depends on the machine in NumPy."""
    assert list(
        special_results(
            lambda x, y: (
                ops.maximum(x, y),
                ops.minimum(x, y),
                ops.reduce_max(x, axes=(1,)),
                ops.reduce_min(x, axes=(0,)),
            )
        )
    )


@pytest.mark.parametrize("first", [np.inf, -np.inf, np.nan, 1e308])
def test_long_sums_with_an_infinity(first):
    x = np.zeros(10001)
    x[0] = x[7000] = first
    (found,) = run(build("f", total, ("x", x.shape)), x)
    np.testing.assert_array_equal(found, np.sum(x))


@pytest.mark.parametrize("dtype", ["f64", "f32"])
def test_long_sums_are_more_accurate_than_numpy(dtype):
    x = np.random.default_rng(3).random(1_000_003).astype(np.dtype(f"float{dtype[1:]}"))
    exact = float(np.sum(x.astype(np.longdouble)))
    (found,) = run(build("f", total, ("x", x.shape), dtype=dtype), x)
    assert abs(float(found) - exact) <= max(abs(float(np.sum(x)) - exact), np.spacing(x.dtype.type(exact)))


def test_empty_arrays():
    function = build(
        "f",
        lambda x: (
            total(x),
            ops.reduce_sum(x, axes=(0,)),
            ops.reduce_prod(x, axes=(1,)),
            x + 1.0,
            ops.dot_general(x, x, contract=((0,), (0,)), batch=((), ())),
            ops.dot_general(x, x, contract=((1,), (1,)), batch=((), ())),
        ),
        ("x", (0, 3)),
    )
    x = np.zeros((0, 3))
    for found, expected in zip(run(function, x), interpret(function, x), strict=True):
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("contract", [((1,), (0,)), ((0,), (0,)), ((1,), (1,)), ((0,), (1,))])
@pytest.mark.parametrize("dtype", ["f64", "f32"])
def test_products_of_views_copy_nothing(contract, dtype):
    """Transposed operands and slices of columns are read as they lie in memory."""
    sizes = {0: 24, 1: 24}
    function = build(
        "f",
        lambda x, y: ops.dot_general(
            ops.transpose(x, perm=(1, 0)),
            ops.slice_(y, start=(0, 2), stop=(24, 26), step=(1, 1)),
            contract=contract,
            batch=((), ()),
        ),
        ("x", (sizes[0], sizes[1])),
        ("y", (24, 30)),
        dtype=dtype,
    )
    random = np.random.default_rng(0)
    args = [random.standard_normal(v.type.shape).astype(v.type.numpy_dtype) for v in function.params]
    program = compile_function(function)
    assert set(re.findall(r"(\w+) = (?:empty|row_of)\(", program.source)) <= {"panels"}
    outs = [np.empty(v.type.shape, v.type.numpy_dtype) for v in function.results]
    program.checked(*args, *outs)
    assert_close(outs[0], interpret(function, *args)[0], ulps=64)


def test_stacks_of_products():
    function = build(
        "f",
        lambda x, y: (
            ops.dot_general(x, y, contract=((2,), (1,)), batch=((0,), (0,))),
            ops.dot_general(x, y, contract=((0,), (0,)), batch=((2,), (1,))),
            ops.dot_general(x, x, contract=((0, 2), (0, 2)), batch=((), ())),
        ),
        ("x", (5, 12, 11)),
        ("y", (5, 11, 13)),
    )
    args = [np.random.default_rng(0).standard_normal(v.type.shape) for v in function.params]
    for found, expected in zip(run(function, *args), interpret(function, *args), strict=True):
        assert_close(found, expected, ulps=64)


def test_single_precision_stays_single():
    function = build("f", layer_norm, ("x", (8, 16)), ("g", (16,)), ("b", (16,)), dtype="f32")
    program = compile_function(function)
    assert "f64" not in program.source
    assert "fpext" not in program.llvm()


def test_a_long_chain_is_emitted_as_a_source_of_linear_length():
    def chain_of(length):
        def chain(x):
            for _ in range(length):
                x = ops.sin(x) + x
            return x

        function = build("f", chain, ("x", (10,)))
        return len(compile_source(function, signature_of(function)).splitlines())

    assert chain_of(3000) < 2.1 * chain_of(1500)


def test_a_stencil_repeated_is_not_evaluated_exponentially():
    def steps(u):
        for _ in range(12):
            inner = ops.slice_(u, start=(2,), stop=u.shape, step=(1,)) + ops.slice_(
                u, start=(0,), stop=(u.shape[0] - 2,), step=(1,)
            )
            u = ops.pad(ops.sin(inner), low=(1,), high=(1,), interior=(0,), value=0.0)
        return u

    function = build("f", steps, ("u", (50,)))
    assert compile_source(function, signature_of(function)).count("sin(") <= 3 * 12  # sections
    u = np.random.default_rng(0).standard_normal(50)
    assert_close(run(function, u)[0], interpret(function, u)[0], ulps=64)


@pytest.mark.parametrize("shape", [(2, 3, 4), (2, 3, 4, 5)])
def test_a_sum_of_what_was_reduced_along_the_last_axis(shape):
    """The loops over rows become one loop, which goes over each row once."""
    last = len(shape) - 1
    function = build("f", lambda x: (total(ops.exp(ops.reduce_sum(x, axes=(last,)))),), ("x", shape))
    x = np.random.default_rng(0).standard_normal(shape)
    (found,) = run(function, x)
    np.testing.assert_allclose(found, np.exp(x.sum(-1)).sum(), rtol=1e-13)


def test_rare_paths_with_an_operand_that_llvm_knows():
    """LLVM would drop that parameter of the rare path of `mod`, which then is not what its attribute says."""
    builder = Builder("f", [TensorType("f64")])
    (y,) = builder.params
    ones = builder.full(TensorType("f64", (17,)), 1.0)
    function = builder.finish([ops.mod(ones, ops.broadcast(y, shape=(17,), dims=())), ops.sin(ones)])
    assert_matches(function, np.array(3.0))


def test_what_replaces_is_added_as_a_whole():
    """An order and the last writers, completed elsewhere before a result accumulates them."""
    function = build(
        "f", lambda x: (argsort(x), last_write(ops.cast(x, dtype="i64"), axis=0, size=4)), ("x", (5,))
    )
    x = np.array([3.0, 1.0, 2.0, 1.0, 0.0])
    outs = [np.full(v.type.shape, 10) for v in function.results]
    call(function, [x], outs, accumulate=frozenset({0, 1}))
    np.testing.assert_array_equal(outs[0], 10 + np.array([4, 1, 3, 2, 0]))
    np.testing.assert_array_equal(outs[1], 10 + np.array([4, 3, 2, 0]))


def test_an_order_and_a_product_that_nobody_reads():
    b = Builder("f", [TensorType("f64", (20, 20))])
    (var,) = b.params
    matmul(var, var)
    argsort(var)
    function = b.finish([var + 1.0])
    x = np.random.default_rng(0).standard_normal((20, 20))
    np.testing.assert_array_equal(run(function, x)[0], x + 1.0)


def test_elements_of_an_empty_space_are_read_inside_its_loops():
    """They are found by loop variables that are known nowhere else."""
    function = build(
        "f",
        lambda x, y: (ops.reduce_sum(gather(x, ops.cast(y, dtype="i64"), axis=2), axes=(1, 2, 3)),),
        ("x", (3, 2, 4)),
        ("y", (3, 0)),
    )
    x, y = np.ones((3, 2, 4)), np.ones((3, 0))
    np.testing.assert_array_equal(run(function, x, y)[0], np.zeros(3))
    lines = compile_source(function, signature_of(function)).splitlines()
    loops = next(k for k, line in enumerate(lines) if "for j" in line)
    assert not any("x[" in line for line in lines[:loops])


def test_a_row_of_nothing_has_a_sum():
    """The sums of three empty rows take the memory of one, not of none."""

    def rule(x):
        sums = ops.exp(ops.reduce_sum(x, axes=(1,)))
        return sums, x * ops.broadcast(sums, shape=x.shape, dims=(0,))

    function = build("f", rule, ("x", (3, 0)))
    assert "empty(0" not in compile_source(function, signature_of(function))
    assert_matches(function, np.zeros((3, 0)))
