"""CasADi: one symbol per element, in a virtual machine; its calls on small vectors are the quickest."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from contestants.contestant import Call
from workloads.namespace import written_for
from workloads.workload import Case

MAX_ELEMENTS = 1_000


class CasAdi:
    name = "CasADi"

    def __init__(self, threads: int):
        import casadi

        self.library = casadi
        same = {name: getattr(casadi, name) for name in ("sin", "exp", "log", "sqrt")}
        self.names = {"np": SimpleNamespace(sum=casadi.sum1, **same), "special": casadi}

    def expresses(self, case: Case) -> bool:
        vectors = all(x.ndim == 1 for x in case.inputs)
        return vectors and len(case.size) == 1 and case.elements <= MAX_ELEMENTS

    def build(self, case: Case) -> Call:
        library = self.library
        symbols = [library.SX.sym(f"x{i}", x.size) for i, x in enumerate(case.inputs)]
        value = written_for(case.workload.function, self.names)(*symbols)
        gradients = [library.gradient(value, symbols[i]) for i in case.argnums]
        function = library.Function("f", symbols, [value, *gradients])
        buffer, run = function.buffer()
        results = [np.empty(()), *(np.empty(case.inputs[i].size) for i in case.argnums)]
        for i, x in enumerate(case.inputs):
            buffer.set_arg(i, memoryview(x))
        for i, x in enumerate(results):
            buffer.set_res(i, memoryview(x))

        def call(owners=(function, buffer)):  # the buffer does not keep its function alive, nor `run` either
            run()
            return results[0], tuple(results[1:])

        return call
