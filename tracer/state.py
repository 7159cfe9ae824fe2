"""What is on in this thread: recording, training, and the tape that operations go to.

`STATE.tape` is None unless this thread records; that single look-up is what every operation starts
with. Each thread has its own state, so one thread's record never sees another's operations.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tapejit.tracer.tape import Tape


class ThreadState(threading.local):
    """The defaults are class attributes, so a new thread starts with everything off."""

    tape: Tape | None = None
    training: bool = False
    finished: Tape | None = None  # of the decorated call that has just been traced


STATE = ThreadState()
