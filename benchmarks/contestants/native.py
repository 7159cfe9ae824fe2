"""The limit: each workload's hand-written kernel, on one thread."""

from __future__ import annotations

from contestants.contestant import Call, General
from workloads.workload import Case


class Limit(General):
    name = "limit"

    def __init__(self, threads: int):
        pass

    def build(self, case: Case) -> Call:
        return lambda: case.workload.limit(*case.inputs)
