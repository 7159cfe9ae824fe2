"""Memory of large results: kept when its array is gone, for the next result of the same size.

The system gives fresh memory page by page, and clears each: for a large result that takes as long as to
compute it. `ResultMemory.empty` makes ordinary arrays, which own their data, by an allocator of NumPy's
(NEP 49) that keeps what is freed. An array frees its memory when nobody refers to it any more, no view, no
buffer, no DLPack capsule, so nobody sees it change. A few pieces are kept; a size that does not come again
drives them out.
"""

from __future__ import annotations

import ctypes
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from tapejit.runtime.c_api import CApi

if TYPE_CHECKING:
    from tapejit.runtime.recycling import Recycling

LEAST = 2**20  # bytes of a result, from which on its memory is kept
_NAME = b"mem_handler"  # of the capsules that NumPy takes


class _Handler(ctypes.Structure):
    """NumPy's `PyDataMem_Handler`, version 1."""

    _fields_ = [
        ("name", ctypes.c_char * 127),
        ("version", ctypes.c_uint8),
        ("context", ctypes.c_void_p),
        ("malloc", ctypes.c_void_p),
        ("calloc", ctypes.c_void_p),
        ("realloc", ctypes.c_void_p),
        ("free", ctypes.c_void_p),
    ]


class ResultMemory:
    """One in a process. It lives as long as that, for arrays hold its allocator."""

    def __init__(self, api: CApi):
        from tapejit.runtime.recycling import WORDS, compiled_recycling  # llvmlite: not at import time

        self._set = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.py_object)(api.address("PyDataMem_SetHandler"))
        self._usual = api.default_handler()
        usual = _Handler.from_address(_pointer_in(self._usual))
        self._state = (ctypes.c_int64 * WORDS)()
        state = ctypes.addressof(self._state)
        self._code: Recycling = compiled_recycling(state, usual.context or 0, usual.malloc, usual.free)
        parts = (usual.context, self._code.malloc, usual.calloc, usual.realloc, self._code.free)
        self._own = _Handler(b"tapejit_results", 1, *parts)
        self._handler = _capsule_of(self._own)
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(self))  # never given back

    def empty(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> np.ndarray:
        """A new array with any values; where the user has set an allocator, by that."""
        before = self._set(self._handler)
        try:
            return np.empty(shape, dtype) if before is self._usual else self._by(before, shape, dtype)
        finally:
            self._set(before)

    def _by(self, handler: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> np.ndarray:
        self._set(handler)
        return np.empty(shape, dtype)

    def clear(self) -> None:
        """Free what is kept."""
        self._code.clear()

    def kept(self) -> int:
        """How many bytes are kept."""
        return self._state[0]


@cache
def result_memory() -> ResultMemory | None:
    """That of this process; None if NumPy's C interface is not the expected one."""
    api = CApi.found()
    return None if api is None else ResultMemory(api)


def is_large(shape: tuple[int, ...], dtype: np.dtype[Any]) -> bool:
    """Whether the memory of such a result is worth keeping."""
    return int(np.prod(shape, dtype=np.int64)) * dtype.itemsize >= LEAST


def new_result(shape: tuple[int, ...], dtype: np.dtype[Any]) -> np.ndarray:
    """An array for a result, with any values."""
    memory = result_memory() if is_large(shape, dtype) else None
    return np.empty(shape, dtype) if memory is None else memory.empty(shape, dtype)


def clear_results() -> None:
    """Free what is kept for results."""
    if result_memory.cache_info().currsize:
        memory = result_memory()
        if memory is not None:
            memory.clear()


def _pointer_in(capsule: Any) -> int:
    kind = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)
    found: int = kind(("PyCapsule_GetPointer", ctypes.pythonapi))(capsule, _NAME)
    return found


def _capsule_of(handler: _Handler) -> Any:
    kind = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)
    return kind(("PyCapsule_New", ctypes.pythonapi))(ctypes.addressof(handler), _NAME, None)
