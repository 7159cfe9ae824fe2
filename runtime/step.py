"""Builtins that do for a record what was done before: take a step, end a segment.

`step(tape, operation, x, y or statics)` does what `Tape.binary` and `Tape.unary` do where the way is in the
trie, and lets arrays enter. A recorded operation then costs one or two dictionary look-ups and three small
objects, and no frame of Python. `finish(tape)` does what `Tape.demand` does. Both return None, having done
nothing that Python would not do, where they do not know how. Start at `builtins_of`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from tapejit.runtime.c_api import CApi
from tapejit.runtime.slot import Slots, as_expected

Builtin = Callable[..., Any]


@cache
def builtins_of(slots: Slots) -> tuple[Builtin, Builtin] | None:
    """`step` and `finish` for objects with these slots; None if this process cannot have them."""
    api = CApi.found()
    if api is None or not as_expected():
        return None
    from tapejit.runtime.finish_writer import FinishWriter  # llvmlite: not at import time
    from tapejit.runtime.step_writer import StepWriter

    return StepWriter(api, slots).built(), FinishWriter(api, slots).built()
