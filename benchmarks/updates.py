"""Time the update of parameters by an optimiser's rule, in memory that is there, beside other libraries.

    python benchmarks/updates.py [--no-peers] [--quick] [--threads N] [--seconds S]

Parameters after three steps are compared with NumPy's first. Then median times of a step, interleaved, and
the pages per step that the system had to give to the process anew.
"""

from __future__ import annotations

import sys
from typing import Any

import click

from race.threads import set_threads

SIZES = (1_000, 100_000, 1_000_000)


@click.command()
@click.option("--no-peers", is_flag=True, help="Only tapejit, the hand-written loop and NumPy.")
@click.option("--quick", is_flag=True, help="The smallest size only.")
@click.option("--threads", type=click.IntRange(1), default=1, show_default=True, help="Of every library.")
@click.option("--seconds", type=float, default=0.3, show_default=True, help="Per contestant and case.")
def main(no_peers: bool, quick: bool, threads: int, seconds: float) -> None:
    """Race steps of gradient descent with momentum and of Adam."""
    set_threads(threads)  # before NumPy is imported
    from overheads.update import RULES
    from race.table import console

    rows = [
        raced(rule, size, seconds, not no_peers) for rule in RULES for size in SIZES[: 1 if quick else None]
    ]
    for row in rows:
        console().print(table(row))
    sys.exit(1 if any(row["wrong"] for row in rows) else 0)


def raced(rule: Any, size: int, seconds: float, peers: bool) -> dict[str, Any]:
    """What is known of each contestant."""
    from overheads.update import contestants
    from race.clock import Runner, interleave, page_faults

    steps = dict(contestants(rule, size, peers))
    wrong = differing(rule, size, steps)
    runners = [Runner(name, step) for name, step in steps.items() if name not in wrong]
    interleave(runners, seconds)
    times = {runner.name: runner.median for runner in runners}
    faults = {runner.name: page_faults(runner.call, 10) for runner in runners}
    return {"title": f"{rule.name}, {size:,} parameters", "times": times, "faults": faults, "wrong": wrong}


def differing(rule: Any, size: int, steps: dict[str, Any]) -> list[str]:
    """The contestants whose parameters are not NumPy's after three steps."""
    import numpy as np

    from overheads.update import writing

    expected = [writing(rule.in_place, rule, size)]
    found = {name: [np.array(step()) for _ in range(3)][-1] for name, step in steps.items()}
    right = [expected[0]() for _ in range(3)][-1]
    return [name for name, w in found.items() if not np.allclose(w, right, rtol=1e-4, atol=1e-5)]


def table(row: dict[str, Any]) -> Any:
    """One line per contestant."""
    from rich.table import Table

    found = Table("", "µs", "page faults", title=row["title"])
    for name, seconds in row["times"].items():
        found.add_row(name, f"{seconds * 1e6:,.1f}", f"{row['faults'][name]:,.1f}")
    for name in row["wrong"]:
        found.add_row(name, "wrong", "")
    return found


if __name__ == "__main__":
    main()
