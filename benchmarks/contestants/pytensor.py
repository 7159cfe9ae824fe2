"""PyTensor: one symbolic graph of value and gradients, run by Numba (its default), inputs not checked."""

from __future__ import annotations

from functools import partial

from contestants.contestant import Call, General
from workloads.namespace import written_for
from workloads.workload import Case


class PyTensor(General):
    name = "PyTensor"

    def __init__(self, threads: int):
        import pytensor
        import pytensor.tensor as np

        self.library, self.np = pytensor, np
        self.names = {
            "np": np,
            "special": np,
            "log_sum_exp": partial(np.logsumexp, axis=1),
            "pick": lambda z, labels: z[np.arange(labels.shape[0]), labels],
            "softplus": np.softplus,
        }

    def build(self, case: Case) -> Call:
        symbols = [self.np.tensor(dtype=x.dtype, shape=x.shape) for x in case.inputs]
        value = written_for(case.workload.function, self.names)(*symbols)
        gradients = self.library.grad(value, [symbols[i] for i in case.argnums])
        compiled = self.library.function(
            symbols, [value, *gradients], trust_input=True, on_unused_input="ignore", mode="NUMBA"
        )

        def call():
            result, *found = compiled(*case.inputs)
            return result, tuple(found)

        return call
