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
    """Medians per call, and tapejit's ratio to the limit, where there is one, and to the best peer."""
    names = contestants_of(records)
    first = [name for name in (LIMIT, TAPEJIT) if name in names]
    rivals = {"/ limit": _limit} if LIMIT in names else {}
    rivals["/ best peer"] = _best_peer
    peers = [name for name in names if name not in first]
    table = Table(title="Value and gradient, median time per call")
    for heading in ("workload", "size", *first, *rivals, *peers):
        table.add_column(heading, justify="left" if heading == "workload" else "right")
    for title, record in _titled(records):
        ratios = (times(record.ratio(seconds(record))) for seconds in rivals.values())
        table.add_row(title, record.label, *_medians(record, first), *ratios, *_medians(record, peers))
    return table


def _limit(record: Record) -> float | None:
    entry = record.entries.get(LIMIT)
    return entry and entry.median


def _best_peer(record: Record) -> float | None:
    return record.best_peer and record.best_peer[1]


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


def page_fault_table(records: Sequence[Record]) -> Table:
    """Fresh pages per call, where anybody needs some."""
    names = contestants_of(records)
    table = Table(title="Page faults per call, where there are any")
    for heading in ("workload", "size", *names):
        table.add_column(heading, justify="left" if heading == "workload" else "right")
    needy = [r for r in records if any(round(e.page_faults) for e in r.entries.values())]
    for title, record in _titled(needy):
        entries = (record.entries.get(name) for name in names)
        table.add_row(title, record.label, *(f"{e.page_faults:,.0f}" if e else "" for e in entries))
    return table


def line(record: Record) -> str:
    """A finished case in one line, while others are still to come."""
    medians = (f"{name} {duration(entry.median)}" for name, entry in record.entries.items())
    return f"{record.workload} {record.label}: {', '.join(medians)}"


def failures(records: Sequence[Record]) -> Iterator[str]:
    """What went wrong, a line each."""
    for record in records:
        for name, problem in record.failures.items():
            yield f"{record.workload} {record.label}: {name} failed: {problem}"


def _medians(record: Record, names: Sequence[str]) -> list[str]:
    """The best peer's is bold."""
    best = record.best_peer and record.best_peer[0]
    return [f"[bold]{_median(record, name)}[/]" if name == best else _median(record, name) for name in names]


def _median(record: Record, name: str) -> str:
    if name in record.failures:
        return "failed"
    entry = record.entries.get(name)
    return duration(entry.median) if entry else ""


def _titled(records: Sequence[Record]) -> Iterator[tuple[str, Record]]:
    """Each with its workload's name where that changes."""
    before = None
    for record in records:
        yield ("" if record.workload == before else record.workload), record
        before = record.workload
