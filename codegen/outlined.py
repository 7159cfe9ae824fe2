"""Long functions called instead of inlined: where inlining would take too much time, or be slower.

LLVM's time grows faster than a loop's length. Beyond `MANY` calls a program therefore calls functions of
real numbers that are there already (`shared_function`), vector by vector in loops. What those do not serve,
complex numbers and integers, is in functions of its own from `VERY_MANY` on, called element by element.

A function with a rare branch tests for it once per lane where it is inlined, once per vector where it is
called. Where that decides, it is always called (`ScalarFunction.called_for`), and so is one that asks which
of its ways serves a whole vector (`uniform`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import llvmlite.ir as ll

from tapejit.codegen.complex_lane import lane
from tapejit.codegen.scalar_library import ScalarFunction
from tapejit.codegen.shared_function import ELEMENTS, dtype_of
from tapejit.codegen.shared_library import PARTS, shared_row

MANY, VERY_MANY = 6, 60
_PAIR = 1.35  # the price of a sine and a cosine together, in sines
_OWN = ("noinline", "nounwind")  # not `readnone`: calls split over lanes are longer still


def calls(source: str, vocabulary: Mapping[str, ScalarFunction]) -> int:
    """How many calls of long functions are in an emitted source."""
    return sum(source.count(f" {name}(") for name, function in vocabulary.items() if function.long)


def pairs_pay(source: str) -> bool:
    """Whether so many angles need both sine and cosine that they should always be computed together."""
    sines, cosines = (set(re.findall(rf" {name}\((\w+)\)", source)) for name in ("sin", "cos"))
    return _PAIR * len(sines | cosines) < len(sines) + len(cosines)


def outlined(vocabulary: Mapping[str, ScalarFunction], source: str) -> dict[str, ScalarFunction]:
    """Those of the vocabulary that the source should call, as calls."""
    count = calls(source, vocabulary)
    parts = PARTS if pairs_pay(source) else {}
    return {
        name: _called(name, function, *parts.get(name, (name, 0)), _whom(function, count), count > VERY_MANY)
        for name, function in vocabulary.items()
        if function.long and _whom(function, count)
    }


def _whom(function: ScalarFunction, calls_of_all: int) -> tuple[str, ...]:
    """The dtypes for which a function is called."""
    return function.called_for if calls_of_all <= MANY else tuple(ELEMENTS)


def _called(
    name: str, function: ScalarFunction, shared: str, result: int, dtypes: tuple[str, ...], own: bool
) -> ScalarFunction:
    """The function as a call: a result of the shared one, or the program's own for other operands."""
    row = shared_row(shared, {name: function})

    def call(*operands: Any) -> Any:
        dtype = dtype_of(operands)
        if dtype in dtypes:
            return row.function(shared, dtype).called(*operands)[result]
        if not own:
            return function.formula_for(operands)(*operands)
        builder, called = operands[0].builder, _own(name, function, operands)
        return lane(builder, builder.call(called, [x.value for x in operands]))

    return replace(function, formula=call, complex_formula=None)


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
