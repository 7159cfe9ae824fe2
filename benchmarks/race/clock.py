"""Interleaved timing: in each round every runner makes one sample, so that a slow minute is slow for all.

A sample is as many calls as fill `SAMPLE` seconds, after one call that warms the caches again. Medians of
the samples are what is reported. Python's garbage collector is off within a sample.
"""

from __future__ import annotations

import gc
import resource
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any

SAMPLE = 2e-3
WARM_UP_CALLS, WARM_UP_SECONDS = (3, 10), 0.2  # the first calls may still compile, or be interpreted
MIN_ROUNDS, MAX_ROUNDS = 5, 1_000


@dataclass
class Runner:
    """One call and the seconds it took, sample by sample."""

    name: str
    call: Callable[[], Any]
    calls_per_sample: int = 1
    samples: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        return statistics.median(self.samples)

    def calibrate(self) -> None:
        """Warm up and choose how many calls make a sample."""
        fewest, most = WARM_UP_CALLS
        stop = time.perf_counter() + WARM_UP_SECONDS
        warm_up = [timed(self.call) for _ in range(fewest)]
        while len(warm_up) < most and time.perf_counter() < stop:
            warm_up.append(timed(self.call))
        self.calls_per_sample = max(1, int(SAMPLE / min(warm_up)))

    def sample(self) -> None:
        if self.calls_per_sample > 1:
            self.call()
        self.samples.append(timed(self.call, self.calls_per_sample))


def page_faults(call: Callable[[], Any], calls: int = 3) -> float:
    """Pages per call that the system had to give to the process: memory not kept from call to call."""
    if distant := getattr(call, "page_faults", None):
        return distant(calls)
    before = _faults()
    for _ in repeat(None, calls):
        call()
    return (_faults() - before) / calls


def _faults() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


def timed(call: Callable[[], Any], calls: int = 1) -> float:
    """Seconds per call. A call made in another process (contestants/elsewhere.py) is timed there."""
    if distant := getattr(call, "timed", None):
        return distant(calls)
    start = time.perf_counter()
    for _ in repeat(None, calls):
        call()
    return (time.perf_counter() - start) / calls


def interleave(runners: Sequence[Runner], seconds: float) -> None:
    """Fill the runners' samples for `seconds` times their number; each round starts with another runner."""
    with calm():
        for runner in runners:
            runner.calibrate()
        stop = time.perf_counter() + seconds * len(runners)
        for turn in range(MAX_ROUNDS):
            if turn >= MIN_ROUNDS and time.perf_counter() > stop:
                break
            first = turn % len(runners)
            for runner in (*runners[first:], *runners[:first]):
                gc.collect()
                runner.sample()


@contextmanager
def calm() -> Iterator[None]:
    """No garbage collection but where it is asked for, and there only of what calls leave."""
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.unfreeze()
