"""What Python saw of traced values: a call that sees the same again goes the same way.

The tape of a decorated function notes an `Escape` whenever a value leaves for Python; paths guard them.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import NamedTuple

import numpy as np

from tapejit.tracer.frame import Frames
from tapejit.tracer.handle import Handle
from tapejit.tracer.number import Number
from tapejit.tracer.segment import Made

_MOST_SHOWN = 8  # numbers that Python saw, in one line


class Within(NamedTuple):
    """What Python saw of integers: that all of them are from `low` to `high`."""

    low: int
    high: int

    def __str__(self) -> str:
        return f"positions from {self.low} to {self.high}"

    def holds(self, data: np.ndarray) -> bool:
        return bool(not data.size or (data.min() >= self.low and data.max() <= self.high))


class Escape(NamedTuple):
    """A value that Python saw: as a truth value (bool), its bounds, or all of it (an array)."""

    what: Made | Handle | Number | None  # None: a value of a nested derivative, which means nothing outside
    seen: bool | Within | np.ndarray
    after: int  # cuts made by then
    location: str | None
    frames: Frames | None  # the state of the Python around it, if it may be in a loop

    def key(self) -> Hashable:
        """What was seen, as something that can be compared."""
        return self.seen.tobytes() if isinstance(self.seen, np.ndarray) else self.seen

    def outline(self) -> Hashable:
        """The same for all floats."""
        return "float" if isinstance(self.seen, np.ndarray) and self.seen.dtype.kind in "fc" else self.key()

    def text(self) -> str:
        """What was seen, in a few words."""
        if isinstance(self.seen, np.ndarray) and self.seen.size > _MOST_SHOWN:
            return f"{self.seen.size} numbers"
        return str(self.seen.tolist() if isinstance(self.seen, np.ndarray) else self.seen)
