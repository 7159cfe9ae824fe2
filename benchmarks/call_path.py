"""Instructions of a call where arrays are tiny: the way into a program and out again, counted by callgrind.

    python benchmarks/call_path.py [--profile FOLDER]

Eleven calls less one, by ten, so that what is not per call cancels. With `--profile` the dumps are kept, for
`callgrind_annotate`; code that was compiled at run time has no name there. docs/benchmarks.md has the table.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Iterator
from itertools import repeat, starmap
from pathlib import Path
from typing import Any

import click

from race.threads import set_threads

MORE, WARM_UP = 10, 2_000  # calls; a record is turned into machine code after some
Call = Callable[[], Any]


@click.command()
@click.option("--profile", type=click.Path(file_okay=False, path_type=Path), help="Keep the dumps there.")
@click.option("--counted", type=click.Path(path_type=Path), hidden=True, help="Count: this is callgrind.")
def main(profile: Path | None, counted: Path | None) -> None:
    """Print a row per call."""
    set_threads(1)
    if counted:
        return _count(counted)
    with tempfile.TemporaryDirectory() as folder:
        _print(_found(profile or Path(folder)))


def _found(folder: Path) -> list[list[Any]]:
    from counting.callgrind import run_under_callgrind

    folder.mkdir(parents=True, exist_ok=True)
    printed = run_under_callgrind(__file__, folder, "--counted")
    return [json.loads(line) for line in printed.splitlines() if line.startswith("[")]


def _count(folder: Path) -> None:
    from counting.callgrind import Callgrind

    callgrind, calls = Callgrind(folder), dict(_calls())
    for call in calls.values():
        _repeated(call, WARM_UP)
    for number, (name, call) in enumerate(calls.items()):
        one = callgrind.count(lambda call=call: _repeated(call, 1))
        all_ = callgrind.count(lambda call=call: _repeated(call, 1 + MORE), kept=f"call-{number}")
        print(json.dumps([name, (all_ - one) / MORE]), flush=True)


def _repeated(call: Call, times: int) -> None:
    deque(starmap(call, repeat((), times)), maxlen=0)


def _calls() -> Iterator[tuple[str, Call]]:
    """By name; whoever is not installed is left out."""
    import numpy as np

    from overheads.engine import Decorated, Imperative
    from overheads.program import small_step
    from overheads.table import X, Y, Z
    from workloads.elementwise import SHORT
    from workloads.rosenbrock import ROSENBROCK

    yield "an empty function of Python", lambda: None
    yield "np.empty(2)", lambda: np.empty(2)
    for workload in (SHORT, ROSENBROCK):
        yield from _contestants(next(workload.cases()))
    imperative = Imperative()
    yield "40 operations, recorded", imperative.record(small_step, (X, Y, Z))
    yield "40 operations, recorded and backward", imperative.gradient(small_step, (X, Y, Z))
    yield "40 operations, decorated", Decorated().gradient(small_step, (X, Y, Z))


def _contestants(case: Any) -> Iterator[tuple[str, Call]]:
    from contestants.casadi import CasAdi
    from contestants.native import Limit
    from contestants.tapejit import Tapejit

    for kind in (Limit, Tapejit, CasAdi):
        try:
            yield f"{case.workload.name} of {case.label}, {kind.name}", kind(1).build(case)
        except ImportError:
            print(f"{kind.name} is not installed", file=sys.stderr)


def _print(found: list[list[Any]]) -> None:
    from rich.table import Table

    from race.table import console

    table = Table("call", title="Instructions per call")
    table.add_column("", justify="right")
    for name, count in found:
        table.add_row(name, f"{count:,.0f}")
    console().print(table)


if __name__ == "__main__":
    main()
