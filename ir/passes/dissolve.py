"""Own derivatives are dropped from a program that is about to run: nothing asks for them any more.

This is no part of `canonicalise`: a function that may still be differentiated needs its rules.
"""

from __future__ import annotations

from collections.abc import Sequence

from tapejit.ir.emission import Alias
from tapejit.ir.function import Function, Instr, Value
from tapejit.ir.passes.rewrite import Rewrite, rewrite


def dissolve(function: Function) -> Function:
    """`function` with the operands of `custom_derivative` for its results."""
    return rewrite(function, _operands, dissolve)


def _operands(out: Rewrite, instr: Instr) -> Sequence[Value] | None:
    if not isinstance(instr.primitive.emission, Alias):
        return None
    return instr.operands[: len(instr.results)]
