"""How a replay checks one leaf of a call's arguments: an array of one type, a float, a very value or object.

`leaf_of` says which it is, from the argument and what the trace made of it; `given` says it to machine code.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tapejit.capture import Unguardable
from tapejit.ir.types import TensorType, dtype_name, type_of
from tapejit.runtime.entry_plan import Given, GivenArray, GivenConstant, GivenFloat
from tapejit.tracer.handle import Handle
from tapejit.tracer.number import Number


@dataclass(frozen=True, slots=True)
class ArrayLeaf:
    """An argument that has to be a NumPy array of one exact type, in any layout (`laid_out`)."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]

    def accepts(self, x: Any) -> bool:
        """Whether `x` can be passed to the program."""
        return type(x) is np.ndarray and x.shape == self.shape and x.dtype == self.dtype

    def given(self) -> Given:
        """The same as the runtime says it."""
        return GivenArray(TensorType(dtype_name(self.dtype), self.shape))

    def __str__(self) -> str:
        return str(TensorType(dtype_name(self.dtype), self.shape))


def laid_out(x: Any) -> Any:
    """An argument, or a copy of an array, in the layout that programs take."""
    if type(x) is not np.ndarray or x.flags.carray:
        return x
    return x if x.flags.c_contiguous and x.flags.aligned else x.copy()


@dataclass(frozen=True, slots=True)
class NumberLeaf:
    """A float that is differentiated: the program takes it as an array without dimensions."""

    def accepts(self, x: Any) -> bool:
        """Whether `x` is such a number."""
        return type(x) is float or type(x) is np.float64

    def given(self) -> Given:
        """The same as the runtime says it."""
        return GivenFloat()

    def __str__(self) -> str:
        return "a float"


@dataclass(frozen=True, slots=True)
class FloatLeaf:
    """A float that the program, or what is worked out for it, takes whatever its value."""

    def accepts(self, x: Any) -> bool:
        """Whether `x` is a plain float: one of NumPy's makes other dtypes."""
        return type(x) is float

    def given(self) -> Given:
        """The same as the runtime says it."""
        return GivenFloat(plain=True)

    def __str__(self) -> str:
        return "a float"


@dataclass(frozen=True, slots=True, eq=False)
class ConstantLeaf:
    """An argument whose very value the trace depends on. Equal are leaves of the same type and value."""

    value: Any

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ConstantLeaf) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[type, str]:
        return type(self.value), repr(self.value)

    def accepts(self, x: Any) -> bool:
        """Whether `x` is the same value of the same type; 0.0 and -0.0 differ, NaN never fits."""
        if type(x) is not type(self.value) or x != self.value:
            return False
        return not isinstance(x, float | complex | np.inexact) or repr(x) == repr(self.value)

    def given(self) -> Given:
        """This very object, which is what an equal one mostly is; another is compared in Python."""
        return GivenConstant(self.value)

    def __str__(self) -> str:
        return repr(self.value)


@dataclass(frozen=True, slots=True, eq=False)
class ObjectLeaf:
    """A very object: a function, or the `self` of a method. What is read of it is guarded."""

    value: Any

    def accepts(self, x: Any) -> bool:
        """Whether `x` is that object."""
        return x is self.value

    def given(self) -> Given:
        """The same as the runtime says it."""
        return GivenConstant(self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ObjectLeaf) and self.value is other.value

    def __hash__(self) -> int:
        return id(self.value)

    def __str__(self) -> str:
        return f"a {type(self.value).__name__}"


def shown(x: Any) -> str:
    """An argument as `explain` shows it."""
    if isinstance(x, np.ndarray):
        return f"{x.dtype}{list(x.shape)}" if x.dtype.kind not in "fib" else str(type_of(x))
    return repr(x)


Leaf = ArrayLeaf | NumberLeaf | FloatLeaf | ConstantLeaf | ObjectLeaf


def leaf_of(given: Any, traced: Any, is_variable: bool) -> Leaf:
    """How to check one argument leaf; Unguardable when no check would be enough."""
    if type(given) is np.ndarray and isinstance(traced, Handle):
        return ArrayLeaf(given.dtype, given.shape)
    if is_variable and type(given) in (float, np.float64):
        return NumberLeaf()
    if isinstance(traced, Number):
        return FloatLeaf()
    if is_variable or isinstance(given, Handle | np.ndarray):
        raise Unguardable(f"an argument is a {type(given).__name__}")
    if isinstance(given, np.void):
        raise Unguardable("an argument is a record, which may change")
    constant = type(given) in (int, float, complex, bool, str) or isinstance(given, np.generic)
    return ConstantLeaf(given) if constant else ObjectLeaf(given)
