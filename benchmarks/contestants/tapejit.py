"""tapejit: the decorated function, NumPy arrays in and out."""

from __future__ import annotations

from contestants.contestant import Call, General
from workloads.workload import Case


class Tapejit(General):
    name = "tapejit"

    def __init__(self, threads: int):
        import tapejit

        self.library = tapejit

    def build(self, case: Case) -> Call:
        function = self.library.value_and_grad(argnums=case.argnums)(case.workload.function)
        return lambda: function(*case.inputs)
