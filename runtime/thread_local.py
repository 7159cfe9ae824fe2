"""Attributes of a `threading.local` for machine code: by name they take five hundred instructions.

CPython keeps the attributes of each thread in a dict, which a holder has, which lies in the thread's own dict
under a key of the object's (`Modules/_threadmodule.c`; otherwise from 3.13 on). Start with `key_of`.
"""

from __future__ import annotations

import ctypes
import threading

import llvmlite.ir as ll

from tapejit.runtime.assembler import Assembler

_KEY, _ATTRIBUTES = 16, 16  # bytes behind the beginning of the object, and of the holder


def key_of(state: threading.local) -> str | None:
    """The key of the state in each thread's dict; None if this process does not keep it that way."""
    mine = vars(state)  # which makes them, in a thread that has not used them
    borrowed = ctypes.PYFUNCTYPE(ctypes.c_void_p)(("PyThreadState_GetDict", ctypes.pythonapi))()
    own = ctypes.cast(borrowed, ctypes.py_object).value
    place = _word(id(state) + _KEY)
    key = next((key for key in own if id(key) == place), None)
    return key if isinstance(key, str) and _word(id(own[key]) + _ATTRIBUTES) == id(mine) else None


def attribute(code: Assembler, state: threading.local, key: str, name: str, otherwise: ll.Block) -> ll.Value:
    """What this thread has set the attribute to, borrowed; null if it has not, so that its class's counts.

    On at `otherwise` in a thread that has not used the state.
    """
    code.object(state)
    own = code.call("PyThreadState_GetDict")
    code.require(code.builder.icmp_unsigned("!=", own, code.null), otherwise)
    holder = code.call("PyDict_GetItemWithError", own, code.object(key))
    code.require(code.builder.icmp_unsigned("!=", holder, code.null), otherwise)
    return code.call("PyDict_GetItemWithError", code.field(holder, _ATTRIBUTES), code.object(name))


def _word(address: int) -> int:
    return ctypes.c_uint64.from_address(address).value
