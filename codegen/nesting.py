"""Loop nests as data: loops over rows, inside them phases one after another, in each phase some roots.

`schedule` builds them, `room` says which roots fit, `fusion` which nests run together, `nest` writes them as
source.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tapejit.codegen.parallel import SERIAL, Division
from tapejit.codegen.root import Root


@dataclass(eq=False)
class Phase:
    """Roots that share all loops of a nest."""

    inner: tuple[int, ...]  # extents of the loops inside the rows, without those of one
    roots: list[Root] = field(default_factory=list)
    begins: dict[Root, tuple[int, ...]] = field(default_factory=dict)  # of those with a window of the loops


@dataclass(eq=False)
class Nest:
    """Loops over `rows`, and inside them the phases one after another."""

    phases: list[Phase]
    rows: tuple[int, ...] = ()
    reason: str = ""  # why its first root did not join the nest before
    division: Division = SERIAL  # over threads
    lanes: int = 0  # if so many rows run side by side, each loop of a phase for all of them
    strip: int = 0  # if for so many rows each phase runs for all of them before the next one does
    band: Band | None = None  # if it runs together with others

    def __post_init__(self) -> None:
        self.phase_of = {root: k for k, phase in enumerate(self.phases) for root in phase.roots}

    @property
    def roots(self) -> list[Root]:
        return [root for phase in self.phases for root in phase.roots]

    def run_over(self, rows: tuple[int, ...]) -> None:
        """Let fewer outer loops be those over rows: the others stand in each phase."""
        inside = self.rows[len(rows) :] if self.rows else ()
        for phase in self.phases:
            phase.inner = (*inside, *phase.inner) if self.rows else phase.inner[len(rows) :]
        self.rows = rows

    @property
    def loops(self) -> list[tuple[tuple[int, ...], list[Root]]]:
        """The extents of all loops of each phase, and its roots."""
        return [((*self.rows, *phase.inner), phase.roots) for phase in self.phases]

    @property
    def has_windows(self) -> bool:
        """Some root runs over a part of its phase's loops only."""
        return any(phase.begins for phase in self.phases)

    @property
    def is_half(self) -> bool:
        """It runs over half of a table (`half`), as all of its roots do."""
        return bool(self.phases[0].roots[0].mirror)

    @property
    def is_call(self) -> bool:
        """A single library call or branch rather than loops."""
        return self.phases[0].roots[0].is_call

    @property
    def is_serial(self) -> bool:
        """Loops that run where the program does, not in blocks."""
        return not self.is_call and self.division.blocks == 1 and self.band is None


@dataclass(eq=False)
class Band:
    """Nests of which each block of rows runs one after another; a product is one of them (`fusion`)."""

    nests: list[Nest]
    rows: int  # passes of the outermost loop of each, and equal parts of a product
    division: Division
