"""Where stored values live in the emitted source: arrays, and local variables for single elements."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from tapejit.ir.function import Value
from tapejit.ir.types import TensorType


@dataclass(eq=False)
class Array:
    """A row of elements under a name. A temporary that nothing reads is neither made nor written."""

    name: str
    size: int = 0
    dtype: str = ""
    temporary: bool = False
    private: bool = False  # each block of a nest makes its own
    readers: set[object] = field(default_factory=set)  # the nests and calls that load from it

    @property
    def nbytes(self) -> int:
        return TensorType(self.dtype, (self.size,)).nbytes

    @property
    def needed(self) -> bool:
        return bool(self.readers) or not self.temporary


@dataclass(frozen=True)
class Register:
    """A single element in a local variable."""

    name: str


Home = Array | Register
Storage = dict[Value, Home]


@dataclass(frozen=True)
class Target:
    """Where a root writes, and whether it adds to what is there."""

    storage: Home
    accumulate: bool = False


MADE = re.compile(r"(?P<name>\w+) = empty\((?P<size>\d+), (?P<dtype>\w+)\)")
PLACED = re.compile(r"(?P<name>\w+) = row_of\(work, (?P<begin>\d+), (?P<size>\d+), (?P<dtype>\w+)\)")


def made(array: Array) -> str:
    """The line that makes a temporary; `MADE` matches it."""
    return f"{array.name} = empty({array.size}, {array.dtype})"


def placed(array: Array, begin: int | str) -> str:
    """The line that finds a temporary in the workspace; `PLACED` matches it if `begin` is a number."""
    return f"{array.name} = row_of(work, {begin}, {array.size}, {array.dtype})"
