"""Instructions as this processor executes them, AVX-512 too: a child process is stopped after each (ptrace).

Each step takes the system some microseconds, up to a hundred in a virtual machine: only for short calls, on
Linux. Where a debugger may not attach, `Stepping.count` raises PermissionError.
"""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Callable
from typing import Any

TRACE_ME, SINGLE_STEP = 0, 9


class Stepping:
    """Counts in a copy of this process."""

    def __init__(self):
        self._library = ctypes.CDLL(None, use_errno=True)
        self._library.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
        self._library.ptrace.restype = ctypes.c_long

    def count(self, call: Callable[[], Any]) -> int:
        """The instructions of a call, and of some more that are nearly always as many."""
        child = os.fork()
        if child == 0:
            self._be_traced(call)
        try:
            return self._steps(child)
        finally:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)

    def _be_traced(self, call: Callable[[], Any]) -> None:
        self._library.ptrace(TRACE_ME, 0, None, None)
        call()  # memory is where it was for the last one
        os.kill(os.getpid(), signal.SIGSTOP)
        call()
        os.kill(os.getpid(), signal.SIGSTOP)
        os._exit(0)

    def _steps(self, child: int) -> int:
        """Those between its two stops."""
        self._wait(child)
        steps = 0
        while True:
            if self._library.ptrace(SINGLE_STEP, child, None, None) < 0:
                raise PermissionError(ctypes.get_errno(), "the system allows no ptrace of a child process")
            if self._wait(child) == signal.SIGSTOP:
                return steps
            steps += 1

    def _wait(self, child: int) -> int:
        """The signal that stopped it."""
        _, status = os.waitpid(child, 0)
        if not os.WIFSTOPPED(status):
            raise ChildProcessError(f"the counted call ended its process (status {status})")
        return os.WSTOPSIG(status)
