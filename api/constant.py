"""Captured values that cannot change, numbers and strings and the like, and what users derive from them.

An object of a class derived from `float` or from a named tuple is a value and has fields, but attributes may
be set on it, and its methods are Python that may read anything. Used by `tapejit.capture`.
"""

from __future__ import annotations

import inspect
from collections import namedtuple
from enum import Enum
from types import FunctionType
from typing import Any

import numpy as np

from tapejit.purity import is_trusted

IMMUTABLE = (int, float, complex, str, bytes, bool, type(None), type(Ellipsis), np.generic, np.dtype)
_FIELD = type(inspect.getattr_static(namedtuple("Example", "field"), "field"))  # of a descriptor
_GENERATED = ("enum", "collections", "namedtuple_")  # modules of methods that nobody wrote


def is_constant(value: Any) -> bool:
    """Whether it cannot change, and NumPy and Python say what it does."""
    return isinstance(value, IMMUTABLE) and not isinstance(value, np.void) and not has_python(value)


def is_derived(value: Any) -> bool:
    """Whether its class is of a user's making, derived from numbers, strings, tuples or sets."""
    module = type(value).__module__
    return isinstance(value, (*IMMUTABLE, tuple, frozenset)) and not (
        module == "builtins" or is_trusted(module)
    )


def has_python(value: Any) -> bool:
    """Whether users wrote methods or properties of its class, or set attributes on it."""
    if not is_derived(value):
        return False
    members = (member for kind in type(value).__mro__ for member in vars(kind).values())
    return any(map(_is_written, members)) or bool(vars(value) if _may_have_attributes(value) else None)


def is_field(kind: type, attribute: str) -> bool:
    """Whether it is a field of a named tuple."""
    return isinstance(inspect.getattr_static(kind, attribute, None), _FIELD)


def _is_written(member: Any) -> bool:
    """Whether it is a method or a property that a user wrote."""
    function = member.fget if isinstance(member, property) else getattr(member, "__func__", member)
    return isinstance(function, FunctionType) and not function.__module__.startswith(_GENERATED)


def _may_have_attributes(value: Any) -> bool:
    return hasattr(value, "__dict__") and not isinstance(value, Enum)
