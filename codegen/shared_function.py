"""Functions of the scalar library as machine code of their own, which all programs of a process share.

An inlined sine is some eighty instructions, several times that in a vectorised loop, and optimised again with
every program. Here it is compiled once, for single numbers and for vectors. A program declares the function
of one number, with an attribute that names those of vectors: where LLVM's vectoriser widens a loop, it calls
those (LLVM's "vector function ABI"). Start with `declared` and `defined`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import llvmlite.ir as ll

from tapejit.codegen.kept import keep
from tapejit.codegen.lane import Lane
from tapejit.codegen.resized import part_of, resized_call

Formula = Callable[..., Lane]

PREFIX = "tapejit_shared_"
ELEMENTS = {"f64": ll.DoubleType(), "f32": ll.FloatType()}
_LANES = {"f64": (2, 4, 8), "f32": (2, 4, 8, 16)}  # up to vectors of 64 bytes
_BYTES = {"f64": 8, "f32": 4}
# `noduplicate`: LLVM takes a loop with calls for a short one and would unroll it instead of vectorising it.
_ATTRIBUTES = ("nounwind", "readnone", "willreturn", "noduplicate")


@dataclass(frozen=True)
class SharedFunction:
    """The function `name` of `arity` numbers of `dtype`; each of its results is such a number too."""

    name: str
    dtype: str
    arity: int
    results: int = 1
    widens: bool = True  # whether there are variants for vectors

    @property
    def symbol(self) -> str:
        """That of the function of single numbers, in machine code."""
        return f"{PREFIX}{self.dtype}_{self.name}"

    def vector_symbol(self, lanes: int) -> str:
        return f"{self.symbol}_x{lanes}"

    def declared(self, module: ll.Module) -> ll.Function:
        """The function of single numbers, in a program's module; those of vectors are declared with it."""
        existing = module.globals.get(self.symbol)
        if existing is not None:
            return existing
        function = self._function(module, 1)
        if self.widens:
            variants = ",".join(map(self._variant, _LANES[self.dtype]))
            set.add(function.attributes, f'"vector-function-abi-variant"="{variants}"')
            for lanes in _LANES[self.dtype]:
                keep(module, self._function(module, lanes))
        return function

    def called(self, *operands: Lane) -> list[Lane]:
        """The results of a call."""
        builder = operands[0].builder
        found = builder.call(self.declared(builder.module), [x.value for x in operands])
        return [Lane(builder, part_of(builder, found, k)) for k in range(self.results)]

    def defined(self, formulas: Sequence[Formula], register: int) -> ll.Module:
        """A module with all of them, by a formula for each result; vector registers hold `register` bytes."""
        module = ll.Module(self.symbol)
        self._define(module, 1, formulas)
        if self.widens:
            self._define_vectors(module, formulas, register // _BYTES[self.dtype])
        return module

    def _define_vectors(self, module: ll.Module, formulas: Sequence[Formula], full: int) -> None:
        self._define(module, full, formulas)
        whole = module.globals[self.vector_symbol(full)]
        resized = [partial(resized_call, whole, full, k) for k in range(self.results)]
        for lanes in _LANES[self.dtype]:
            if lanes != full:
                self._define(module, lanes, resized)

    def _variant(self, lanes: int) -> str:
        return f"_ZGV_LLVM_N{lanes}{'v' * self.arity}_{self.symbol}({self.vector_symbol(lanes)})"

    def _function(self, module: ll.Module, lanes: int) -> ll.Function:
        kind = ELEMENTS[self.dtype] if lanes == 1 else ll.VectorType(ELEMENTS[self.dtype], lanes)
        name = self.symbol if lanes == 1 else self.vector_symbol(lanes)
        result = kind if self.results == 1 else ll.LiteralStructType([kind] * self.results)
        function = ll.Function(module, ll.FunctionType(result, [kind] * self.arity), name)
        for attribute in _ATTRIBUTES:
            set.add(function.attributes, attribute)
        return function

    def _define(self, module: ll.Module, lanes: int, formulas: Sequence[Formula]) -> None:
        function = self._function(module, lanes)
        builder = ll.IRBuilder(function.append_basic_block("entry"))
        operands = [Lane(builder, x) for x in function.args]
        results = [formula(*operands).value for formula in formulas]
        if self.results > 1:
            builder.ret(_structure(builder, results))
        else:
            builder.ret(results[0])


def dtype_of(operands: Sequence[Any]) -> str | None:
    """The dtype of numbers for which there are shared functions; None for others."""
    for dtype, element in ELEMENTS.items():
        if all(isinstance(x, Lane) and x.type == element for x in operands):
            return dtype
    return None


def _structure(builder: ll.IRBuilder, parts: Sequence[ll.Value]) -> ll.Value:
    whole = ll.Constant(ll.LiteralStructType([x.type for x in parts]), ll.Undefined)
    for k, part in enumerate(parts):
        whole = builder.insert_value(whole, part, k)
    return whole


def home_of(symbol: str) -> str:
    """The symbol of the function of which `symbol` is a variant, or which it is: the name of their module."""
    return re.sub(r"(_x\d+|\.\w+)$", "", symbol)


def function_of(home: str) -> tuple[str, str]:
    """The name and the dtype in the symbol of a shared function."""
    dtype, _, name = home.removeprefix(PREFIX).partition("_")
    return name, dtype
