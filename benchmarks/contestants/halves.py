"""tapejit where the value is asked for before the gradient: two programs, with residuals in between."""

from __future__ import annotations

from contestants.contestant import Call, General
from workloads.workload import Case


class TapejitInHalves(General):
    name = "tapejit, value first"

    def __init__(self, threads: int):
        import tapejit

        self.library = tapejit

    def build(self, case: Case) -> Call:
        tj, function = self.library, case.workload.function
        inputs = [tj.array(x) for x in case.inputs]
        leaves = [inputs[i] for i in case.argnums]
        for leaf in leaves:
            leaf.attach_grad()

        def call():
            with tj.autograd.record():
                value = function(*inputs)
            found = float(value)
            return found, tuple(tj.autograd.grad(value, leaves))

        return call
