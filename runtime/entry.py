"""The short way into a program: one builtin function checks the arguments, allocates, runs, and packs.

`entry_of` makes a Python callable that answers a call of a decorated function as its replay would, or returns
`plan.missed` where the arguments or a condition do not fit. It costs a fraction of a microsecond, where the
same steps in Python cost two. There is none where the interpreter's C interface is not the expected one.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tapejit.ir.signature import Signature
from tapejit.runtime.entry_plan import EntryPlan, GivenTree
from tapejit.runtime.result_memory import is_large

if TYPE_CHECKING:
    from tapejit.runtime.loader import NativeProgram

SCALARS = ("f64", "f32", "i64", "i32", "bool")  # that are passed on their own
RELEASE_ABOVE = 1 << 10  # elements, from which on other threads may run meanwhile
LARGEST = 1 << 22  # elements, up to which the time around a program matters


def pays(signature: Signature) -> bool:
    """Whether the steps around a program of this size are worth shortening.

    Not if it makes arrays whose memory is worth keeping: an entry gets memory from NumPy.
    """
    made = (t for slot, t in enumerate(signature.results) if slot not in signature.overwritten)
    return _elements(signature) <= LARGEST and not any(is_large(t.shape, t.numpy_dtype) for t in made)


def entry_of(
    plan: EntryPlan, signature: Signature, program: NativeProgram, runs: ctypes.c_int64
) -> Callable[..., Any] | None:
    """A builtin function of the arguments that `plan.given` describes; it adds to `runs` at each answer.

    None if this process, or this signature, cannot have one.
    """
    from tapejit.runtime.c_api import CApi

    api = CApi.found()
    numbers = [t for t in (*signature.params, *signature.results) if not t.rank]
    if api is None or any(t.dtype not in SCALARS for t in numbers):
        return None
    from tapejit.runtime.entry_writer import EntryWriter  # llvmlite: not at import time

    releases = "check_signals" in program.source or _elements(signature) > RELEASE_ABOVE
    if releases and any(isinstance(given, GivenTree) for given in plan.given):
        return None  # another thread might take an array out of a dict meanwhile
    return EntryWriter(api, plan, signature, program, runs, releases).built((plan, program))


def _elements(signature: Signature) -> int:
    return sum(t.size for t in (*signature.params, *signature.results))
