"""Where the slots of Python objects lie in memory, for machine code that reads and writes them."""

from __future__ import annotations

import ctypes
from typing import Any, Protocol

_MEMBER, _OFFSET = 40, 16  # of CPython's PyMemberDescrObject, and of its PyMemberDef


class Slots(Protocol):
    """Descriptors of the slots of the objects that a record is made of; see `tracer.step`."""

    def __getattr__(self, name: str) -> Any: ...


def offset_of(descriptor: Any) -> int:
    """How many bytes behind the beginning of its object a slot lies."""
    member = ctypes.c_uint64.from_address(id(descriptor) + _MEMBER).value
    return ctypes.c_int64.from_address(member + _OFFSET).value


def as_expected() -> bool:
    """Whether slots of this process are where their descriptors say, and weak references can be followed."""
    if not hasattr(ctypes.pythonapi, "PyWeakref_GetObject"):  # gone from CPython 3.15
        return False
    sample = _Sample()
    sample.first, sample.second = object(), object()
    return all(
        ctypes.c_uint64.from_address(id(sample) + offset_of(vars(_Sample)[name])).value
        == id(getattr(sample, name))
        for name in _Sample.__slots__
    )


class _Sample:
    __slots__ = ("first", "second")

    first: object
    second: object
