"""What evaluating an operation costs, read off its row: in additions of float64 in a vectorised loop.

Whoever chooses between memory and evaluating again goes by it: inside a program `codegen.cost`, between a
forward and its backward `ir.transforms.recomputation`.
"""

from __future__ import annotations

import re
from functools import cache

from tapejit.ir.emission import Constant, Emission, IndexMap, Reinterpret, Scalar

CHEAP_CALLS = frozenset(
    (
        "abs",
        "select",
        "maximum",
        "minimum",
        "sign",
        "floor",
        "ceil",
        "integer_pow",
        "plus",
        "f64",
        "f32",
        "c128",
        "c64",
        "complex",
        "conjugate",
        "divide",
        "i64",
        "i32",
        "bool",
    )
)
ROOT_CALLS = frozenset(("sqrt", "rsqrt"))
CALL, ROOT, GUARD = 20, 5, 3
UNROLLED = 4  # a last dimension of so few elements is folded by arithmetic, wherever the result is needed

_CALLS = re.compile(r"([a-z_]\w*)\(")


@cache
def source_cost(source: str) -> int:
    """The cost of one element of a `Scalar.source`."""
    calls = _CALLS.findall(source)
    return sum(1 if c in CHEAP_CALLS else ROOT if c in ROOT_CALLS else CALL for c in calls) or 1


def element_cost(emission: Emission) -> int:
    """The cost of one element of what is evaluated on demand, beyond its operands."""
    if isinstance(emission, Scalar):
        return source_cost(emission.source)
    return 0 if isinstance(emission, Constant | IndexMap | Reinterpret) else GUARD
