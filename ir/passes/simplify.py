"""Algebra that changes no bit: each instruction against the rows of `algebra`, `layout` and `parts`.

The rows say what they replace and why that is exact. One walk applies at most one row to an
instruction; `pipeline.canonicalise` walks again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from tapejit.ir.builder import Var
from tapejit.ir.function import Function, Instr, Value
from tapejit.ir.passes.algebra import ALGEBRA
from tapejit.ir.passes.layout import LAYOUT
from tapejit.ir.passes.parts import PARTS
from tapejit.ir.passes.pattern import Match, Rule
from tapejit.ir.passes.rewrite import Rewrite, rewrite
from tapejit.ir.primitive import Primitive


def simplify(function: Function) -> Function:
    """`function` with instructions replaced by cheaper ones that give the same bits."""
    return rewrite(function, _simplified, simplify)


def _simplified(out: Rewrite, instr: Instr) -> Sequence[Value] | None:
    rules = _RULES.get(instr.primitive)
    if rules is None:
        return None
    match = Match(out, instr)
    for rule in rules:
        found = rule.apply(match)
        if found is not None:
            return [found.value] if isinstance(found, Var) else [v.value for v in found]
    return None


def _by_primitive(rules: Sequence[Rule]) -> Mapping[Primitive, Sequence[Rule]]:
    table: defaultdict[Primitive, list[Rule]] = defaultdict(list)
    for rule in rules:
        for primitive in rule.primitives:
            table[primitive].append(rule)
    return dict(table)


_RULES = _by_primitive((*ALGEBRA, *LAYOUT, *PARTS))
