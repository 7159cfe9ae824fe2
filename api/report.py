"""What `tapejit info` says: versions, processor, settings, and whether a small function compiles."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterator
from importlib.metadata import version

import numpy as np

from tapejit.engine import DECORATED, ENGINE, cache_info
from tapejit.function import value_and_grad

_PARTS = ("numpy", "numba", "llvmlite", "scipy", "optree")


def report() -> Iterator[tuple[str, str]]:
    """Lines of the report, as name and value."""
    import llvmlite.binding

    yield "tapejit", version("tapejit")
    yield "python", f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    for part in _PARTS:
        yield part, version(part)
    yield "processor", f"{llvmlite.binding.get_host_cpu_name()}, {os.cpu_count()} cores"
    yield "tier", f"{ENGINE.tier} (recorded), {DECORATED.tier} (decorated); set TAPEJIT_TIER to change it"
    yield "check", _check()
    found = cache_info()
    yield "programs", f"{found.compiled} compiled, {found.hits} hits, {found.interpreted} interpreted"


def _check() -> str:
    """Differentiate a function, compare the result with the formula, and take the time."""
    x = np.linspace(0.1, 3.0, 1000)
    function = value_and_grad(lambda x: np.sum(np.sin(x) * np.exp(-x)))
    start = time.perf_counter()
    value, gradient = function(x)
    seconds = time.perf_counter() - start
    formula = (np.cos(x) - np.sin(x)) * np.exp(-x)
    right = np.allclose(gradient, formula) and np.isclose(value, np.sum(np.sin(x) * np.exp(-x)))
    return f"{'right' if right else 'WRONG'}: a value and gradient, first call {seconds:.2f} s"
