"""Operations that no trace may repeat, such as a draw of the process's random numbers."""

from __future__ import annotations

from tapejit.tracer.state import STATE


def note_impure(reason: str) -> None:
    """What is recorded now in this thread holds for this call only: the next one runs the Python again."""
    tape = STATE.tape
    while tape is not None:
        tape.impure = reason
        tape = tape.parent
