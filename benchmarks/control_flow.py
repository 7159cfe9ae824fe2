"""The tutorials' function, whose `while` and `if` depend on the data: tapejit beside eager libraries.

    python benchmarks/control_flow.py [--seconds S] [--no-peers]

Each gradient is compared with d / a first, and nobody is timed for a wrong one. Contestants are interleaved
as in run.py. The rows are sizes of `a` and numbers of rounds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click
import numpy as np

from race.threads import set_threads

INPUTS = {
    "1 element, 9 rounds": np.array([1.0]),
    "3 elements, 8 rounds": np.array([0.9, 1.0, 1.1]),
    "3 elements, the other branch": np.array([-0.9, -1.0, -1.1]),
    "3 elements, 1005 rounds": np.array([0.9, 1.0, 1.1]) * 1e-300,
    "100,000 elements, 8 rounds": np.linspace(0.5, 1.5, 100_000) / 200,
}
TOLERANCE = 1e-12


def expected(a: np.ndarray) -> np.ndarray:
    """The gradient in closed form: the result is a multiple of the sum."""
    from overheads.program import control_flow

    return np.full(a.shape, control_flow(a) / np.sum(a))


def gradient_of(found: Any) -> np.ndarray:
    """The gradient among what a contestant gives, which may be (value, gradients)."""
    while isinstance(found, list | tuple):
        found = found[-1]
    return np.asarray(found, np.float64)


def medians(a: np.ndarray, engines: Sequence[Any], seconds: float) -> dict[str, str]:
    """The median times of those whose gradient is right, and what is wrong with the others."""
    from overheads.program import control_flow
    from race.clock import Runner, interleave
    from race.table import duration

    cells, runners = {}, []
    for engine in engines:
        call = engine.gradient(control_flow, (a,))
        error = np.max(np.abs(gradient_of(call()) / expected(a) - 1))
        if error <= TOLERANCE:
            runners.append(Runner(engine.name, call))
        else:
            cells[engine.name] = f"wrong by {error:.0e}"
    interleave(runners, seconds)
    return cells | {runner.name: duration(runner.median) for runner in runners}


@click.command()
@click.option("--seconds", type=float, default=0.5, show_default=True, help="Per row and contestant.")
@click.option("--no-peers", is_flag=True, help="Only tapejit.")
def main(seconds: float, no_peers: bool) -> None:
    """Time the gradient of a function with control flow beside eager libraries."""
    set_threads(1)
    from rich.table import Table

    from overheads.engine import line_up
    from race.table import console

    engines, absent = line_up(peers=not no_peers)
    terminal = console()
    for name, reason in absent.items():
        terminal.print(f"{name} is skipped: {reason}", highlight=False)
    names = [engine.name for engine in engines]
    table = Table("`while norm(b) < 1000`", *names, title="Gradient, median time per call")
    for title, a in INPUTS.items():
        cells = medians(a, engines, seconds)
        table.add_row(title, *(cells.get(name, "") for name in names))
    terminal.print(table)


if __name__ == "__main__":
    main()
