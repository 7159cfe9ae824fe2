"""Programs by what they compute: each is compiled once, however many threads ask for it.

The key is a digest of everything the program depends on; see `cache_key`. Start with `ProgramCache`.
"""

from __future__ import annotations

import ctypes
import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tapejit.ir.function import Function
from tapejit.ir.printer import canonical_text
from tapejit.ir.signature import Signature
from tapejit.runtime.family import Built
from tapejit.runtime.interrupt import shielded

if TYPE_CHECKING:
    from concurrent.futures import Future


@dataclass(frozen=True)
class CacheCounters:
    """What happened so far: programs compiled, runs of a program that was there, runs interpreted."""

    compiled: int
    hits: int
    interpreted: int


def cache_key(function: Function, signature: Signature, options: str = "") -> str:
    """A digest of the function's meaning, how it is called, and the options it is compiled with."""
    text = "\n".join((canonical_text(function), repr(signature), options))
    return hashlib.sha256(text.encode()).hexdigest()


class ProgramCache:
    """Compiled programs in memory."""

    def __init__(self) -> None:
        self._programs: dict[str, Future[Built]] = {}
        self._lock = threading.Lock()
        self._compiled = 0
        self._tallies: list[ctypes.c_int64] = []
        self.hits = self.interpreted = 0  # counted by the executables, one per run

    def __contains__(self, key: str) -> bool:
        return key in self._programs

    def get_or_build(self, key: str, build: Callable[[], Built]) -> Built:
        """The program under `key`, built now if it is not there; others who ask meanwhile wait for it.

        One that takes sizes is not kept here: whoever asks again is given it by its family.
        """
        future = self._programs.get(key)
        if future is not None:
            return Built(future.result().program, False)
        return shielded(lambda: self._get_or_build(key, build))

    def _get_or_build(self, key: str, build: Callable[[], Built]) -> Built:
        from concurrent.futures import Future  # not at import time: it loads the logging package

        with self._lock:
            future = self._programs.get(key)
            mine = future is None
            if future is None:
                future = self._programs[key] = Future()
        if not mine:
            return Built(future.result().program, False)
        self._build(key, build, future)
        return future.result()

    def _build(self, key: str, build: Callable[[], Built], future: Future[Built]) -> None:
        try:
            built = build()
        except BaseException as error:
            with self._lock:
                del self._programs[key]
            future.set_exception(error)
            return
        with self._lock:
            self._compiled += built.compiled
            if built.program.head:
                del self._programs[key]
        future.set_result(built)

    def counters(self) -> CacheCounters:
        """A snapshot."""
        with self._lock:
            hits = self.hits + sum(tally.value for tally in self._tallies)
            return CacheCounters(self._compiled, hits, self.interpreted)

    def tally(self) -> ctypes.c_int64:
        """A number that machine code increases by one per run of a program that was there."""
        tally = ctypes.c_int64(0)
        with self._lock:
            self._tallies.append(tally)
        return tally

    def clear(self) -> None:
        """Forget every program."""
        with self._lock:
            self._programs.clear()
