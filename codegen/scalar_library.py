"""The index of the scalar functions that emitted loops call, each built in LLVM IR where it is called.

`LIBRARY` maps every name in the templates of `ir.ops` to a `ScalarFunction`; the loader wraps each one
for its compiler and calls `build(builder, *arguments)`. Arguments are LLVM values (double, float, i64,
i32, i1); the exponent of `integer_pow`, a literal in the source, arrives as a Python int instead.
The formulas live beside this file, in `scalar_arithmetic` and the `vector_*` modules.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import llvmlite.ir as ll
from tapejit.codegen import scalar_arithmetic
from tapejit.codegen.lane import Lane


@dataclass(frozen=True)
class ScalarFunction:
    """A formula on lanes, and the type of its result: that of operand `result_like` (None: bool, i1)."""

    formula: Callable[..., Lane]
    arity: int = 1
    result_like: int | None = 0

    def build(self, builder: ll.IRBuilder, *arguments: ll.Value | int) -> ll.Value:
        """The result's LLVM value; instructions are added where `builder` stands."""
        operands: list[Any] = [x if isinstance(x, int) else Lane(builder, x) for x in arguments]
        return self.formula(*operands).value


def _libm(name: str, arity: int = 1) -> ScalarFunction:
    def formula(x: Lane, *rest: Lane) -> Lane:
        module, symbol = x.builder.module, name if x.is_double else f"{name}f"
        function = module.globals.get(symbol)
        function = function or ll.Function(module, ll.FunctionType(x.type, [x.type] * arity), symbol)
        return Lane(x.builder, x.builder.call(function, [x.value, *(y.value for y in rest)]))

    return ScalarFunction(formula, arity)


LIBRARY: dict[str, ScalarFunction] = {
    "select": ScalarFunction(scalar_arithmetic.select, arity=3, result_like=1),
    "plus": ScalarFunction(scalar_arithmetic.plus, arity=2),
    "maximum": ScalarFunction(scalar_arithmetic.maximum, arity=2),
    "minimum": ScalarFunction(scalar_arithmetic.minimum, arity=2),
    "wins_max": ScalarFunction(scalar_arithmetic.wins_max, arity=2, result_like=None),
    "wins_min": ScalarFunction(scalar_arithmetic.wins_min, arity=2, result_like=None),
    "sign": ScalarFunction(scalar_arithmetic.sign),
    "floor": ScalarFunction(scalar_arithmetic.floor),
    "ceil": ScalarFunction(scalar_arithmetic.ceil),
    "sqrt": ScalarFunction(scalar_arithmetic.sqrt),
    "rsqrt": ScalarFunction(scalar_arithmetic.rsqrt),
    "floor_div": ScalarFunction(scalar_arithmetic.floor_div, arity=2),
    "mod": ScalarFunction(scalar_arithmetic.mod, arity=2),
    "integer_pow": ScalarFunction(scalar_arithmetic.integer_pow, arity=2),
    "pow": _libm("pow", arity=2),
    "exp": _libm("exp"),
    "expm1": _libm("expm1"),
    "log": _libm("log"),
    "log1p": _libm("log1p"),
    "logistic": ScalarFunction(lambda x: 1.0 / (_libm("exp").formula(-x) + 1.0)),
    "erf": _libm("erf"),
    "sin": _libm("sin"),
    "cos": _libm("cos"),
    "tan": _libm("tan"),
    "arcsin": _libm("asin"),
    "arccos": _libm("acos"),
    "arctan": _libm("atan"),
    "arctan2": _libm("atan2", arity=2),
    "sinh": _libm("sinh"),
    "cosh": _libm("cosh"),
    "tanh": _libm("tanh"),
}
