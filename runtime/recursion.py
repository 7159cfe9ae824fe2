"""Room for recursion while Numba compiles.

Where a variable has several definitions, Numba follows it from a use back to the last one by recursion, two
calls per basic block between them. A scalar of the first loop, used after the last of hundreds, would
exceed Python's default limit. The calls are Python's own, which take no C stack.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

ENOUGH = 50_000


@contextmanager
def room_for_recursion() -> Iterator[None]:
    """A recursion limit of at least `ENOUGH`, for one thread at a time: the limit is the whole process's."""
    from numba.core.compiler_lock import global_compiler_lock

    with global_compiler_lock:
        before = sys.getrecursionlimit()
        sys.setrecursionlimit(max(before, ENOUGH))
        try:
            yield
        finally:
            sys.setrecursionlimit(before)
