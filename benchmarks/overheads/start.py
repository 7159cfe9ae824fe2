"""Import times: fresh interpreters, NumPy and tapejit in turn; Numba must stay out."""

from __future__ import annotations

import statistics
import subprocess
import sys

from race.table import duration

REPETITIONS = 7
TIMED_IMPORT = "import time; t = time.perf_counter(); import {}; print(time.perf_counter() - t)"
NUMBA_LOADED = "import sys, tapejit; print('numba' in sys.modules)"


def import_times() -> list[tuple[str, dict[str, str]]]:
    """Rows as in `overheads.table`; tapejit's includes NumPy's."""
    times: dict[str, list[float]] = {"numpy": [], "tapejit": []}
    for _ in range(REPETITIONS):
        for module, seconds in times.items():
            seconds.append(float(_python(TIMED_IMPORT.format(module))))
    loaded = "imported" if _python(NUMBA_LOADED) == "True" else "not imported"
    medians = {module: duration(statistics.median(seconds)) for module, seconds in times.items()}
    return [
        (f"import tapejit, NumPy included (Numba is {loaded})", {"tapejit": medians["tapejit"]}),
        ("import numpy", {"tapejit": medians["numpy"]}),
    ]


def _python(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()
