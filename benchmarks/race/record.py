"""What is known of a case after its race, and of the machine it was run on: the content of the JSON file."""

from __future__ import annotations

import json
import platform
import statistics
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from workloads.workload import Case

LIMIT, TAPEJIT = "limit", "tapejit"
LIBRARIES = (
    "tapejit",
    "numpy",
    "numba",
    "scipy",
    "jax",
    "jaxlib",
    "torch",
    "autograd",
    "pytensor",
    "drjit",
    "casadi",
)


@dataclass
class Entry:
    """One contestant in one case: seconds of building, of the first two calls, per call of each sample."""

    build: float
    first_call: float
    second_call: float
    samples: list[float] = field(default_factory=list)
    page_faults: float = 0.0

    @property
    def median(self) -> float:
        return statistics.median(self.samples)

    @property
    def preparation(self) -> float:
        """Tracing and compiling: what building and two calls took beyond two calls when all is steady."""
        return max(0.0, self.build + self.first_call + self.second_call - 2 * self.median)


@dataclass
class Record:
    """One case: entries of those that finished, and what was wrong with the others, by contestant."""

    workload: str
    size: tuple[int, ...]
    label: str
    elements: int
    entries: dict[str, Entry] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, case: Case) -> Record:
        return cls(case.workload.name, case.size, case.label, case.elements)

    @property
    def best_peer(self) -> tuple[str, float] | None:
        """The quickest of the others, and its median."""
        peers = {n: e.median for n, e in self.entries.items() if n not in (LIMIT, TAPEJIT)}
        return min(peers.items(), key=lambda item: item[1]) if peers else None

    def ratio(self, seconds: float | None) -> float | None:
        """tapejit's median over `seconds`."""
        ours = self.entries.get(TAPEJIT)
        return ours.median / seconds if ours and seconds else None

    def to_json(self) -> dict[str, Any]:
        return {
            **asdict(self),
            "medians": {name: entry.median for name, entry in self.entries.items()},
            "preparations": {name: entry.preparation for name, entry in self.entries.items()},
            "best_peer": self.best_peer and self.best_peer[0],
        }


def content(records: Sequence[Record], conditions: dict[str, Any]) -> str:
    """The JSON file: the machine, the `conditions` of the run, and all cases."""
    everything = {**machine(), **conditions, "cases": [record.to_json() for record in records]}
    return json.dumps(everything, indent=1, ensure_ascii=False) + "\n"


def machine() -> dict[str, Any]:
    """Where and with which versions the run took place."""
    return {
        "time": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "processor": processor(),
        "python": platform.python_version(),
        "libraries": {name: version for name in LIBRARIES if (version := _version(name))},
    }


def processor() -> str:
    """The processor's name as Linux knows it, else as Python does."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())


def contestants_of(records: Sequence[Record]) -> list[str]:
    """All that appear, in the order of the line-up."""
    return list(dict.fromkeys(name for record in records for name in (*record.entries, *record.failures)))


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
