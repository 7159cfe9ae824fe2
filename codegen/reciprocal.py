"""One division where the reciprocal of a root is there: `0.5 / sqrt(x)` beside `1 / sqrt(x)` is half of that.

The derivative of a root is such a quotient, so whoever divides by a root and differentiates has both. A power
of two scales exactly, and no root is so large or small that its reciprocal is subnormal. The derivative also
divides the reciprocal itself by the root, and what was divided by it before: `x / norm / norm`. A product is
rounded as often, and infinite, zero or NaN where the quotient is. Other dividends stay: `x / norm` is at most
1, `x * (1 / norm)` is not. Start with `shared_reciprocals`.
"""

from __future__ import annotations

from tapejit.ir import ops
from tapejit.ir.function import Function, Instr, Value

Definitions = dict[Value, Instr]
EXACT = (0.5, 2.0, -0.5, -1.0, -2.0)


def shared_reciprocals(function: Function) -> Function:
    """The same function, bit for bit but for a unit in the last place of what is divided by a root twice.

    Parameters and results are the same values.
    """
    definitions = function.definitions()
    reciprocals: dict[Value, Value] = {}  # by root
    body: list[Instr] = []
    for instr in function.body:
        number = _over_root(instr, definitions)
        if number == 1.0:
            reciprocals[instr.operands[1]] = instr.results[0]
        reciprocal = reciprocals.get(instr.operands[-1]) if instr.primitive is ops.div else None
        if reciprocal is not None and (number in EXACT or _is_quotient(instr, definitions)):
            factors = (reciprocal, instr.operands[0])
            body.append(Instr(ops.mul, factors, {}, instr.results, (), instr.location))
        else:
            body.append(instr)
    return Function(function.name, function.params, body, function.results) if reciprocals else function


def _is_quotient(instr: Instr, definitions: Definitions) -> bool:
    """Whether the dividend was divided by the same root before."""
    dividend, root = instr.operands
    made = definitions.get(dividend)
    return made is not None and made.primitive is ops.div and made.operands[1] is root


def _over_root(instr: Instr, definitions: Definitions) -> float | None:
    """The constant that is divided by a root of real numbers."""
    if instr.primitive is not ops.div:
        return None
    constant, root = definitions.get(instr.operands[0]), instr.operands[1]
    if constant is None or constant.primitive is not ops.full or not _is_root(root, definitions):
        return None
    return float(constant.attrs["value"])


def _is_root(value: Value, definitions: Definitions) -> bool:
    """Whether it is a root, or one repeated along other dimensions."""
    made = definitions.get(value)
    while made is not None and made.primitive in (ops.broadcast, ops.reshape):
        made = definitions.get(made.operands[0])
    return made is not None and made.primitive is ops.sqrt and value.type.is_float
