"""What takes part in a race: something that turns a case into a call that computes value and gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from workloads.workload import Case

Result = tuple[Any, tuple[Any, ...]]
Call = Callable[[], Result]


class Contestant(Protocol):
    """The constructor imports the library (ImportError: not installed) and sets its number of threads."""

    name: str

    def expresses(self, case: Case) -> bool:
        """Whether this library is meant for such a case."""
        ...

    def build(self, case: Case) -> Call:
        """A call without arguments whose result is computed when it returns.

        Inputs are converted here; compiling happens here or in the first call, both are timed as such.
        """
        ...


class General:
    """A contestant that takes every case."""

    def expresses(self, case: Case) -> bool:
        return True
