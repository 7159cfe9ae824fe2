"""One case, start to finish: build and call everyone once, check that they agree, time them interleaved."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from contestants.contestant import Contestant
from race.agreement import Disagreement, check
from race.clock import Runner, interleave, page_faults, timed
from race.record import Entry, Record
from race.table import line
from workloads.workload import Case


def heat(case: Case, contestants: Sequence[Contestant], seconds: float) -> Record:
    """The first contestant is the reference of the others."""
    record = Record.of(case)
    dtype = np.result_type(*(case.inputs[i].dtype for i in case.argnums))
    reference: Any = None
    runners = []
    for contestant in contestants:
        if not contestant.expresses(case):
            continue
        try:
            call, result, entry = _first_calls(contestant, case)
            reference = result if reference is None else reference
            check(result, reference, dtype)
        except Exception as problem:  # a peer may fail as it likes: the others are still measured
            record.failures[contestant.name] = _told(problem)
        else:
            record.entries[contestant.name] = entry
            runners.append(Runner(contestant.name, call))
    interleave(runners, seconds)
    for runner in runners:
        record.entries[runner.name].samples = runner.samples
        record.entries[runner.name].page_faults = page_faults(runner.call)
    return record


def races(
    cases: Sequence[Case], contestants: Sequence[Contestant], seconds: float, say: Callable[[str], None]
) -> list[Record]:
    """A record per case, told as soon as it is there."""
    records = []
    for case in cases:
        records.append(heat(case, contestants, seconds))
        say(line(records[-1]))
    return records


def _first_calls(contestant: Contestant, case: Case) -> tuple[Callable[[], Any], Any, Entry]:
    """Two, since a library may look before it compiles; the second result is the one that is checked."""
    start = time.perf_counter()
    call = contestant.build(case)
    build = time.perf_counter() - start
    first = timed(call)
    start = time.perf_counter()
    result = call()
    return call, result, Entry(build, first, time.perf_counter() - start)


def _told(problem: Exception) -> str:
    if isinstance(problem, Disagreement):
        return str(problem)
    message = str(problem).strip() or "no message"
    return f"{type(problem).__name__}: {message.splitlines()[0]}"
