"""Dr.Jit on its LLVM backend: retraced in every call, kernels cached. Elementwise workloads only."""

from __future__ import annotations

from types import SimpleNamespace

from contestants.contestant import Call
from workloads.namespace import written_for
from workloads.workload import Case


class DrJit:
    name = "Dr.Jit"

    def __init__(self, threads: int):
        import drjit
        from drjit.llvm.ad import Float64

        drjit.set_thread_count(threads)
        self.library, self.array = drjit, Float64
        same = {name: getattr(drjit, name) for name in ("sum", "sin", "exp", "log", "sqrt")}
        self.names = {"np": SimpleNamespace(**same), "special": drjit}

    def expresses(self, case: Case) -> bool:
        return case.workload.elementwise

    def build(self, case: Case) -> Call:
        library = self.library
        function = written_for(case.workload.function, self.names)
        inputs = [self.array(x) for x in case.inputs]
        leaves = [inputs[i] for i in case.argnums]

        def call():
            for leaf in leaves:
                library.enable_grad(leaf)
                library.clear_grad(leaf)
            value = function(*inputs)
            library.backward(value)
            gradients = tuple(library.grad(leaf) for leaf in leaves)
            library.eval(value, gradients)
            library.sync_thread()
            return library.detach(value), gradients

        return call
