"""A schedule for people: the loop nests in order, what each computes, keeps and writes, and why it is its own.

`describe` is the whole of it. Values carry the names that the IR's text gives them.
"""

from __future__ import annotations

from collections.abc import Iterator

from tapejit.codegen.plan import Plan
from tapejit.codegen.root import Kind, Root
from tapejit.codegen.schedule import Nest, Schedule
from tapejit.ir.function import Instr, Value
from tapejit.ir.printer import value_names

Names = dict[Value, str]


def describe(scheduled: Schedule) -> str:
    """The text of a schedule."""
    names = value_names(scheduled.plan.function)
    lines = [line for n, nest in enumerate(scheduled.nests, 1) for line in _nest(n, nest, scheduled.plan, names)]
    return "".join(f"{line}\n" for line in lines or ["nothing to compute"])


def _nest(number: int, nest: Nest, plan: Plan, names: Names) -> Iterator[str]:
    yield f"{number}: {_head(nest)}" + (f"  # {nest.reason}" if nest.reason else "")
    for phase in nest.phases:
        indent = "   "
        if nest.rows and not nest.is_call:
            yield f"{indent}in each row, over {_extents(phase.inner)}:"
            indent += "   "
        yield from (indent + _root(root, plan, names) for root in phase.roots)
    inside = list(dict.fromkeys(i.primitive.name for root in nest.roots for i in _evaluated(root, plan)))
    if inside:
        yield f"   evaluated where needed: {', '.join(inside)}"


def _head(nest: Nest) -> str:
    if nest.is_call:
        return "call" if nest.roots[0].kind is Kind.LIBRARY else "branch"
    return f"loops over {_extents(nest.rows or nest.phases[0].inner)}"


def _extents(extents: tuple[int, ...]) -> str:
    return " × ".join(map(str, extents)) or "one element"


def _root(root: Root, plan: Plan, names: Names) -> str:
    """What one root completes and where that goes."""
    what = "copy" if root.kind is Kind.COPY or root.instr is None else root.instr.primitive.name
    added = root.slot is not None and plan.signature.accumulate[root.slot]
    goal = "a temporary" if root.slot is None else f"result {root.slot}" + (", added to it" if added else "")
    return f"{names[root.value]} = {what} : {root.value.type} -> {goal}"


def _evaluated(root: Root, plan: Plan) -> list[Instr]:
    """The instructions that a root evaluates inside its loops, because nobody stored their results."""
    found: dict[int, Instr] = {}
    pending = list(root.instr.operands) if root.instr else [root.value]
    while pending:
        value = pending.pop()
        instr = plan.definitions.get(value)
        if instr is not None and value not in plan.stored and id(instr) not in found:
            found[id(instr)] = instr
            pending.extend(instr.operands)
    return [i for i in plan.function.body if id(i) in found]
