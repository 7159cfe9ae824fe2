"""A schedule for people: what each nest runs over, computes, reads and writes, and why it stands alone."""

from __future__ import annotations

from collections.abc import Iterator

from tapejit.codegen.nesting import Nest
from tapejit.codegen.overwrite import Way
from tapejit.codegen.plan import Plan
from tapejit.codegen.root import Kind, Root
from tapejit.codegen.schedule import Schedule
from tapejit.codegen.window import long_extents
from tapejit.ir.function import Instr, Value
from tapejit.ir.types import TensorType


def describe(schedule: Schedule) -> str:
    """One paragraph per nest."""
    paragraphs = (
        "\n".join(_nest(number, nest, schedule.plan)) for number, nest in enumerate(schedule.nests, 1)
    )
    return "\n".join(paragraphs) + "\n"


def _nest(number: int, nest: Nest, plan: Plan) -> Iterator[str]:
    rows = f" over rows {list(nest.rows)}" if nest.rows else ""
    yield f"nest {number}{rows}  ({nest.reason})"
    for phase in nest.phases:
        work = (_work(root, plan, phase.begins.get(root, ())) for root in phase.roots)
        yield f"  loops {list(phase.inner)}: {', '.join(work)}"
    reads = dict.fromkeys(v for root in nest.roots for v in _leaves(root, plan))
    written = (v for root in nest.roots for v in _written(root))
    yield f"  reads {_bytes(v.type for v in reads)}, writes {_bytes(v.type for v in written)}"
    half = "; half of a table, the other half is its mirror image" if nest.is_half else ""
    beside = f"; {nest.lanes} rows side by side" if nest.lanes else ""
    in_strips = f"; strips of {nest.strip} rows, phase by phase" if nest.strip else ""
    band = nest.band
    reason = (
        f"in each block of a band of {len(band.nests)} nests: {band.division.reason}"
        if band
        else nest.division.reason
    )
    yield f"  {reason}{half}{beside}{in_strips}"


def _work(root: Root, plan: Plan, begins: tuple[int, ...]) -> str:
    name = _name(root.instr) if root.instr else root.value.name or "value"
    to = "a temporary" if root.slot is None else _result(root.slot, plan)
    verb = "store" if root.kind in (Kind.DEFINE, Kind.COPY, Kind.OUTER) else root.kind.value
    return f"{verb} {name}{_window(root, begins)} to {to}"


WAYS = {
    Way.HERE: "where it stands",
    Way.HERE_KEPT: "where it stands, from a temporary",
    Way.LAST: "in place",
    Way.APART: "in place, after all that reads it or may fail",
    Way.KEPT: "from a temporary, after all that reads it",
}


def _result(slot: int, plan: Plan) -> str:
    """A result, or the parameter that it is left in, and how it gets there."""
    home = plan.signature.overwritten.get(slot)
    if home is None:
        return f"result {slot}"
    return f"{plan.function.params[home].name or f'parameter {home}'} {WAYS[plan.ways[slot]]}"


def _name(instr: Instr) -> str:
    """The primitive, or which of its kinds."""
    kind = instr.attrs.get("kind", instr.primitive.name)
    return str(kind)


def _window(root: Root, begins: tuple[int, ...]) -> str:
    """What it has of the loops, if not all."""
    if not begins:
        return ""
    ranges = (f"{begin}:{begin + n}" for begin, n in zip(begins, long_extents(root), strict=True))
    return f" over [{', '.join(ranges)}]"


def _written(root: Root) -> tuple[Value, ...]:
    """What it writes: of a piece of a whole, that."""
    return tuple(o.value for o in root.operands) if root.start else root.values


def _leaves(root: Root, plan: Plan) -> list[Value]:
    """The values in memory from which a root is computed."""
    defined = root.kind is Kind.DEFINE
    first = plan.definitions[root.value].operands if defined else [o.value for o in root.operands]
    seen, pending, leaves = set(first), list(first), []
    while pending:
        value = pending.pop()
        if value in plan.stored or value not in plan.definitions:
            leaves.append(value)
            continue
        fresh = set(plan.definitions[value].operands) - seen
        seen |= fresh
        pending.extend(fresh)
    return leaves


def _bytes(types: Iterator[TensorType]) -> str:
    return f"{sum(t.nbytes for t in types):,} bytes"
