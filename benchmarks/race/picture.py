"""Records as a picture: time against size, one pair of logarithmic axes per workload."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

import matplotlib

from race.record import LIMIT, TAPEJIT, Record, contestants_of

COLUMNS = 3
STYLES = {
    LIMIT: {"color": "black", "linestyle": "--", "linewidth": 1.5, "zorder": 4},
    TAPEJIT: {"color": "tab:red", "linewidth": 2.5, "zorder": 5},
}
OTHERS = ("tab:blue", "tab:orange", "tab:green", "tab:purple", "tab:brown", "tab:pink", "tab:olive")


def draw(records: Sequence[Record], path: Path) -> None:
    """Write the picture, in the format its name says."""
    matplotlib.use("Agg")
    from matplotlib import pyplot

    workloads = list(dict.fromkeys(record.workload for record in records))
    styles = _styles(contestants_of(records))
    rows = math.ceil(len(workloads) / COLUMNS)
    figure, axes = pyplot.subplots(rows, COLUMNS, figsize=(5 * COLUMNS, 4 * rows), squeeze=False)
    for axis, workload in zip(axes.flat, workloads, strict=False):
        _plot(axis, [record for record in records if record.workload == workload], styles)
        axis.set_title(workload)
    for axis in axes.flat[len(workloads) :]:
        axis.set_axis_off()
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def _styles(names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """One look per contestant, the same in every picture."""
    others = [name for name in names if name not in STYLES]
    return {**STYLES, **{n: {"color": c} for n, c in zip(others, cycle(OTHERS), strict=False)}}


def _plot(axis: Any, records: Sequence[Record], styles: dict[str, dict[str, Any]]) -> None:
    for name in contestants_of(records):
        shown = [r for r in records if name in r.entries]
        sizes, times = [r.elements for r in shown], [r.entries[name].median for r in shown]
        axis.loglog(sizes, times, marker="o", label=name, **styles[name])
    axis.set_xticks([r.elements for r in records], [r.label for r in records], fontsize=8)
    axis.minorticks_off()
    axis.set_ylabel("seconds per call")
    axis.grid(alpha=0.3)
    axis.legend(fontsize=7)
