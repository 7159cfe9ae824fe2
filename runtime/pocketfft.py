"""NumPy's Fourier transforms as machine code calls them: the C loops below `numpy.fft`.

NumPy does its transforms in ufuncs, and a ufunc is a documented C struct that holds the addresses of its
loops. They lie in a module that NumPy calls private, so every assumption is checked before an address is
used, and each loop must once give what `numpy.fft` gives; else there are none, and `fourier` calls Python.
Start with `loops`.
"""

from __future__ import annotations

import ctypes
import sys
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from tapejit.ir.types import COMPLEX_OF, NUMPY_NAME, REAL_OF

_HEAD = object.__basicsize__  # of the struct; then follow four ints, and what `_Struct` holds
_LOOP = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 4)
_WORD = ctypes.c_int64


class _Struct(ctypes.Structure):
    """PyUFuncObject, from its second field on."""

    _fields_ = (
        ("operands", ctypes.c_int),
        ("results", ctypes.c_int),
        ("both", ctypes.c_int),
        ("identity", ctypes.c_int),
        ("functions", ctypes.POINTER(ctypes.c_void_p)),
        ("data", ctypes.POINTER(ctypes.c_void_p)),
        ("loops", ctypes.c_int),
        ("reserved", ctypes.c_int),
        ("name", ctypes.c_char_p),
    )


@dataclass(frozen=True)
class Loop:
    """The addresses of a C loop and of what it is told as its last argument."""

    function: int
    data: int


@cache
def loops(dtype: str) -> dict[str, Loop] | None:
    """The loops of results of this dtype, by the names of their ufuncs; None if they are not as expected."""
    if sys.implementation.name != "cpython" or _HEAD != 16 or ctypes.sizeof(ctypes.c_void_p) != 8:
        return None
    names = ("fft", "ifft", "rfft_n_even", "rfft_n_odd") if dtype in REAL_OF else ("irfft",)
    found = {name: _loop(name, dtype) for name in names}
    known = {name: loop for name, loop in found.items() if loop is not None and _works(name, dtype, loop)}
    return known if len(known) == len(names) else None


def _loop(name: str, dtype: str) -> Loop | None:
    """The loop of one ufunc, if the struct is laid out as expected."""
    ufunc = getattr(getattr(np.fft, "_pocketfft_umath", None), name, None)
    wanted = f"{_letter(_given(name, dtype))}{_letter(REAL_OF.get(dtype, dtype))}->{_letter(dtype)}"
    if type(ufunc) is not np.ufunc or wanted not in ufunc.types:
        return None
    struct = _Struct.from_address(id(ufunc) + _HEAD)
    stated = (struct.operands, struct.results, struct.both, struct.loops)
    if stated != (2, 1, 3, len(ufunc.types)) or struct.name != name.encode():
        return None
    k = ufunc.types.index(wanted)
    return Loop(struct.functions[k] or 0, (struct.data[k] or 0) if struct.data else 0)


def _letter(dtype: str) -> str:
    return np.dtype(NUMPY_NAME[dtype]).char


def _given(name: str, dtype: str) -> str:
    """The dtype of what is transformed."""
    return {"r": REAL_OF, "i": COMPLEX_OF}.get(name[0], {}).get(dtype, dtype)


def _works(name: str, dtype: str, loop: Loop) -> bool:
    """Whether the loop gives what `numpy.fft` gives."""
    length = 7 if name.endswith("odd") else 6
    kind = name.split("_")[0]
    count = length // 2 + 1 if kind == "irfft" else length
    x = np.cos(np.arange(count) ** 2.0).astype(NUMPY_NAME[_given(name, dtype)])
    expected = getattr(np.fft, kind)(x, length)
    factor = np.array(1.0 if kind in ("fft", "rfft") else 1.0 / length, NUMPY_NAME[REAL_OF.get(dtype, dtype)])
    found = np.zeros_like(expected)
    _call(loop, x, factor, found)
    return np.array_equal(found, expected)


def _call(loop: Loop, *arrays: Any) -> None:
    x, _, out = arrays
    addresses = (ctypes.c_void_p * 3)(*(a.ctypes.data for a in arrays))
    counts = (_WORD * 3)(1, x.size, out.size)
    steps = (_WORD * 5)(x.nbytes, 0, out.nbytes, x.itemsize, out.itemsize)
    memory = [ctypes.addressof(block) for block in (addresses, counts, steps)]
    _LOOP(loop.function)(*memory, loop.data)
