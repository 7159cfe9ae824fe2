"""A program as a builtin function of Python, which calls it and raises what went wrong.

Its C function is written beside the program (`builtin_writer`). Start with `made`.
"""

from __future__ import annotations

import ctypes
import pickle
from typing import Any, NoReturn

from tapejit.runtime.c_api import METH_VARARGS, CApi


def available() -> bool:
    """Whether objects of this process are as `c_api` says."""
    return CApi.found() is not None


def made(name: str, code: int, keep: Any) -> Any:
    """The builtin whose C function lies at an address; it keeps an object alive."""
    api = CApi.found()
    assert api is not None
    return api.builtin(name, code, (_raise, keep), METH_VARARGS)


def _raise(address: int) -> NoReturn:
    """The exception whose description lies at an address: pickled, as Numba leaves it."""
    where = ctypes.c_void_p.from_address(address).value
    size = ctypes.c_int32.from_address(address + ctypes.sizeof(ctypes.c_void_p)).value
    assert where
    kind, arguments, _ = pickle.loads(ctypes.string_at(where, size))
    raise kind(*arguments)
