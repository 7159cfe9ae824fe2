"""The limit: each workload's hand-written kernel, on one thread."""

from __future__ import annotations

from contestants.contestant import Call
from workloads.workload import Case


class Limit:
    name = "limit"

    def __init__(self, threads: int):
        pass

    def expresses(self, case: Case) -> bool:
        return case.workload.limit is not None

    def build(self, case: Case) -> Call:
        limit = case.workload.limit
        assert limit is not None
        return lambda: limit(*case.inputs)
