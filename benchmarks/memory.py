"""The peak memory of a step (value and gradients) beside hand-written kernels and PyTorch.

    python benchmarks/memory.py [--only PATTERN] [--no-peers] [--threads N]

Each contestant runs in a process of its own, each workload at its largest size. The promise: tapejit takes at
most twice what the hand-written kernel takes, or 1.2 times what PyTorch takes, whichever is more.
"""

from __future__ import annotations

import json
import subprocess
import sys
from fnmatch import fnmatch
from typing import Any

import click

from race.threads import set_threads

OURS, LIMIT, TORCH = ("tapejit", "tapejit, value first"), "limit", "PyTorch"
TWICE, A_LITTLE_MORE = 2.0, 1.2
NOISE = 2**20  # bytes: stacks, caches of small objects


@click.group(invoke_without_command=True)
@click.option("--only", default="*", metavar="PATTERN", help="Workloads whose name matches, e.g. 'soft*'.")
@click.option("--no-peers", is_flag=True, help="Only tapejit and the hand-written kernels.")
@click.option("--threads", type=click.IntRange(1), default=1, show_default=True, help="Of every library.")
@click.pass_context
def main(context: click.Context, only: str, no_peers: bool, threads: int) -> None:
    """Measure the peak memory of a step of each workload at its largest size."""
    set_threads(threads)
    if context.invoked_subcommand is None:
        compare(only, no_peers, threads)


@main.command(hidden=True)
@click.argument("contestant")
@click.argument("workload")
@click.pass_context
def measure(context: click.Context, contestant: str, workload: str) -> None:
    """Print what one contestant takes, in bytes; nothing if it does not take part."""
    from race.resident import peak
    from workloads import WORKLOADS

    (case,) = (list(w.cases())[-1] for w in WORKLOADS if w.name == workload)
    entered = kinds()[contestant](context.parent.params["threads"])
    if not entered.expresses(case):
        return
    call = entered.build(case)
    for _ in range(3):
        call()
    print(json.dumps(peak(call, giver_back(entered))))


def kinds() -> dict[str, Any]:
    """The contestants by name."""
    from contestants.halves import TapejitInHalves
    from contestants.native import Limit
    from contestants.tapejit import Tapejit
    from contestants.torch import Torch

    return {kind.name: kind for kind in (Limit, Tapejit, TapejitInHalves, Torch)}


def giver_back(contestant: Any) -> Any:
    """What makes a library give back the memory that it keeps for later calls."""
    return getattr(getattr(contestant, "library", None), "release_workspaces", lambda: None)


def compare(only: str, no_peers: bool, threads: int) -> None:
    """A table of all contestants; exit status 1 if tapejit takes more than it may."""
    from rich.table import Table

    from race.table import console
    from workloads import WORKLOADS

    names = [name for name in kinds() if not no_peers or name in (*OURS, LIMIT)]
    table = Table("workload", "size", *names, "may take", "", title="Peak memory of a step, MB")
    kept = True
    for workload in WORKLOADS:
        if fnmatch(workload.name.lower(), only.lower()):
            found = {name: measured(name, workload.name, threads) for name in names}
            *_, case = workload.cases()
            most = allowed(found)
            broken = [name for name in OURS if most is not None and (found[name] or 0) > most]
            kept = kept and not broken
            cells = (megabytes(found[name]) for name in names)
            table.add_row(workload.name, case.label, *cells, megabytes(most), "too much" if broken else "")
    console().print(table)
    sys.exit(0 if kept else 1)


def measured(contestant: str, workload: str, threads: int) -> int | None:
    """The bytes that one contestant takes in a process of its own; None if it takes no part."""
    command = [sys.executable, __file__, "--threads", str(threads), "measure", contestant, workload]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return json.loads(done.stdout) if done.returncode == 0 and done.stdout else None


def allowed(found: dict[str, int | None]) -> float | None:
    """The most that tapejit may take; None if nobody is there to compare with."""
    bounds = ((found.get(LIMIT), TWICE), (found.get(TORCH), A_LITTLE_MORE))
    return max((size * factor + NOISE for size, factor in bounds if size is not None), default=None)


def megabytes(size: float | None) -> str:
    return "" if size is None else f"{size / 1e6:,.1f}"


if __name__ == "__main__":
    main()
