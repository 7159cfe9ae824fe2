"""HIPS autograd: NumPy with a tape, nothing compiled."""

from __future__ import annotations

from functools import partial

from contestants.contestant import Call, General
from workloads.namespace import written_for
from workloads.workload import Case


class Autograd(General):
    name = "autograd"

    def __init__(self, threads: int):
        import autograd
        import autograd.numpy as np
        from autograd.scipy import special

        self.library = autograd
        self.names = {
            "np": np,
            "special": special,
            "log_sum_exp": partial(special.logsumexp, axis=1),
            "pick": lambda z, labels: z[np.arange(len(labels)), labels],
        }

    def build(self, case: Case) -> Call:
        function = written_for(case.workload.function, self.names)
        differentiated = self.library.value_and_grad(function, argnum=case.argnums)
        return lambda: differentiated(*case.inputs)
