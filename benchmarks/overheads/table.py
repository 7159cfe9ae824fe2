"""The rows of overhead.py: a program, what is done with it, and by how much the time is divided."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from overheads.engine import line_up
from overheads.program import (
    OPERATIONS,
    control_flow,
    functions,
    operators,
    scalars,
    small_step,
    ten_elements,
)
from race.clock import Runner, interleave
from race.table import duration

X, Y, Z = np.array([0.5, 0.6, 0.7]), np.array([1.1, 1.2, 1.3]), np.array([0.2, 0.4, 0.1])
TEN = np.linspace(0.0, 1.0, 10)


@dataclass(frozen=True)
class Row:
    """`deed`: whether the program is only recorded, or its gradient computed too."""

    title: str
    deed: Literal["record", "gradient"]
    program: Callable[..., Any]
    inputs: tuple[np.ndarray, ...]
    divisor: int = 1


ROWS = (
    Row("an operator, recorded", "record", operators, (X, Y), OPERATIONS),
    Row("an np function, recorded", "record", functions, (X, Y), OPERATIONS),
    Row("an operation with a number, recorded", "record", scalars, (X, Y), OPERATIONS),
    Row("record and backward, 40 operations", "gradient", small_step, (X, Y, Z)),
    Row("value and gradient, 10 elements", "gradient", ten_elements, (TEN,)),
    Row("while and if on data", "gradient", control_flow, (X,)),
)


def measure(seconds: float, peers: bool) -> tuple[list[tuple[str, dict[str, str]]], dict[str, str]]:
    """Per row its title and the medians by library; and the libraries that are not there."""
    present, absent = line_up(peers)
    return [(row.title, _medians(row, present, seconds)) for row in ROWS], absent


def _medians(row: Row, engines: list[Any], seconds: float) -> dict[str, str]:
    able = [engine for engine in engines if hasattr(engine, row.deed)]
    runners = [Runner(e.name, getattr(e, row.deed)(row.program, row.inputs)) for e in able]
    interleave(runners, seconds)
    return {runner.name: duration(runner.median / row.divisor) for runner in runners}
