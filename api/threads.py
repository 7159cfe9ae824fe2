"""What large programs may use: how many threads, and memory that is kept from call to call."""

from __future__ import annotations

import operator

from tapejit.engine import ENGINE
from tapejit.runtime.result_memory import clear_results
from tapejit.runtime.threads import MOST_THREADS


def set_num_threads(number: int) -> None:
    """Run large programs on `number` threads from now on, the calling one among them.

    At first it is `TAPEJIT_NUM_THREADS`, or the cores this process may run on. Results have the same bits
    whatever the number. Programs of little work run on one thread anyway; `tapejit dump --stage schedule`
    says which loop nests are parallel. A forked child runs on one thread until it calls this function or
    compiles a program. Products of complex matrices follow the threads of BLAS instead.

    Raises ValueError for a number below 1 or above 256, TypeError for what is no integer.

    >>> import tapejit as tj
    >>> before = tj.get_num_threads()
    >>> tj.set_num_threads(1)
    >>> tj.get_num_threads()
    1
    >>> tj.set_num_threads(before)
    """
    if isinstance(number, bool):
        raise TypeError(f"the number of threads must be an integer, got {number!r}")
    try:
        wanted = operator.index(number)
    except TypeError:
        raise TypeError(f"the number of threads must be an integer, got {number!r}") from None
    if not 1 <= wanted <= MOST_THREADS:
        raise ValueError(f"the number of threads must be from 1 to {MOST_THREADS}, got {wanted}")
    ENGINE.threads.number = wanted


def get_num_threads() -> int:
    """How many threads run a large program: what `set_num_threads` set.

    >>> import tapejit as tj
    >>> tj.get_num_threads() >= 1
    True
    """
    return ENGINE.threads.number


def release_workspaces() -> None:
    """Give the memory that is kept for temporaries and for large results back to the system.

    Programs lend it from call to call, so that large temporaries are not mapped anew each time: at most four
    pieces of at most 256 MB each, whatever the number of programs and threads. Programs that run keep theirs.
    The memory of results of 1 MB and more is kept when nobody refers to it any more, and serves for the next
    results of the same size: at most eight pieces, 256 MB together.

    >>> import tapejit as tj
    >>> tj.release_workspaces()
    """
    ENGINE.workspace.clear()
    clear_results()
