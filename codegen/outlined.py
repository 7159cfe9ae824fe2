"""Scalar functions called instead of inlined: for programs so long that inlining would take minutes.

An inlined sine is some eighty instructions, twice that in a vectorised loop, and LLVM's time grows faster
than a loop's length. Beyond `MANY` calls a program therefore calls one function per name and type.
Its loops then run element by element, at a few nanoseconds a call.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import llvmlite.ir as ll

from tapejit.codegen.complex_lane import lane
from tapejit.codegen.scalar_library import ScalarFunction

MANY = 60
_ATTRIBUTES = ("noinline", "nounwind")  # not `readnone`: calls split over lanes are longer still


def calls(source: str, vocabulary: Mapping[str, ScalarFunction]) -> int:
    """How many calls of long functions are in an emitted source."""
    return sum(source.count(f" {name}(") for name, function in vocabulary.items() if function.long)


def outlined(vocabulary: Mapping[str, ScalarFunction]) -> dict[str, ScalarFunction]:
    """The vocabulary with its long functions called instead of inlined."""
    return {
        name: replace(function, formula=_call_of(name, function), complex_formula=None)
        if function.long
        else function
        for name, function in vocabulary.items()
    }


def _call_of(name: str, function: ScalarFunction) -> Callable[..., Any]:
    """A formula that is a call of the module's own function holding that of `function`."""

    def call(*operands: Any) -> Any:
        builder, formula = operands[0].builder, function.formula_for(operands)
        own = _function(builder.module, f"tapejit.{name}.{operands[0].type}", formula, operands)
        return lane(builder, builder.call(own, [x.value for x in operands]))

    return call


def _function(
    module: ll.Module, name: str, formula: Callable[..., Any], operands: Sequence[Any]
) -> ll.Function:
    existing = module.globals.get(name)
    if existing is not None:
        return existing
    types = [x.type for x in operands]
    function = ll.Function(module, ll.FunctionType(types[0], types), name)
    function.linkage = "internal"
    for attribute in _ATTRIBUTES:
        function.attributes.add(attribute)
    builder = ll.IRBuilder(function.append_basic_block("entry"))
    builder.ret(formula(*(lane(builder, x) for x in function.args)).value)
    return function
