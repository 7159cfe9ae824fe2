"""The other end of elsewhere.py's pipe: `python -m contestants.worker MODULE CLASS THREADS`."""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Callable
from importlib import import_module, metadata
from typing import IO, Any

from contestants.contestant import Call, Contestant, Result
from race.clock import calm, page_faults, timed
from workloads import WORKLOADS
from workloads.workload import Case


class Worker:
    """The other end: one method per request."""

    def __init__(self, contestant: Contestant):
        self.contestant = contestant
        self.workloads = {workload.name: workload for workload in WORKLOADS}
        self.current: Call | None = None

    def expresses(self, workload: str, size: tuple[int, ...]) -> bool:
        return self.contestant.expresses(Case(self.workloads[workload], size))

    def build(self, workload: str, size: tuple[int, ...]) -> None:
        self.current = self.contestant.build(Case(self.workloads[workload], size))

    def call(self) -> Result:
        return self.current()

    def timed(self, calls: int) -> float:
        with calm():
            return timed(self.current, calls)

    def page_faults(self, calls: int) -> float:
        return page_faults(self.current, calls)


def serve(module: str, kind: str, threads: int, requests: IO[bytes], replies: IO[bytes]) -> None:
    """Answer until the pipe is closed; the first answer is the versions of the library and of Numba."""
    try:
        worker = Worker(getattr(import_module(module), kind)(threads))
        say(replies, {name: metadata.version(name) for name in (kind.lower(), "numba")})
    except ImportError as missing:
        say(replies, missing)
        return
    while True:
        try:
            name, *arguments = pickle.load(requests)
        except EOFError:
            return
        say(replies, answer(getattr(worker, name), arguments))


def answer(method: Callable[..., Any], arguments: list[Any]) -> Any:
    try:
        return method(*arguments)
    except Exception as problem:  # as in the race: a peer may fail as it likes
        return RuntimeError(f"{type(problem).__name__}: {problem}")


def say(replies: IO[bytes], answer: Any) -> None:
    pickle.dump(answer, replies)
    replies.flush()


if __name__ == "__main__":
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what the library prints is no reply
    serve(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.stdin.buffer, replies)
