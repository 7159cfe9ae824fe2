"""What a gradient costs beyond the value, and what a second thread saves: `make bench-scaling`, or

    python benchmarks/scaling.py [--only PATTERN] [--threads N] [--seconds S]

Each workload at its largest size: the value alone (`tj.jit`), and value and gradient, on one thread and on
several, interleaved in one run. The last row is `numpy.copyto` of 80 MB in as many threads: what the memory
of the machine gives, by which work that is bound by memory is to be judged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatch
from functools import partial
from typing import Any

import click

Timings = dict[str, float]
COPIED = 10_000_000  # float64 elements


@click.command()
@click.option("--only", default="*", metavar="PATTERN", help="Workloads whose name matches, e.g. 'soft*'.")
@click.option("--threads", type=click.IntRange(2), default=2, show_default=True)
@click.option("--seconds", type=float, default=0.5, show_default=True, help="Per call that is timed.")
def main(only: str, threads: int, seconds: float) -> None:
    """Compare values with gradients and one thread with several."""
    import tapejit as tj
    from race.table import console
    from workloads import WORKLOADS

    tj.set_num_threads(threads)
    rows = {}
    for workload in WORKLOADS:
        if fnmatch(workload.name.lower(), only.lower()):
            *_, case = workload.cases()
            rows[f"{workload.name}, {case.label}"] = measured(dict(calls(case, threads)), seconds)
    rows["copy, 80 MB"] = measured(dict(copies(threads)), seconds)
    console().print(table(rows, threads))


def calls(case: Any, threads: int) -> Iterator[tuple[str, Callable[[], Any]]]:
    """The value, the value on several threads, value and gradient, and these on several threads."""
    import tapejit as tj

    value = tj.jit(case.workload.function)
    step = tj.value_and_grad(case.workload.function, argnums=case.argnums)
    for name, function in (("value", value), ("gradient", step)):
        call = partial(function, *case.inputs)
        yield f"{name} 1", partial(on_threads, 1, call)
        yield f"{name} N", partial(on_threads, threads, call)


def on_threads(threads: int, call: Callable[[], Any]) -> Any:
    """The call, with `threads` threads from now on."""
    import tapejit as tj

    tj.set_num_threads(threads)
    return call()


def copies(threads: int) -> Iterator[tuple[str, Callable[[], Any]]]:
    """A copy by this thread, and by several, a part each."""
    import numpy as np

    source, target = np.ones(COPIED), np.zeros(COPIED)
    parts = list(zip(np.array_split(target, threads), np.array_split(source, threads), strict=True))
    pool = ThreadPoolExecutor(threads)
    yield "gradient 1", lambda: np.copyto(target, source)
    yield "gradient N", lambda: list(pool.map(lambda part: np.copyto(*part), parts))


def measured(functions: dict[str, Callable[[], Any]], seconds: float) -> Timings:
    """Medians by name."""
    from race.clock import Runner, interleave

    runners = [Runner(name, call) for name, call in functions.items()]
    interleave(runners, seconds)
    return {runner.name: runner.median for runner in runners}


def table(rows: dict[str, Timings], threads: int) -> Any:
    from rich.table import Table

    from race.table import duration, times

    headings = (
        "value",
        "value and gradient",
        "/ value",
        f"on {threads} threads",
        f"1 / {threads} threads",
    )
    made = Table("workload", *headings, title="Gradients over values, one thread over several")
    for name, seconds in rows.items():
        alone, step, together = seconds.get("value 1"), seconds["gradient 1"], seconds["gradient N"]
        cells = (
            duration(alone) if alone else "",
            duration(step),
            times(step / alone) if alone else "",
            duration(together),
            times(step / together),
        )
        made.add_row(name, *cells)
    return made


if __name__ == "__main__":
    main()
