"""The functions emitted source may call: the scalar library, and what compensated sums need."""

from __future__ import annotations

from tapejit.codegen.complex_library import with_complex
from tapejit.codegen.lane import Lane
from tapejit.codegen.outlined import MANY, calls, outlined
from tapejit.codegen.scalar_library import LIBRARY, ScalarFunction
from tapejit.codegen.two_part import two_sum


def _rounding(a: Lane, b: Lane) -> Lane:
    """What `a + b` loses to rounding."""
    return two_sum(a, b)[1]


def _compensated(total: Lane, lost: Lane) -> Lane:
    """`total + lost`; `total` itself where an infinity has made NaN of what was lost."""
    builder = total.builder
    ordered = builder.fcmp_ordered("ord", lost.value, lost.value)
    return Lane(builder, builder.select(ordered, (total + lost).value, total.value))


VOCABULARY: dict[str, ScalarFunction] = with_complex(
    {
        **LIBRARY,
        "rounding": ScalarFunction(_rounding, arity=2),
        "compensated": ScalarFunction(_compensated, arity=2),
    }
)
TAKE_LITERALS = frozenset(name for name, function in VOCABULARY.items() if function.literal is not None)
_OUTLINED = outlined(VOCABULARY)


def shorter_vocabulary(source: str) -> dict[str, ScalarFunction] | None:
    """The vocabulary for a source with so many long functions that inlining them would take too long."""
    return _OUTLINED if calls(source, VOCABULARY) > MANY else None
