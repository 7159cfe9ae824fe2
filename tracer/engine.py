"""What the tracer asks of the pipeline below it; `api/engine.py` implements it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from tapejit.ir.function import Function

Step = Callable[[Any, Any, Any, Any], Any]
"""(tape, operation, array, array, number or statics): the recorded array, or None if that takes more."""


Finish = Callable[[Any], Any]
"""(tape): whether its segment was cut and its values computed; None if that takes more."""


class Program(Protocol):
    """A function that can be run: interpreted or native, the caller does not know."""

    short: Callable[..., Any] | None
    """A builtin of the arguments: a list of the results, or something else if it does not take them."""

    def run(self, args: Sequence[Any], outs: Sequence[np.ndarray]) -> None:
        """Write the results for `args` into `outs`."""

    def new_results(self, places: Sequence[np.ndarray | None] = ()) -> list[np.ndarray]:
        """Arrays for the results; where one is given, that."""

    def compute(self, args: Sequence[Any]) -> list[np.ndarray]:
        """The results for `args` in new arrays; for programs that add to none of them."""


class Engine(Protocol):
    """Turns IR into programs."""

    def builtins(self) -> tuple[Step, Finish] | None:
        """What takes steps that were taken before, and ends segments; None if there is no such thing."""

    def program(self, function: Function, by_value: frozenset[int], accumulate: frozenset[int]) -> Program:
        """A program for `function`; see `tapejit.ir.signature` for the two sets."""
