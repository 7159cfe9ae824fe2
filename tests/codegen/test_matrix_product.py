"""The matrix product of our own: shapes, strides and widths of registers, against sums in longer floats."""

from __future__ import annotations

import llvmlite.binding as llvm
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matrix_product import DTYPES, kernel

from tapejit.codegen.product_size import DEPTH, WIDTH
from tapejit.codegen.vocabulary import VOCABULARY
from tapejit.runtime.shared_code import Registers

REGISTERS = [(64, 32), (32, 32), (32, 16), (16, 32), (16, 16)]
LAYOUTS = ("rows", "columns", "slices", "reversed", "repeated rows", "repeated columns")


def matrix(random: np.random.Generator, shape: tuple[int, int], layout: str, dtype: str) -> np.ndarray:
    """Random numbers that lie in memory in such a way."""
    rows, columns = shape
    room = random.standard_normal((2 * rows + 1, 2 * columns + 1)).astype(DTYPES[dtype])
    return {
        "rows": room[:rows, :columns],
        "columns": np.ascontiguousarray(room[:rows, :columns].T).T,
        "slices": room[1::2, 1::2][:rows, :columns],
        "reversed": room[rows - 1 :: -1, columns - 1 :: -1][:rows, :columns],
        "repeated rows": np.broadcast_to(room[0, :columns], shape),
        "repeated columns": np.broadcast_to(room[:rows, :1], shape),
    }[layout]


def bound(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """How far a sum of that many products may be off: Higham, Accuracy and Stability, 3.5."""
    size = np.abs(x.astype(np.longdouble)) @ np.abs(y.astype(np.longdouble))
    return (x.shape[1] + 1) * np.finfo(x.dtype).eps * size


def check(dtype: str, registers: tuple[int, int], x: np.ndarray, y: np.ndarray) -> None:
    multiply = kernel(dtype, *registers)
    exact, room = x.astype(np.longdouble) @ y.astype(np.longdouble), np.full((len(x) + 1, y.shape[1]), np.nan)
    out = room.astype(DTYPES[dtype])
    multiply(x, y, out[:-1])
    assert (np.abs(out[:-1] - exact) <= bound(x, y)).all()
    multiply(x, y, out[:-1], accumulate=True)
    assert (np.abs(out[:-1] - 2 * exact) <= 3 * bound(x, y)).all()
    assert np.isnan(out[-1]).all()  # nothing is written behind the result


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(sorted(DTYPES)),
    st.sampled_from(REGISTERS),
    st.tuples(*[st.integers(1, 70)] * 2, st.integers(1, 40)),
    st.tuples(*[st.sampled_from(LAYOUTS)] * 2),
    st.integers(0, 2**32),
)
def test_products_of_all_shapes_and_strides(dtype, registers, extents, layouts, seed):
    random, (rows, columns, inner) = np.random.default_rng(seed), extents
    x = matrix(random, (rows, inner), layouts[0], dtype)
    check(dtype, registers, x, matrix(random, (inner, columns), layouts[1], dtype))


@pytest.mark.parametrize("layout", ["rows", "columns"])
@pytest.mark.parametrize(
    "extents", [(5, 3, DEPTH + 1), (100, 17, 2 * DEPTH + 9), (3, WIDTH + 7, 5), (90, WIDTH + 40, 3)]
)
def test_products_of_several_parts(extents, layout):
    """More than is packed at once, in depth and in width."""
    rows, columns, inner = extents
    random = np.random.default_rng(0)
    x, y = matrix(random, (rows, inner), "rows", "f64"), matrix(random, (inner, columns), layout, "f64")
    check("f64", (32, 16), x, y)


@pytest.mark.parametrize("extents", [(400, 200, 150), (40, 900, 300)])
def test_blocks_change_no_bit(extents):
    """Many rows are divided, or many columns; each element is the sum it is in a product of one row."""
    rows, columns, inner = extents
    random, multiply = np.random.default_rng(1), kernel("f32", 64, 32)
    x, y = matrix(random, (rows, inner), "rows", "f32"), matrix(random, (inner, columns), "rows", "f32")
    multiply.blocks.clear()
    whole = np.empty((rows, columns), np.float32)
    multiply(x, y, whole)
    assert max(multiply.blocks) > 1
    for i in (0, rows // 2, rows - 1):
        alone = np.empty((1, columns), np.float32)
        multiply(x[i : i + 1], y, alone)
        np.testing.assert_array_equal(alone[0], whole[i])


@pytest.mark.parametrize("layout", ["rows", "columns"])
@pytest.mark.parametrize("registers", [(64, 32), (32, 16)])
@pytest.mark.parametrize("columns", [950, 961, 977, 1000])  # the last panels differ
def test_large_matrices_are_packed_in_blocks(columns, registers, layout):
    random, multiply = np.random.default_rng(3), kernel("f32", *registers)
    x, y = matrix(random, (65, 150), "rows", "f32"), matrix(random, (150, columns), layout, "f32")
    multiply.blocks.clear()
    check("f32", registers, x, y)
    assert multiply.blocks == [2, 2]  # of packing: there are too few rows for blocks of the product


@pytest.mark.parametrize("dtype", sorted(DTYPES))
def test_infinities_and_nan_reach_only_their_row_and_column(dtype):
    """0 * inf is NaN, as in BLAS; what fills a panel up reaches nothing."""
    random = np.random.default_rng(2)
    x, y = matrix(random, (13, 7), "rows", dtype), matrix(random, (7, 21), "columns", dtype)
    x[3, 2], x[5, 1], y[2, 20], y[4, 4] = np.inf, np.nan, 0.0, -np.inf
    out = np.empty((13, 21), DTYPES[dtype])
    kernel(dtype, 64, 32)(x, y, out)
    with np.errstate(invalid="ignore"):
        exact = np.einsum("ik,kj->ij", x.astype(np.longdouble), y.astype(np.longdouble))
    assert np.isnan(out[3, 20])
    np.testing.assert_array_equal(np.isnan(out), np.isnan(exact))
    np.testing.assert_array_equal(np.isinf(out), np.isinf(exact))


@pytest.mark.parametrize("dtype", sorted(DTYPES))
def test_subnormal_numbers_are_kept(dtype):
    tiny = np.finfo(DTYPES[dtype]).smallest_subnormal
    x, y = np.full((9, 3), tiny, DTYPES[dtype]), np.ones((3, 10), DTYPES[dtype])
    out = np.empty((9, 10), DTYPES[dtype])
    kernel(dtype, 64, 32)(x, y, out)
    np.testing.assert_array_equal(out, np.full((9, 10), 3 * tiny))


def test_code_for_another_processor():
    """AArch64: tiles of eight rows by three registers of 16 bytes, in fused multiply-adds."""
    home = "tapejit_shared_f32_product"
    assert VOCABULARY.home(home) == home
    module = VOCABULARY.definition(home, Registers(16, 32))
    module.triple = "aarch64-unknown-linux-gnu"
    parsed = llvm.parse_assembly(
        str(module).replace(" fadd ", " fadd contract ").replace(" fmul ", " fmul contract ")
    )
    parsed.verify()
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    code = llvm.Target.from_triple(module.triple).create_target_machine(opt=2).emit_assembly(parsed)
    assert f"{home}:" in code
    tile = code[code.index("tile_8x3:") :].split(".Lfunc_end")[0]
    assert tile.count("fmla") == 8 * 3
