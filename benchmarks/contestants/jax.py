"""JAX: `jit(value_and_grad(f))` with 64-bit numbers; inputs are on its device beforehand."""

from __future__ import annotations

from functools import partial

from contestants.contestant import Call, General
from workloads.namespace import written_for
from workloads.workload import Case


class Jax(General):
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

    def build(self, case: Case) -> Call:
        function = written_for(case.workload.function, self.names)
        compiled = self.library.jit(self.library.value_and_grad(function, argnums=case.argnums))
        inputs = [self.library.device_put(x) for x in case.inputs]
        return lambda: self.library.block_until_ready(compiled(*inputs))
