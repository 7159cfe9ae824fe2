"""Long functions called instead of inlined: for programs so long that inlining would take too much time.

LLVM's time grows faster than a loop's length. Beyond `MANY` calls a program therefore calls functions of
real numbers that are there already (`shared_function`), vector by vector in loops, and functions of its own
for what those do not serve: complex numbers and integers, whose loops then run element by element.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import llvmlite.ir as ll

from tapejit.codegen.complex_lane import lane
from tapejit.codegen.scalar_library import ScalarFunction
from tapejit.codegen.shared_function import shared_call, shared_function

MANY = 60
_OWN = ("noinline", "nounwind")  # not `readnone`: calls split over lanes are longer still


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
    """A formula that is a call."""

    def call(*operands: Any) -> Any:
        shared = shared_function(name, *operands)
        if shared is not None:
            return shared_call(shared, *operands)
        builder, own = operands[0].builder, _own(name, function, operands)
        return lane(builder, builder.call(own, [x.value for x in operands]))

    return call


def _own(name: str, function: ScalarFunction, operands: Sequence[Any]) -> ll.Function:
    """The program's own function."""
    module, types = operands[0].builder.module, [x.type for x in operands]
    symbol = f"tapejit.{name}.{types[0]}"
    existing = module.globals.get(symbol)
    if existing is not None:
        return existing
    own = ll.Function(module, ll.FunctionType(types[0], types), symbol)
    own.linkage = "internal"
    for attribute in _OWN:
        own.attributes.add(attribute)
    builder = ll.IRBuilder(own.append_basic_block("entry"))
    formula = function.formula_for(operands)
    builder.ret(formula(*(lane(builder, x) for x in own.args)).value)
    return own
