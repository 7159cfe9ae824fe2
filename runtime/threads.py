"""The threads that run the blocks of large nests: how many, their memory, their life.

Workers are Python threads that spend their lives in native code without the GIL, asleep on a lock until a
program has blocks for them (`pool`). They start when the first program that has blocks is loaded.
A forked child has none of its parent's threads: it runs on one until it sets a number or loads a program.
"""

from __future__ import annotations

import ctypes
import os
import threading
from typing import TYPE_CHECKING

from tapejit.runtime.pool_state import BYTES, CLOSED, LINE, Word

if TYPE_CHECKING:
    from tapejit.runtime.pool import Pool

MOST_THREADS = 256
VARIABLE = "TAPEJIT_NUM_THREADS"


def usable_cores() -> int:
    """How many cores this process may run on."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def threads_from_environment() -> int:
    """`TAPEJIT_NUM_THREADS`, the usable cores when unset; ValueError for anything but a positive integer."""
    text = os.environ.get(VARIABLE, "")
    if not text:
        return min(usable_cores(), MOST_THREADS)
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= MOST_THREADS:
        raise ValueError(f"{VARIABLE} is {text!r}; set it to an integer from 1 to {MOST_THREADS}")
    return int(text)


class Threads:
    """A pool; `number` threads, the caller's among them, run a program. It lives as long as the process."""

    def __init__(self, number: int):
        self._lock = threading.Lock()
        self._memory = (ctypes.c_int64 * (Word.ASLEEP + (MOST_THREADS + 1) * LINE))()
        self._pool: Pool | None = None
        start = ctypes.addressof(self._memory)
        self.state = start + -start % (LINE * BYTES)  # at the start of a cache line
        self._words = (ctypes.c_int64 * (Word.ASLEEP + MOST_THREADS * LINE)).from_address(self.state)
        self._begin(number)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._forked)

    @property
    def number(self) -> int:
        return self._words[Word.THREADS]

    @number.setter
    def number(self, number: int) -> None:
        with self._lock:
            self._words[Word.THREADS] = number
            self._start_missing()

    def prepare(self) -> None:
        """Have the pool known to programs, and the workers running."""
        with self._lock:
            if self._pool is None:
                self._pool = self._compiled()
            self._start_missing()

    def _compiled(self) -> Pool:
        import llvmlite.binding

        from tapejit.runtime.pool import SYMBOL, compiled_pool  # llvmlite: not at import time

        pool = compiled_pool(self.state)
        llvmlite.binding.add_symbol(SYMBOL, pool.launch)
        return pool

    def _start_missing(self) -> None:
        while self._pool is not None and self._words[Word.WORKERS] < self.number - 1:
            worker = self._words[Word.WORKERS]
            self._words[Word.LOCK + worker * LINE] = _taken_lock()
            name = f"tapejit worker {worker + 1}"
            threading.Thread(target=self._pool.serve, args=(worker,), name=name, daemon=True).start()
            self._words[Word.WORKERS] = worker + 1

    def _begin(self, number: int) -> None:
        """Nobody runs, nobody waits."""
        ctypes.memset(self.state, 0, ctypes.sizeof(self._words))
        self._words[Word.TICKET] = CLOSED
        self._words[Word.THREADS] = number
        self._words[Word.FINISHED] = _taken_lock()

    def _forked(self) -> None:
        self._lock = threading.Lock()
        self._begin(self.number)


def _taken_lock() -> int:
    """A lock of CPython, as native code waits for it: no object, and never freed."""
    allocate, acquire = ctypes.pythonapi.PyThread_allocate_lock, ctypes.pythonapi.PyThread_acquire_lock
    allocate.restype, acquire.argtypes = ctypes.c_void_p, (ctypes.c_void_p, ctypes.c_int)
    lock = allocate()
    if lock is None:
        raise MemoryError("no memory for a lock")
    acquire(lock, 1)
    return int(lock)
