"""Work that an interrupt does not stop halfway, as compiling: Numba and LLVM would not recover from that.

Python raises KeyboardInterrupt in the main thread. So that one only waits, while another one works;
interrupted, it stops to wait, and the work is finished for whoever asks for it next.
"""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Future

T = TypeVar("T")


def shielded(work: Callable[[], T]) -> T:
    """What `work()` gives or raises; KeyboardInterrupt as soon as there is one."""
    if threading.current_thread() is not threading.main_thread():
        return work()
    from concurrent.futures import Future  # not at import time: it loads the logging package

    found: Future[T] = Future()
    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(_settle, found, work), name="tapejit compiler").start()
    return found.result()


def _settle(found: Future[T], work: Callable[[], T]) -> None:
    try:
        found.set_result(work())
    except BaseException as error:
        found.set_exception(error)
