"""JAX: `jit(value_and_grad(f))` with 64-bit numbers; inputs are on its device beforehand.

Shapes that depend on values it cannot compile: there it runs operation by operation.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from contestants.contestant import Call
from workloads.namespace import written_for
from workloads.workload import Case


class Jax:
    name = "JAX"

    def __init__(self, threads: int):
        import jax
        import jax.numpy as np

        jax.config.update("jax_enable_x64", True)
        self.library = jax
        self.names = {
            "np": np,
            "special": jax.scipy.special,
            "log_sum_exp": partial(jax.nn.logsumexp, axis=1),
            "pick": lambda z, labels: z[np.arange(len(labels)), labels],
            "softplus": jax.nn.softplus,
            "relu": jax.nn.relu,
            "gelu": partial(jax.nn.gelu, approximate=False),
        }

    def expresses(self, case: Case) -> bool:
        return not case.workload.value_dependent

    def differentiated(self, case: Case) -> Any:
        function = written_for(case.workload.function, self.names)
        return self.library.value_and_grad(function, argnums=case.argnums)

    def build(self, case: Case) -> Call:
        compiled = self.library.jit(self.differentiated(case))
        inputs = [self.library.device_put(x) for x in case.inputs]
        return lambda: self.library.block_until_ready(compiled(*inputs))


class EagerJax(Jax):
    name = "JAX, no jit"

    def expresses(self, case: Case) -> bool:
        return case.workload.value_dependent

    def build(self, case: Case) -> Call:
        differentiated = self.differentiated(case)
        inputs = [self.library.device_put(x) for x in case.inputs]
        return lambda: self.library.block_until_ready(differentiated(*inputs))
