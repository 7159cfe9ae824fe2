"""Constant loops that LLVM would unroll before it vectorises are marked; all others are left to it."""

import llvmlite.ir as ll
import numpy as np
import pytest

from tapejit.codegen.vocabulary import VOCABULARY
from tapejit.ir.signature import Signature
from tapejit.ir.types import TensorType
from tapejit.runtime.loader import Loader
from tapejit.runtime.loop_hint import stay_loop

I64 = ll.IntType(64)

MATRIX_TIMES_VECTOR = """
def program(x, w, out):
    x = flat(x)
    w = flat(w)
    out = flat(out)
    for i in range({rows}):
        t = f64(0)
        for j in range({width}):
            t = plus(t, x[i * {width} + j] * w[j])
        out[i] = t
"""


def _marked(extent, additions):
    """Whether a loop of so many iterations, `additions` instructions each, is marked."""
    module = ll.Module()
    function = ll.Function(module, ll.FunctionType(ll.VoidType(), [ll.DoubleType()]), "f")
    body, after = (function.append_basic_block(name) for name in ("body", "after"))
    builder = ll.IRBuilder(body)
    total = function.args[0]
    for _ in range(additions):
        total = builder.fadd(total, total)
    back = builder.branch(body)
    ll.IRBuilder(after).ret_void()
    end = I64(extent) if isinstance(extent, int) else extent
    stay_loop(back, I64(0), end, [body])
    return "llvm.loop" in back.metadata


def test_loops_of_some_tens_of_cheap_iterations_are_marked():
    assert _marked(16, 4)
    assert _marked(50, 5)


def test_loops_that_llvm_does_not_unroll_and_those_it_should_are_not():
    assert not _marked(100, 5)
    assert not _marked(20, 60)
    assert not _marked(8, 4)
    assert not _marked(ll.GlobalVariable(ll.Module(), I64, "n"), 4)


@pytest.mark.parametrize("width", [17, 40, 59])
def test_the_inner_loop_of_a_product_is_what_is_vectorised(width):
    rows = 64
    types = [TensorType("f64", (rows, width)), TensorType("f64", (width,)), TensorType("f64", (rows,))]
    signature = Signature(tuple(types[:2]), (False, False), (types[2],), (False,))
    source = MATRIX_TIMES_VECTOR.format(rows=rows, width=width)
    program = Loader(VOCABULARY).load(source, "program", signature)
    rng = np.random.default_rng(0)
    x, w, out = rng.normal(size=(rows, width)), rng.normal(size=width), np.empty(rows)
    program.call(x, w, out)
    np.testing.assert_allclose(out, x @ w, rtol=1e-13, atol=1e-13)
    assert "masked.gather" not in program.llvm()
