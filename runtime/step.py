"""A builtin that records a step of a trace that was taken before: `step(tape, operation, x, y or statics)`.

It does what `Tape.binary` and `Tape.unary` do where the operands are on the tape and the way is in the trie,
and returns None for all others, having done nothing. A recorded operation then costs one or two dictionary
look-ups and three small objects, and no frame of Python. Start at `step_of`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from tapejit.runtime.c_api import CApi
from tapejit.runtime.slot import Slots, as_expected


@cache
def step_of(slots: Slots) -> Callable[..., Any] | None:
    """The builtin for objects with these slots; None if this process cannot have one."""
    api = CApi.found()
    if api is None or not as_expected():
        return None
    from tapejit.runtime.step_writer import StepWriter  # llvmlite: not at import time

    return StepWriter(api, slots).built()
