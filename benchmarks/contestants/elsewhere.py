"""A contestant in an environment of its own: its library asks for other versions of what the others use.

A worker in that environment (worker.py) builds, calls and times the same cases by the same modules; requests
and results pass a pipe, timed calls do not.
"""

from __future__ import annotations

import os
import pickle
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contestants.contestant import Call, Contestant, Result
from workloads.workload import Case

BENCHMARKS = Path(__file__).parents[1]


@dataclass(frozen=True)
class Elsewhere:
    """Makes a contestant of `kind`: in the Python that an environment variable names, else in this one."""

    kind: type[Contestant]
    variable: str

    @property
    def name(self) -> str:
        return self.kind.name

    def __call__(self, threads: int) -> Contestant:
        python = os.environ.get(self.variable)
        return Visitor(self.kind, python, threads) if python else self.kind(threads)


class Visitor:
    """The contestant's end of the pipe. ImportError if the other Python lacks the library."""

    def __init__(self, kind: type[Contestant], python: str, threads: int):
        self.name = kind.name
        command = [
            os.path.abspath(python),
            "-m",
            "contestants.worker",
            kind.__module__,
            kind.__name__,
            str(threads),
        ]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        try:
            self.worker = subprocess.Popen(command, cwd=BENCHMARKS, **pipes)
            self.versions: dict[str, str] = self.answer()
        except (OSError, EOFError) as problem:
            raise ImportError(f"no worker by {python}: {problem!r}") from problem

    def expresses(self, case: Case) -> bool:
        return self.ask("expresses", case.workload.name, case.size)

    def build(self, case: Case) -> Call:
        self.ask("build", case.workload.name, case.size)
        return DistantCall(self.ask)

    def close(self) -> None:
        """End the worker."""
        self.worker.stdin.close()
        self.worker.stdout.close()
        self.worker.wait()

    def ask(self, *request: Any) -> Any:
        pickle.dump(request, self.worker.stdin)
        self.worker.stdin.flush()
        return self.answer()

    def answer(self) -> Any:
        """What the worker says next; its exception, if it had one."""
        answer = pickle.load(self.worker.stdout)
        if isinstance(answer, Exception):
            raise answer
        return answer


@dataclass(frozen=True)
class DistantCall:
    """The call that was built last; the clock lets it time itself, for a pipe is slower than many a call."""

    ask: Callable[..., Any]

    def __call__(self) -> Result:
        return self.ask("call")

    def timed(self, calls: int) -> float:
        return self.ask("timed", calls)

    def page_faults(self, calls: int) -> float:
        return self.ask("page_faults", calls)
