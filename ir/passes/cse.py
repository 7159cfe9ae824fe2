"""Common subexpressions: an instruction computed before is not computed again.

Attributes and regions are compared by their text, so 0.0, -0.0 and False are three constants and
NaN is one. Every primitive is a function of its operands, so any two equal instructions are one.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from tapejit.ir.function import Function, Instr, Value
from tapejit.ir.passes.rewrite import Rewrite, rewrite
from tapejit.ir.printer import canonical_text


def cse(function: Function) -> Function:
    """`function` with the first of equal instructions standing for the others."""
    seen: dict[Hashable, Sequence[Value]] = {}

    def reuse(out: Rewrite, instr: Instr) -> Sequence[Value] | None:
        before = seen.setdefault(_key(instr), instr.results)
        return None if before is instr.results else before

    return rewrite(function, reuse, cse)


def _key(instr: Instr) -> Hashable:
    regions = tuple([canonical_text(region) for region in instr.regions])
    return instr.primitive, instr.operands, repr(sorted(instr.attrs.items())), regions
