"""The C interfaces of CPython and NumPy as machine code sees them: places of functions, layouts of objects.

`CApi.found()` is None where machine code must not rely on them: another interpreter, no GIL, or objects that
are not laid out as NumPy's header `ndarraytypes.h` and CPython's `object.h` say.
"""

from __future__ import annotations

import ctypes
import sys
import sysconfig
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

# Offsets in bytes; of PyObject, PyArrayObject, PyFloatObject (np.float64 begins like it), PyCellObject.
TYPE = 8
ARRAY_DATA, ARRAY_NDIM, ARRAY_SHAPE, ARRAY_DTYPE, ARRAY_FLAGS = 16, 24, 32, 56, 64
FLOAT_VALUE = 16
CELL_CONTENTS = 16
TUPLE_ITEMS = 24
C_CONTIGUOUS, F_CONTIGUOUS, ALIGNED, WRITEABLE = 0x1, 0x2, 0x100, 0x400
_LAYOUT = C_CONTIGUOUS | F_CONTIGUOUS | ALIGNED | WRITEABLE
METH_VARARGS, METH_KEYWORDS, METH_FASTCALL = 0x1, 0x2, 0x80

# Where NumPy's table of C functions holds them; fixed by its ABI.
NUMPY_FUNCTIONS = {"PyArray_Scalar": 60, "PyArray_Empty": 184, "PyDataMem_SetHandler": 304}
DEFAULT_HANDLER = 306  # and a capsule of NumPy's allocator


class MethodDef(ctypes.Structure):
    """CPython's `PyMethodDef`."""

    _fields_ = [
        ("name", ctypes.c_char_p),
        ("function", ctypes.c_void_p),
        ("flags", ctypes.c_int),
        ("doc", ctypes.c_char_p),
    ]


@dataclass(frozen=True)
class CApi:
    """Addresses of C functions in this process."""

    numpy_table: int

    def address(self, name: str) -> int:
        """Where the function `name` is."""
        if name in NUMPY_FUNCTIONS:
            return _word(self.numpy_table + 8 * NUMPY_FUNCTIONS[name])
        return ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value or 0

    def default_handler(self) -> Any:
        """The capsule of NumPy's own allocator."""
        where = _word(self.numpy_table + 8 * DEFAULT_HANDLER)
        return ctypes.cast(_word(where), ctypes.py_object).value

    def builtin(self, name: str, code: int, owner: Any, flags: int = METH_FASTCALL) -> Any:
        """A builtin function at the address `code`, taking positional arguments; it keeps `owner` alive."""
        encoded = name.encode()
        method = bytes(MethodDef(encoded, code, flags, None))  # freed after the builtin, also as garbage
        new = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.c_char_p, ctypes.py_object, ctypes.c_void_p)(
            ("PyCFunction_NewEx", ctypes.pythonapi)
        )
        return new(method, ((method, encoded), owner), None)  # programs read the owner here

    def method(self, kind: type, name: str, code: int, owner: Any) -> Any:
        """A descriptor of the method at the address `code`, taking positional arguments and keywords.

        It keeps nothing alive itself, so that what it needs, `owner` too, is never freed.
        """
        method = MethodDef(name.encode(), code, METH_FASTCALL | METH_KEYWORDS, None)
        new = ctypes.PYFUNCTYPE(ctypes.py_object, ctypes.py_object, ctypes.c_void_p)(
            ("PyDescr_NewMethod", ctypes.pythonapi)
        )
        ctypes.pythonapi.Py_IncRef(ctypes.py_object((method, owner)))
        return new(kind, ctypes.addressof(method))

    @staticmethod
    @cache
    def found() -> CApi | None:
        """The interfaces of this process, if they are what this module says."""
        if sys.implementation.name != "cpython" or ctypes.sizeof(ctypes.c_void_p) != 8:
            return None
        if sysconfig.get_config_var("Py_GIL_DISABLED") or hasattr(sys, "gettotalrefcount"):
            return None
        table = _numpy_table()
        return CApi(table) if table and _as_expected() else None


def _numpy_table() -> int | None:
    try:
        capsule = np._core._multiarray_umath._ARRAY_API  # type: ignore[attr-defined]
    except AttributeError:
        return None
    pointer = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
        ("PyCapsule_GetPointer", ctypes.pythonapi)
    )
    found: int | None = pointer(capsule, None)
    return found


def _word(address: int) -> int:
    return ctypes.c_uint64.from_address(address).value


def _as_expected() -> bool:
    """Whether an array, a float and a cell of this process have the layout above."""
    x = np.arange(6.0).reshape(2, 3)
    pair = (x, x)
    at, number = id(x), np.float64(1.5)
    cell = (lambda: x).__closure__[0]  # type: ignore[index]
    return (
        _word(at + TYPE) == id(np.ndarray)
        and _word(at + ARRAY_DATA) == x.ctypes.data
        and ctypes.c_int.from_address(at + ARRAY_NDIM).value == 2
        and [_word(_word(at + ARRAY_SHAPE) + 8 * k) for k in range(2)] == [2, 3]
        and _word(at + ARRAY_DTYPE) == id(x.dtype)
        and ctypes.c_int.from_address(at + ARRAY_FLAGS).value & _LAYOUT == C_CONTIGUOUS | ALIGNED | WRITEABLE
        and ctypes.c_double.from_address(id(number) + FLOAT_VALUE).value == 1.5
        and _word(id(cell) + CELL_CONTENTS) == at
        and [_word(id(pair) + TUPLE_ITEMS + 8 * k) for k in range(2)] == [at, at]
    )
