"""Time tapejit beside hand-written kernels and other libraries: `make bench`, or

    python benchmarks/run.py [--quick] [--only PATTERN] [--no-peers] [--threads N] [--seconds S]

What is raced is in workloads/, who races in contestants/, how in race/. docs/benchmarks.md says how to
read the result.
"""

from __future__ import annotations

import sys
from fnmatch import fnmatch
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import click

from race.threads import set_threads


@click.command()
@click.option("--only", default="*", metavar="PATTERN", help="Workloads whose name matches, e.g. 'soft*'.")
@click.option("--quick", is_flag=True, help="The smallest size of each workload only.")
@click.option("--no-peers", is_flag=True, help="Only tapejit and the hand-written kernels.")
@click.option("--torch-compile", is_flag=True, help="torch.compile too; each case compiles for seconds.")
@click.option("--threads", type=click.IntRange(1), default=1, show_default=True, help="Of every library.")
@click.option("--seconds", type=float, default=0.5, show_default=True, help="Per contestant and case.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("bench-output"), show_default=True)
def main(
    only: str, quick: bool, no_peers: bool, torch_compile: bool, threads: int, seconds: float, out: Path
) -> None:
    """Race tapejit against hand-written kernels and other libraries."""
    settings = set_threads(threads)  # before NumPy is imported, which the modules below do
    from contestants import line_up
    from race.heat import races
    from race.table import console

    cases = chosen_cases(only, quick)
    present, absent = line_up(threads, not no_peers, torch_compile)
    say = partial(console().print, highlight=False)
    say("threads:", ", ".join(f"{name}={value}" for name, value in settings.items()), "(limits: 1)")
    for name, reason in absent.items():
        say(f"{name} is skipped: {reason}")
    records = races(cases, present, seconds, say)
    elsewhere = {who.name: who.versions for who in present if hasattr(who, "versions")}
    report(records, {"environment": settings, "skipped": absent, "elsewhere": elsewhere}, out)
    sys.exit(1 if any(record.failures for record in records) else 0)


def chosen_cases(only: str, quick: bool) -> list[Any]:
    """The cases that the options name; UsageError if there are none."""
    from workloads import WORKLOADS

    chosen = [w for w in WORKLOADS if fnmatch(w.name.lower(), only.lower())]
    if not chosen:
        names = ", ".join(w.name for w in WORKLOADS)
        raise click.UsageError(f"no workload matches {only!r}; there are: {names}")
    return [case for w in chosen for case in islice(w.cases(), 1 if quick else None)]


def report(records: list[Any], conditions: dict[str, Any], out: Path) -> None:
    """Print the tables and the failures; write the JSON file and the picture."""
    from race.picture import draw
    from race.record import content
    from race.table import console, failures, median_table, page_fault_table, preparation_table

    terminal = console()
    terminal.print(median_table(records), preparation_table(records), page_fault_table(records))
    for problem in failures(records):
        terminal.print(problem, markup=False)
    out.mkdir(parents=True, exist_ok=True)
    (out / "benchmarks.json").write_text(content(records, conditions))
    draw(records, out / "benchmarks.png")
    terminal.print(f"written: {out / 'benchmarks.json'}, {out / 'benchmarks.png'}", highlight=False)


if __name__ == "__main__":
    main()
