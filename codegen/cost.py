"""What it costs to evaluate a value again, read off the source of its operations.

One unit is an addition or a load. A value that costs much and is needed in several loops, or again
and again inside one, is stored instead. Start with `costly_values`.
"""

from __future__ import annotations

import re
from functools import lru_cache

from tapejit.ir.function import Function, Value

CHEAP_CALLS = frozenset(
    "abs select maximum minimum sign floor ceil integer_pow plus wins_max wins_min f64 f32 i64 i32 bool not".split()
)
CALL_COST = 20
_CALL = re.compile(r"([a-z_]\w*)\(")


@lru_cache(maxsize=None)
def source_cost(source: str) -> int:
    """The cost of one element of a `Scalar.source`."""
    return sum(1 if name in CHEAP_CALLS else CALL_COST for name in _CALL.findall(source)) or 1


def costly_values(function: Function) -> set[Value]:
    """The values that should be stored although nothing forces it."""
    return set()
