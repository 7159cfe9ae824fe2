"""Page faults per call once programs are warm: memory that is mapped anew each time shows here.

    python benchmarks/faults.py [--calls N]

Results are fresh arrays in every call, tapejit's and the hand-written kernels' alike; temporaries are not.
"""

from __future__ import annotations

import resource
from collections.abc import Callable, Sequence
from typing import Any

import click


@click.command()
@click.option("--calls", type=click.IntRange(1), default=10, show_default=True)
def main(calls: int) -> None:
    """Count the page faults of each workload at its largest size."""
    from rich.table import Table

    import tapejit as tj
    from race.table import console
    from workloads import WORKLOADS

    table = Table("workload", "size", "first calls", "limit", "tapejit", title="Page faults per call")
    for workload in WORKLOADS:
        *_, case = workload.cases()
        step = tj.value_and_grad(workload.function, argnums=case.argnums)
        counts = [
            faults(step, case.inputs, 2),
            faults(workload.limit, case.inputs, calls),
            faults(step, case.inputs, calls),
        ]
        table.add_row(workload.name, case.label, *(f"{count:,.0f}" for count in counts))
    console().print(table)


def faults(function: Callable[..., Any], inputs: Sequence[Any], calls: int) -> float:
    """Per call, those that need no reading from disk."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(calls):
        function(*inputs)
    return (resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / calls


if __name__ == "__main__":
    main()
