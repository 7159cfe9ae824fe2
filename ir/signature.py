"""How a compiled function is called: what codegen emits, the runtime compiles and the engine calls.

The native program is `program(*params, *outs)`: it returns nothing and writes every result into the
array given for it. All arrays are C-contiguous and of exactly the stated type.
"""

from __future__ import annotations

from dataclasses import dataclass

from tapejit.ir.function import Function
from tapejit.ir.types import TensorType


@dataclass(frozen=True)
class Signature:
    """Types of the parameters and results, and how each is passed."""

    params: tuple[TensorType, ...]
    by_value: tuple[bool, ...]  # per parameter: a Python number instead of an array (rank 0 only)
    results: tuple[TensorType, ...]
    accumulate: tuple[bool, ...]  # per result: add to what the array holds instead of overwriting it


def signature_of(
    function: Function, by_value: frozenset[int] = frozenset(), accumulate: frozenset[int] = frozenset()
) -> Signature:
    """The signature of `function` with these parameters by value and these results accumulated."""
    return Signature(
        tuple(v.type for v in function.params),
        tuple(i in by_value for i in range(len(function.params))),
        tuple(v.type for v in function.results),
        tuple(i in accumulate for i in range(len(function.results))),
    )
