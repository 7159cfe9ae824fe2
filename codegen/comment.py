"""Comments in emitted source: which operations of the user a nest or call is about."""

from __future__ import annotations

from collections.abc import Iterable

from tapejit.ir.function import Instr

MOST_PLACES = 4  # named in one comment


def comment(number: int, instrs: Iterable[Instr]) -> str:
    """The operations of a nest or call, and where the user wrote them."""
    instrs = list(instrs)
    names = list(dict.fromkeys(instr.primitive.name for instr in instrs)) or ["copy"]
    places = list(dict.fromkeys(instr.location for instr in instrs if instr.location))
    where = f"  ({', '.join(places[:MOST_PLACES])}{', ...' * (len(places) > MOST_PLACES)})" if places else ""
    return f"# nest {number}: {', '.join(names)}{where}"
