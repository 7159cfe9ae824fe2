"""How a compiled function is called: what codegen emits, the runtime compiles and the engine calls.

The native program is `program(*params, *outs)`: it returns nothing and writes every result into the
array given for it. All arrays are C-contiguous and of exactly the stated type.

A result may have a *home*: a parameter of its type, in whose memory it is left; the array given for it is not
touched. Parameters are written to last, after everything that can fail: an error leaves them as they were,
and so does a guard that does not hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from tapejit.ir.function import Function
from tapejit.ir.types import TensorType

NOWHERE: Mapping[int, int] = MappingProxyType({})


@dataclass(frozen=True)
class Signature:
    """Types of the parameters and results, and how each is passed."""

    params: tuple[TensorType, ...]
    by_value: tuple[bool, ...]  # per parameter: a Python number instead of an array (rank 0 only)
    results: tuple[TensorType, ...]
    accumulate: tuple[bool, ...]  # per result: add to what the array holds instead of overwriting it
    homes: tuple[int | None, ...] = ()  # per result: the parameter that it is left in; () is none for any
    guards: tuple[int, ...] = ()  # results complete in any case: if the first is false, no parameter changes

    @property
    def overwritten(self) -> dict[int, int]:
        """By result that has a home: the number of that parameter."""
        return {slot: home for slot, home in enumerate(self.homes) if home is not None}


def signature_of(
    function: Function,
    by_value: frozenset[int] = frozenset(),
    accumulate: frozenset[int] = frozenset(),
    homes: Mapping[int, int] = NOWHERE,
    guards: tuple[int, ...] = (),
) -> Signature:
    """The signature of `function` with these parameters by value, and these results accumulated.

    `homes`: the parameters in which results are left, by the number of the result.
    """
    count = len(function.results)
    return Signature(
        tuple(v.type for v in function.params),
        tuple(i in by_value for i in range(len(function.params))),
        tuple(v.type for v in function.results),
        tuple(i in accumulate for i in range(count)),
        tuple(homes.get(i) for i in range(count)) if homes else (),
        guards if homes else (),
    )
