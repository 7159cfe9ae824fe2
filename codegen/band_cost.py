"""What it is worth to run nests together in blocks of rows, in nanoseconds of one core.

What a nest passes on is not written to a slower memory and read again. In return the packed matrices pass by
for every block. Start with `BandCost.gain`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

NEAR, MIDDLE = 2**20, 2**24  # bytes that stay in a core's own cache, and in the one that cores share
MIDDLE_SPEED, FAR_SPEED = 80, 25  # bytes a nanosecond, from there and from memory, to one core
BLOCK_BYTES, MOST_BYTES = 2**19, 2**20  # passed on within a block
BLOCK_TIME = 500  # nanoseconds to begin and end a block
GOOD_BLOCKS = 8  # to share among threads
LEAST_BLOCKS = 4


@dataclass(frozen=True)
class BandCost:
    """Bytes passed on in all, bytes of packed matrices; rows, and how many of them make whole tiles."""

    passed_on: int
    packed: int
    rows: int
    unit: int
    most: int  # blocks

    @cached_property
    def blocks(self) -> int:
        """As few as leave room in the cache for what a block passes on, if there are enough for threads."""
        units = -(-self.rows // self.unit)
        fitting = max(-(-self.passed_on // BLOCK_BYTES), GOOD_BLOCKS)
        return min(units, self.most, fitting)

    @property
    def gain(self) -> float:
        """Time saved, less time lost; negative if there cannot be enough blocks, small enough."""
        if self.blocks < LEAST_BLOCKS or self.passed_on > self.blocks * MOST_BYTES:
            return -1.0
        return 2 * _moving(self.passed_on) - self.blocks * self._block_time

    @property
    def _block_time(self) -> float:
        beside = self.packed + self.passed_on / self.blocks
        return BLOCK_TIME + (self.packed / MIDDLE_SPEED if beside > NEAR else 0)


def _moving(size: float) -> float:
    """The time for so many bytes that were used a while ago."""
    if size <= NEAR:
        return 0.0
    return size / (MIDDLE_SPEED if size <= MIDDLE else FAR_SPEED)
