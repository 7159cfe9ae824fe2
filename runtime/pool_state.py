"""The state that the pool's threads share: one row of words in memory, read and written by native code."""

from __future__ import annotations

from enum import IntEnum

BYTES = 8  # in a word
LINE = 8  # words in a cache line: what one thread waits for lies apart from what others write
CLOSED = 2**32 - 1  # the lower half of a ticket when there is no job


class Word(IntEnum):
    """Where in the state each word stands."""

    BUSY = 0  # 1 while there is a job
    TICKET = LINE  # in the upper half the number of the job, in the lower the next block to draw
    FUNCTION = 2 * LINE
    ARGUMENTS = 2 * LINE + 1
    BLOCKS = 2 * LINE + 2
    DONE = 3 * LINE  # blocks that have been run
    FAILED = 3 * LINE + 1  # 1 if one of them failed
    FINISHED = 4 * LINE  # a lock, released by the worker that runs the last block
    THREADS = 4 * LINE + 1  # how many may run a job
    WORKERS = 4 * LINE + 2  # how many were started
    ASLEEP = 5 * LINE  # of the first worker; each has a cache line
    LOCK = 5 * LINE + 1  # on which it sleeps
