"""Time the programs of examples/programs beside JAX and HIPS autograd: programs of other people's style.

    python benchmarks/programs.py [--quick] [--only PATTERN] [--no-peers] [--threads N] [--seconds S]

All run the same text; `np` is the library's own. Value and gradients are compared first, with autograd's or
the next who has any. JAX compiles all but the program whose shapes depend on values.
"""

from __future__ import annotations

import importlib
import sys
from fnmatch import fnmatch
from functools import partial
from pathlib import Path
from typing import Any

import click

from race.threads import set_threads

PROGRAMS = Path(__file__).parents[1] / "examples" / "programs"


@click.command()
@click.option("--only", default="*", metavar="PATTERN", help="Programs whose name matches, e.g. 'gauss*'.")
@click.option("--quick", is_flag=True, help="The smaller size of each program only.")
@click.option("--no-peers", is_flag=True, help="Only tapejit.")
@click.option("--threads", type=click.IntRange(1), default=1, show_default=True, help="Of every library.")
@click.option("--seconds", type=float, default=0.3, show_default=True, help="Per contestant and case.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("bench-output"), show_default=True)
def main(only: str, quick: bool, no_peers: bool, threads: int, seconds: float, out: Path) -> None:
    """Race tapejit against JAX and autograd on programs written for NumPy."""
    settings = set_threads(threads)  # before NumPy is imported
    from contestants import line_up_for_programs
    from race.heat import races
    from race.table import console

    say = partial(console().print, highlight=False)
    present, absent = line_up_for_programs(threads, not no_peers)
    for name, reason in absent.items():
        say(f"{name} is skipped: {reason}")
    records = races(chosen_cases(only, quick), present, seconds, say)
    report(records, {"environment": settings, "skipped": absent}, out / "programs.json")
    sys.exit(1 if any(record.failures for record in records) else 0)


def chosen_cases(only: str, quick: bool) -> list[Any]:
    """The cases that the options name; UsageError if there are none."""
    names = sorted(path.stem for path in PROGRAMS.glob("*.py") if path.stem != "report")
    chosen = [name for name in names if fnmatch(name.replace("_", " "), only.lower())]
    if not chosen:
        raise click.UsageError(f"no program matches {only!r}; there are: {', '.join(names)}")
    return [case for name in chosen for case in list(workload(name).cases())[: 1 if quick else None]]


def workload(name: str) -> Any:
    """A program as a workload; nobody has written its limit by hand."""
    from workloads.workload import Workload

    if str(PROGRAMS) not in sys.path:
        sys.path.append(str(PROGRAMS))
    program = importlib.import_module(name)
    title = name.replace("_", " ")
    return Workload(
        title,
        program.objective,
        None,
        program.draw,
        program.SIZES,
        program.DIFFERENTIATED,
        value_dependent=program.VALUE_DEPENDENT,
    )


def report(records: list[Any], conditions: dict[str, Any], path: Path) -> None:
    """Print the tables and the failures; write the JSON file."""
    from race.record import content
    from race.table import console, failures, median_table, page_fault_table, preparation_table

    terminal = console()
    terminal.print(median_table(records), preparation_table(records), page_fault_table(records))
    for problem in failures(records):
        terminal.print(problem, markup=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content(records, conditions))
    terminal.print(f"written: {path}", highlight=False)


if __name__ == "__main__":
    main()
