"""PyTorch, eager and (on request, since it compiles for seconds) through `torch.compile`."""

from __future__ import annotations

from typing import Any

from contestants.contestant import Call, General
from workloads.layer_norm import EPSILON
from workloads.namespace import written_for
from workloads.workload import Case


class Torch(General):
    name = "PyTorch"

    def __init__(self, threads: int):
        import torch

        torch.set_num_threads(threads)
        functional = torch.nn.functional
        self.library = torch
        self.names = {
            "np": torch,
            "special": torch.special,
            "log_sum_exp": lambda z: torch.logsumexp(z, 1),
            "cross_entropy": functional.cross_entropy,
            "softplus": functional.softplus,
            "relu": functional.relu,
            "gelu": functional.gelu,
            "layer_norm": lambda x, gamma, beta: functional.layer_norm(x, gamma.shape, gamma, beta, EPSILON),
        }

    def function(self, case: Case) -> Any:
        return written_for(case.workload.function, self.names)

    def build(self, case: Case) -> Call:
        function = self.function(case)
        inputs = [
            self.library.from_numpy(x.copy()) if x.ndim else self.library.tensor(x) for x in case.inputs
        ]
        leaves = [inputs[i].requires_grad_() for i in case.argnums]

        def call():
            value = function(*inputs)
            return value, self.library.autograd.grad(value, leaves)

        return call


class CompiledTorch(Torch):
    name = "torch.compile"

    def function(self, case: Case) -> Any:
        self.library.compiler.reset()
        return self.library.compile(super().function(case), dynamic=False)
