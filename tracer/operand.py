"""Operands as the tape takes them: arrays of NumPy that met an array of ours, Python's numbers.

An array of NumPy is copied, for the record must not see later changes. The same memory with the same contents
is the same operand, so that a constant read in every round of a loop enters a trace once. See `Captured`.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np

from tapejit.ir.types import UnsupportedDtypeError, dtype_name
from tapejit.tracer.errors import DtypeError
from tapejit.tracer.handle import Handle
from tapejit.tracer.location import user_location
from tapejit.tracer.number import Given, Number
from tapejit.tracer.operation import WEAK_DTYPE


class Captured:
    """The arrays of NumPy that were operands so far, by where they lie in memory."""

    __slots__ = ("_handles",)

    def __init__(self) -> None:
        self._handles: dict[Hashable, Handle] = {}

    def clear(self) -> None:
        """Forget them."""
        self._handles.clear()

    def operands(self, face: type[Handle], operands: Sequence[Any]) -> list[Any]:
        """Operands as the tape takes them: arrays as handles (NumPy's are copied), plain numbers, None.

        Beside integers, a Python integer that i32 cannot hold is an array of i64: no program may cut it.
        """
        cut = any(map(is_wide, operands)) and any(
            isinstance(x, Handle) and not x.type.is_inexact for x in operands
        )
        return [
            x
            if isinstance(x, Handle) or x is None or (type(x) in WEAK_DTYPE and not (cut and is_wide(x)))
            else Given.of(x)
            if isinstance(x, Number)
            else self._constant(face, x)
            for x in operands
        ]

    def _constant(self, face: type[Handle], x: Any) -> Handle:
        """`constant`, unless the same memory was an operand before and still holds the same."""
        if type(x) is not np.ndarray or not x.ndim:
            return constant(face, x)
        place = (face, x.__array_interface__["data"][0], x.shape, x.strides, x.dtype)
        known = self._handles.get(place)
        if known is None or not _holds(known, x):
            known = self._handles[place] = constant(face, x)
        return known


def _holds(handle: Handle, x: np.ndarray) -> bool:
    """Whether a handle that was made of an array like `x` has its contents still."""
    return handle._tape is None and handle._elements is not None and _same_bits(handle._elements, x)


def _same_bits(x: np.ndarray, y: np.ndarray) -> bool:
    if x.dtype.kind == "c":
        return _same_bits(x.real, y.real) and _same_bits(x.imag, y.imag)
    unsigned = f"u{x.itemsize}"
    return bool((x.view(unsigned) == y.view(unsigned)).all())


def is_wide(x: Any) -> bool:
    """Whether this is a Python integer that i32 cannot hold."""
    return type(x) is int and not -(2**31) <= x < 2**31


def constant(face: type[Handle], x: Any) -> Handle:
    """A NumPy array or nested list as an array of its own: the record must not see later changes."""
    check_plain(x)
    array = np.array(x)
    if array.dtype == object:
        raise DtypeError(f"cannot use {type(x).__name__} object as an array operand at {user_location()}")
    _check_dtype(array)
    return face.wrap(array)


def check_plain(x: Any) -> None:
    """DtypeError for masked arrays and `np.matrix`, whose operators mean something else than an array's."""
    if isinstance(x, np.ndarray) and type(x) is not np.ndarray:
        remedy = next((text for kind, text in _OTHER_MEANING.items() if isinstance(x, kind)), None)
        if remedy is not None:
            raise DtypeError(f"{type(x).__name__} at {user_location()} is not traced: {remedy}")


_OTHER_MEANING = {
    np.ma.MaskedArray: "give its data and its mask as two arrays, and use np.where(mask, ..., ...), "
    "or np.nan for what is missing and np.nansum and kin",
    np.matrix: "its * is a matrix product; give np.asarray(x), and write @",
}


def _check_dtype(array: np.ndarray) -> None:
    try:
        dtype_name(array.dtype)
    except UnsupportedDtypeError as error:
        raise DtypeError(f"{error} (at {user_location()})") from None
