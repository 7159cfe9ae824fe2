"""Every library's number of threads, through the environment: set before any of them is imported."""

from __future__ import annotations

import os

VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "TAPEJIT_NUM_THREADS",
    "NPROC",  # XLA's own pool
)


def set_threads(threads: int) -> dict[str, str]:
    """Sets the variables and returns them."""
    settings = dict.fromkeys(VARIABLES, str(threads))
    if threads == 1:
        settings["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
    os.environ.update(settings)
    return settings
