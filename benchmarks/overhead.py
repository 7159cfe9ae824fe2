"""What tapejit costs where nothing is computed: recording, small steps, calls, Python's control flow, import.

    python benchmarks/overhead.py [--seconds S] [--no-peers]

Arrays have three elements or ten, so every figure is overhead. Peers are interleaved with tapejit as in
run.py. docs/benchmarks.md says how to read the table.
"""

from __future__ import annotations

import click

from race.threads import set_threads


@click.command()
@click.option("--seconds", type=float, default=0.5, show_default=True, help="Per row and contestant.")
@click.option("--no-peers", is_flag=True, help="Only tapejit.")
def main(seconds: float, no_peers: bool) -> None:
    """Time tapejit's overheads beside those of eager libraries."""
    set_threads(1)
    from rich.table import Table

    from overheads.start import import_times
    from overheads.table import measure
    from race.table import console

    terminal = console()
    rows, absent = measure(seconds, peers=not no_peers)
    for name, reason in absent.items():
        terminal.print(f"{name} is skipped: {reason}", highlight=False)
    names = list(dict.fromkeys(name for _, cells in rows for name in cells))
    table = Table("overhead of", *names, title="Median time")
    for title, cells in (*rows, *import_times()):
        table.add_row(title, *(cells.get(name, "") for name in names))
    terminal.print(table)


if __name__ == "__main__":
    main()
