"""One walk over a function that replaces some instructions: the frame of the forward passes.

A pass gives `rewrite` a rule. The rule sees each instruction with its operands already replaced and
returns the values to use for its results, or None to keep it. Values are shared with the input
function (an instruction that is kept keeps its result values), so a walk costs little.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from tapejit.ir.builder import Builder, Var
from tapejit.ir.function import Function, Instr, Value
from tapejit.ir.primitive import Primitive

Rule = Callable[["Rewrite", Instr], Sequence[Value] | None]


class Rewrite:
    """The function being written: a builder, and which instruction made each value."""

    def __init__(self, function: Function):
        self.builder = Builder(function.name)
        self.builder.function.params = function.params
        self.makers: dict[Value, Instr] = {}
        self.replaced: dict[Value, Value] = {}

    def var(self, value: Value) -> Var:
        return Var(self.builder, value)

    def made_by(self, value: Value, primitive: Primitive) -> Instr | None:
        """The instruction that makes `value`, when it is one of `primitive`."""
        maker = self.makers.get(value)
        return maker if maker is not None and maker.primitive is primitive else None

    def now(self, values: Sequence[Value]) -> tuple[Value, ...]:
        """What stands for `values` of the old function."""
        replaced = self.replaced
        if replaced.keys().isdisjoint(values):
            return tuple(values)
        return tuple([replaced.get(v, v) for v in values])

    def note(self, start: int) -> None:
        """Record the makers of what was appended to the body from `start` on."""
        for instr in self.builder.function.body[start:]:
            for value in instr.results:
                self.makers[value] = instr


def rewrite(function: Function, rule: Rule, inner: Callable[[Function], Function]) -> Function:
    """`function` with `rule` applied to its instructions and `inner` to the regions of each."""
    out = Rewrite(function)
    body = out.builder.function.body
    for old in function.body:
        instr = _renewed(old, out.now(old.operands), tuple(inner(r) for r in old.regions))
        out.builder.location, start = instr.location, len(body)
        found = rule(out, instr)
        if found is None:
            body.append(instr)
        else:
            _stand_in(out, instr, found, start)
        out.note(start)
    results = out.now(function.results)
    same = len(body) == len(function.body) and all(map(_is, body, function.body))
    if same and results == function.results:
        return function
    return Function(function.name, function.params, body, results)


def _is(new: Instr, old: Instr) -> bool:
    return new is old


def _renewed(instr: Instr, operands: tuple[Value, ...], regions: tuple[Function, ...]) -> Instr:
    """The instruction itself unless an operand or a region is another than before."""
    same = operands == instr.operands and regions == instr.regions
    return instr if same else replace(instr, operands=operands, regions=regions)


def _stand_in(out: Rewrite, instr: Instr, found: Sequence[Value], start: int) -> None:
    """Let `found` stand for the results; what was made for that purpose takes their names."""
    made = {v for new in out.builder.function.body[start:] for v in new.results}
    for old, new in zip(instr.results, found, strict=True):
        out.replaced[old] = new
        if new in made:
            new.name = new.name or old.name
