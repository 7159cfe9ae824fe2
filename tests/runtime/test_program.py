"""When an executable interprets and when it compiles."""

from __future__ import annotations

import numpy as np
import pytest

from tapejit.codegen.emit import compile_source
from tapejit.codegen.vocabulary import VOCABULARY
from tapejit.ir import ops
from tapejit.ir.builder import Builder
from tapejit.ir.signature import signature_of
from tapejit.ir.types import TensorType
from tapejit.runtime.cache import ProgramCache
from tapejit.runtime.family import Built
from tapejit.runtime.loader import Loader
from tapejit.runtime.program import Executable


class Compiler:
    """A way to build that counts."""

    def __init__(self) -> None:
        self.loader = Loader(VOCABULARY)
        self.built = 0

    def build(self, function, signature):
        self.built += 1
        return Built(self.loader.load(compile_source(function, signature), "program", signature), True)

    def find(self, function, signature):
        return None


@pytest.fixture(scope="module")
def compiler():
    return Compiler()


def doubled():
    b = Builder("f", [("x", TensorType("f64", (3,)))])
    (x,) = b.params
    return b.finish([x + x, ops.reduce_sum(x, axes=(0,))])


def executable(compiler, tier, cache=None, accumulate=frozenset()):
    function = doubled()
    signature = signature_of(function, accumulate=accumulate)
    return Executable(function, signature, compiler, cache or ProgramCache(), tier)


def run(program):
    outs = [np.ones(3), np.ones(())]
    program.run([np.array([1.0, 2.0, 4.0])], outs)
    return outs


@pytest.mark.parametrize(
    ("tier", "compiled"),
    [("interpret", [False, False, False]), ("compile", [True, True, True]), ("auto", [False, True, True])],
)
def test_tiers(compiler, tier, compiled):
    program = executable(compiler, tier)
    for expected in compiled:
        vector, total = run(program)
        np.testing.assert_array_equal(vector, [2.0, 4.0, 8.0])
        assert total == 7.0
        assert (program.native is not None) == expected


@pytest.mark.parametrize("tier", ["interpret", "compile"])
def test_both_tiers_accumulate(compiler, tier):
    vector, total = run(executable(compiler, tier, accumulate=frozenset({1})))
    np.testing.assert_array_equal(vector, [2.0, 4.0, 8.0])
    assert total == 8.0


def test_auto_uses_what_the_cache_has(compiler):
    cache = ProgramCache()
    executable(compiler, "compile", cache).compile()
    before = compiler.built
    program = executable(compiler, "auto", cache)
    run(program)
    assert program.native is not None
    assert compiler.built == before
