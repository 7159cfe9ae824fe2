"""Which functions and types depend on their arguments only, so that calling them again tells nothing new."""

from __future__ import annotations

import builtins
import sys
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

import numpy as np

from tapejit.tracer.location import is_users_file
from tapejit.tracer.surface.function import Function

_PURE_NAMES = (
    "abs", "all", "any", "bool", "complex", "dict", "divmod", "enumerate", "filter", "float", "format",
    "frozenset", "int", "isinstance", "issubclass", "iter", "len", "list", "map", "max", "min", "next",
    "object", "pow", "range", "repr", "reversed", "round", "set", "slice", "sorted", "str", "sum", "tuple",
    "type", "zip", "ArithmeticError", "AssertionError", "Exception", "FloatingPointError", "IndexError",
    "KeyError", "LookupError", "NotImplementedError", "OverflowError", "RuntimeError", "StopIteration",
    "TypeError", "UserWarning", "ValueError", "ZeroDivisionError",
)  # fmt: skip
PURE_BUILTINS = frozenset(getattr(builtins, name) for name in _PURE_NAMES)
_TRUSTED_MODULES = (
    "numpy", "math", "cmath", "operator", "scipy.special", "itertools", "functools", "contextlib",
    "collections", "bisect", "heapq", "copy", "typing", "dataclasses", "numbers", "tapejit.linalg",
    "tapejit.density", "tapejit.random_draw", "tapejit.random_key", "tapejit.special", "tapejit.stats",
)  # fmt: skip
_IMPURE_NUMPY = ("numpy.random", "numpy.testing", "numpy.lib._npyio_impl")
_READING_FILES = (np.load, np.loadtxt, np.genfromtxt, np.fromregex, np.fromfile, np.memmap)
_GENERATORS = (("numpy.random", "Generator"), ("numpy.random", "RandomState"), ("random", "Random"))
_FUNCTION_OR_TYPE = (FunctionType, type, type(np.sum))  # objects that can be called have a state


def is_random(value: Any) -> bool:
    """A generator of random numbers, or a module that has one."""
    known = [(sys.modules[module], kind) for module, kind in _GENERATORS if module in sys.modules]
    return any(value is module or isinstance(value, getattr(module, kind)) for module, kind in known)


def is_trusted(module: str | None) -> bool:
    """Modules whose functions depend on their arguments only, and which nobody rebinds."""
    if module is None or module.startswith(_IMPURE_NUMPY):
        return False
    return module in _TRUSTED_MODULES or module.startswith("numpy.")


def is_pure(value: Any) -> bool:
    """A function, or a type, whose result depends on its arguments only."""
    if isinstance(value, np.ufunc | Function):
        return True
    if any(value is reader for reader in _READING_FILES):
        return False
    if isinstance(value, FunctionType) and is_users_file(value.__code__.co_filename):
        return False  # whatever module it says it is from
    if isinstance(value, FunctionType) and hasattr(value, "__transform__"):
        return True
    if isinstance(value, BuiltinFunctionType):
        owner = value.__self__
        return value in PURE_BUILTINS or (isinstance(owner, ModuleType) and is_trusted(value.__module__))
    if isinstance(value, type) and value in PURE_BUILTINS:
        return True
    return isinstance(value, _FUNCTION_OR_TYPE) and is_trusted(getattr(value, "__module__", None))
