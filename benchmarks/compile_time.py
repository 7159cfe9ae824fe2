"""Time of a first call, beside jitted JAX: tracing, differentiating, compiling, running once.

    python benchmarks/compile_time.py [--repeat N] [--no-peers] [--only PATTERN]

Each figure is a process of its own that has compiled something small before, so that start-up is not in it.
tapejit's disk cache is off.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from fnmatch import fnmatch
from itertools import product
from pathlib import Path
from statistics import median

import click

HERE = Path(__file__).parent
LIBRARIES = ("tapejit", "JAX")
GRAPHS = {
    **{f"{n} operations, half of them sines": f"sines:{n}" for n in (20, 200, 2000)},
    **{f"{n} sums and products": f"cheap:{n}" for n in (20, 200, 2000)},
    **{f"recurrent network, {n} steps": f"recurrent:{n}" for n in (20, 100, 400)},
    **{f"Kalman filter, {n} steps": f"kalman_filter:{n}" for n in (3, 8)},
    "hidden Markov model, 12 steps": "hidden_markov:12",
}


@click.command()
@click.option("--repeat", type=click.IntRange(1), default=3, show_default=True, help="Processes per figure.")
@click.option("--no-peers", is_flag=True, help="Only tapejit.")
@click.option("--only", default="*", metavar="PATTERN", help="Graphs whose name matches, e.g. 'Kal*'.")
def main(repeat: int, no_peers: bool, only: str) -> None:
    """Print the median time of a first call for each graph and library."""
    from rich.table import Table

    from race.table import console

    libraries = LIBRARIES[:1] if no_peers else LIBRARIES
    graphs = {name: graph for name, graph in GRAPHS.items() if fnmatch(name.lower(), only.lower())}
    if not graphs:
        raise click.UsageError(f"no graph matches {only!r}; there are: {', '.join(GRAPHS)}")
    found: dict[tuple[str, str], list[float]] = {}
    for _, name, library in product(range(repeat), graphs, libraries):
        found.setdefault((name, library), []).append(first_call(library, graphs[name]))
    table = Table(
        "value and gradient of", *libraries, *(["ratio"] * (len(libraries) > 1)), title="First call"
    )
    for name in graphs:
        times = [median(found[name, library]) for library in libraries]
        ratio = [f"{times[0] / times[1]:.2f}×"] if len(times) > 1 else []
        table.add_row(name, *(f"{1000 * t:,.0f} ms" for t in times), *ratio)
    console().print(table)


def first_call(library: str, graph: str) -> float:
    """Seconds, in a fresh process."""
    environment = {**os.environ, "TAPEJIT_DISK_CACHE": "0"}
    command = [sys.executable, str(HERE / "first_call.py"), library, graph]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise click.ClickException(f"{library}, {graph}: {done.stderr.strip().splitlines()[-1]}")
    return float(json.loads(done.stdout))


if __name__ == "__main__":
    main()
