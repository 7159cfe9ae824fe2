"""Records as tables for a terminal or a pipe."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.table import Table

from race.record import LIMIT, TAPEJIT, Record, contestants_of

PIPE_WIDTH = 180
UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (0.0, "ns"))


def console() -> Console:
    """A terminal's width is its own; a pipe gets tables that are not folded."""
    plain = Console()
    return plain if plain.is_terminal else Console(width=PIPE_WIDTH)


def duration(seconds: float) -> str:
    """Three digits and a unit."""
    size, unit = next(row for row in UNITS if seconds >= 0.9995 * row[0])
    number = seconds / (size or 1e-9)
    return f"{number:.0f} {unit}" if number >= 100 else f"{number:.3g} {unit}"


def times(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.2f}×"


def median_table(records: Sequence[Record]) -> Table:
    """Medians per call, and tapejit's ratio to the limit and to the best peer."""
    names = contestants_of(records)
    peers = [name for name in names if name not in (LIMIT, TAPEJIT)]
    table = Table(title="Value and gradient, median time per call")
    for heading in ("workload", "size", LIMIT, TAPEJIT, "/ limit", "/ best peer", *peers):
        table.add_column(heading, justify="left" if heading == "workload" else "right")
    for title, record in _titled(records):
        limit, best = record.entries.get(LIMIT), record.best_peer
        ratios = times(record.ratio(limit and limit.median)), times(record.ratio(best and best[1]))
        ours = [_median(record, name) for name in (LIMIT, TAPEJIT)]
        theirs = [_median(record, name, bold=best is not None and name == best[0]) for name in peers]
        table.add_row(title, record.label, *ours, *ratios, *theirs)
    return table


def preparation_table(records: Sequence[Record]) -> Table:
    """What comes before: tracing and compiling. Numba compiles a limit once for all sizes."""
    names = contestants_of(records)
    table = Table(title="Tracing and compiling: the first two calls with building, less two at their median")
    for heading in ("workload", "size", *names):
        table.add_column(heading, justify="left" if heading == "workload" else "right")
    for title, record in _titled(records):
        entries = (record.entries.get(name) for name in names)
        table.add_row(title, record.label, *(duration(e.preparation) if e else "" for e in entries))
    return table


def line(record: Record) -> str:
    """A finished case in one line, while others are still to come."""
    medians = (f"{name} {duration(entry.median)}" for name, entry in record.entries.items())
    return f"{record.workload} {record.label}: {', '.join(medians)}"


def _median(record: Record, name: str, bold: bool = False) -> str:
    if name in record.failures:
        return "failed"
    entry = record.entries.get(name)
    text = duration(entry.median) if entry else ""
    return f"[bold]{text}[/]" if bold else text


def _titled(records: Sequence[Record]) -> Iterator[tuple[str, Record]]:
    """Each with its workload's name where that changes."""
    before = None
    for record in records:
        yield ("" if record.workload == before else record.workload), record
        before = record.workload
