"""Run functions natively in tests: the whole of codegen and runtime behind one call."""

from __future__ import annotations

from functools import cache

import numpy as np

from tapejit.codegen.emit import compile_source
from tapejit.codegen.vocabulary import VOCABULARY
from tapejit.ir.function import Function
from tapejit.ir.interpreter import interpret
from tapejit.ir.signature import Signature, signature_of
from tapejit.runtime.loader import Loader, NativeProgram


@cache
def loader() -> Loader:
    return Loader(VOCABULARY)


def compile_function(function: Function, signature: Signature | None = None) -> NativeProgram:
    signature = signature or signature_of(function)
    return loader().load(compile_source(function, signature), "program", signature)


def run(function: Function, *args: np.ndarray) -> list[np.ndarray]:
    """The results of `function`, computed natively."""
    outs = [np.full(v.type.shape, 7, v.type.numpy_dtype) for v in function.results]
    compile_function(function).checked(*args, *outs)
    return outs


def assert_matches(function: Function, *args: np.ndarray, ulps: int = 16) -> None:
    """The native results are those of the interpreter: exact for integers, a few ulps off for floats."""
    for found, expected in zip(run(function, *args), interpret(function, *args), strict=True):
        assert_close(found, expected, ulps)


def assert_close(found: np.ndarray, expected: np.ndarray, ulps: int) -> None:
    assert found.dtype == expected.dtype
    assert found.shape == expected.shape
    if found.dtype.kind not in "fc":
        np.testing.assert_array_equal(found, expected)
        return
    tolerance = ulps * np.finfo(found.dtype).eps
    finite = expected[np.isfinite(expected)]
    scale = float(np.max(np.abs(finite), initial=0.0))
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance * scale)
