"""What written functions need to know of a processor: its vector registers."""

from __future__ import annotations

from typing import Protocol


class Registers(Protocol):
    """How many bytes a vector register holds, and how many there are."""

    @property
    def bytes(self) -> int: ...

    @property
    def count(self) -> int: ...
