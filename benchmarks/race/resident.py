"""How much memory a call takes at its peak, beyond what the process holds before: resident pages, by Linux.

Results of the call count, and memory that a library keeps for the next call, since it is given back first.
"""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Callable
from pathlib import Path
from typing import Any

STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")
ROUNDS = 3


def peak(call: Callable[[], Any], give_back: Callable[[], None]) -> int:
    """The median over some calls, in bytes, none of them the first. OSError if the system cannot tell."""
    return sorted(_once(call, give_back) for _ in range(ROUNDS))[ROUNDS // 2]


def _once(call: Callable[[], Any], give_back: Callable[[], None]) -> int:
    give_back()
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    RESET.write_text("5")  # the peak so far is forgotten
    before = _status("VmRSS")
    call()
    return max(_status("VmHWM") - before, 0)


def _status(name: str) -> int:
    (line,) = (line for line in STATUS.read_text().splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1]) * 1024
