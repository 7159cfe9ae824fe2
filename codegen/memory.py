"""Where stored values live in the emitted source: arrays, and local variables for single elements."""

from __future__ import annotations

from dataclasses import dataclass, field

from tapejit.ir.function import Value


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


def made(array: Array) -> str:
    """The line that makes a temporary."""
    return f"{array.name} = empty({array.size}, {array.dtype})"
