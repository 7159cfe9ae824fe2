"""Elementary functions, one at a time: nanoseconds per element beside NumPy, SciPy, libm, JAX and PyTorch.

    python benchmarks/vector_math.py [--only PATTERN] [--seconds S] [--instructions callgrind|steps]

Two sizes are timed, interleaved, on one thread; the difference of their least CPU times over that of the
sizes is what an element costs once the call is paid for. docs/vector-math.md has the tables.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from fnmatch import fnmatch
from itertools import product
from typing import Any, TypeVar

import click

from race.threads import set_threads

FEW, MANY = 2_048, 16_384
CALLS, WARM_UP = 20, 5
Key = TypeVar("Key")
Cells = dict[tuple[str, str], float]  # of dtype and library


@click.command()
@click.option("--only", default="*", metavar="PATTERN", help="Functions whose name matches, e.g. 'log*'.")
@click.option("--seconds", type=float, default=0.1, show_default=True, help="Per function and library.")
@click.option("--no-peers", is_flag=True, help="Only tapejit and NumPy.")
@click.option(
    "--instructions",
    type=click.Choice(["callgrind", "steps"]),
    is_flag=False,
    flag_value="callgrind",
    help="Count instead, without JAX and PyTorch: AVX2's by callgrind, or this processor's one by one.",
)
def main(only: str, seconds: float, no_peers: bool, instructions: str | None) -> None:
    """Print a row per function."""
    set_threads(1)
    from elementary.library import LIBM, LIBRARIES, NAMES, VECTORISED

    names = [name for name in NAMES if fnmatch(name, only)]
    if not names:
        raise click.UsageError(f"no function matches {only!r}; there are: {', '.join(NAMES)}")
    if instructions:
        counted = (*VECTORISED, LIBM)
        return _print(_counts(names, instructions), counted, f"Instructions ({instructions})")
    libraries = list(LIBRARIES)[: 2 if no_peers else None]
    _print({name: _times(name, libraries, seconds) for name in names}, libraries, "Nanoseconds")


def _times(name: str, libraries: Sequence[str], seconds: float) -> Cells:
    from elementary.library import DTYPES, LIBRARIES, operands

    calls = {}
    for dtype, library, size in product(DTYPES, libraries, (FEW, MANY)):
        call = LIBRARIES[library](name, *operands(name, dtype, size))
        if call is not None:
            calls[dtype, library, size] = call
    best = _quickest(calls, seconds)
    return {
        (dtype, library): (best[dtype, library, MANY] - best[dtype, library, FEW]) / (MANY - FEW) * 1e9
        for dtype, library, size in calls
        if size == MANY
    }


def _quickest(calls: dict[Key, Callable[[], Any]], seconds: float) -> dict[Key, float]:
    """The least CPU time of a call: other processes make a sample late, but hardly longer."""
    best = dict.fromkeys(calls, math.inf)
    for _ in range(WARM_UP):
        for call in calls.values():
            call()
    stop = time.perf_counter() + seconds * len(calls)
    while time.perf_counter() < stop or math.inf in best.values():
        for key, call in calls.items():
            call()  # in caches again
            start = time.process_time()
            for _ in range(CALLS):
                call()
            best[key] = min(best[key], (time.process_time() - start) / CALLS)
    return best


def _counts(names: Sequence[str], tool: str) -> dict[str, Cells]:
    from elementary.instructions import by_callgrind, by_stepping

    rows: dict[str, Cells] = {name: {} for name in names}
    for name, dtype, library, count in {"callgrind": by_callgrind, "steps": by_stepping}[tool](names):
        rows[name][dtype, library] = count
    return rows


def _print(rows: dict[str, Cells], libraries: Sequence[str], what: str) -> None:
    from rich.table import Table

    from elementary.library import DTYPES
    from race.table import console

    table = Table(title=f"{what} per element")
    table.add_column("function")
    columns = [(dtype, library) for dtype in DTYPES for library in libraries]
    for dtype, library in columns:
        table.add_column(f"{library} {dtype}", justify="right")
    for name, cells in rows.items():
        table.add_row(name, *(f"{cells[c]:.2f}" if c in cells else "" for c in columns))
    console().print(table)


if __name__ == "__main__":
    main()
