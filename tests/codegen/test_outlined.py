"""Programs with very many transcendental functions call them; shorter ones inline them."""

import numpy as np

from tapejit.codegen.emit import compile_source
from tapejit.codegen.outlined import MANY
from tapejit.codegen.vocabulary import VOCABULARY, shorter_vocabulary
from tapejit.ir import ops
from tapejit.ir.builder import Builder
from tapejit.ir.function import Function
from tapejit.ir.interpreter import interpret
from tapejit.ir.signature import signature_of
from tapejit.ir.types import TensorType
from tapejit.runtime.loader import Loader


def chain(length: int, dtype: str) -> Function:
    builder = Builder("chain", [TensorType(dtype, (5,))])
    x = builder.params[0]
    for k in range(length):
        x = ops.sin(x) * 1.01 if k % 2 else ops.exp(x) * 0.25
    return builder.finish([x])


def compiled(function: Function):
    signature = signature_of(function)
    return Loader(VOCABULARY, shorter_vocabulary).load(
        compile_source(function, signature), "program", signature
    )


def test_a_long_program_calls_one_function_per_name_and_gives_the_same_values():
    for dtype in ("f64", "f32"):
        function = chain(MANY + 10, dtype)
        program = compiled(function)
        x = np.linspace(-2.0, 2.0, 5).astype(function.params[0].type.numpy_dtype)
        out = np.empty_like(x)
        program.call(x, out)
        (expected,) = interpret(function, x)
        np.testing.assert_allclose(out, expected, rtol=1e-12 if dtype == "f64" else 1e-4)
        assert program.llvm().count("define internal") >= 2
        assert "tapejit.sin" in program.llvm()


def test_a_short_program_inlines():
    assert "tapejit.sin" not in compiled(chain(4, "f64")).llvm()
