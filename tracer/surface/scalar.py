"""Python's numbers of an array, while a decorated function is traced: arrays without dimensions.

`x.item()` gives NumPy users a float, which may be computed with, compared and printed. An array without
dimensions can do that too, and stays known to the trace: the gradient passes, and only what Python really
looks at (`if`, `float()`, formatting) becomes a guard. Integers and bools are given as they are: they index
lists, count rounds and are keys of dicts.
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from tapejit.tracer.errors import BoundsError, ConversionError
from tapejit.tracer.handle import Handle
from tapejit.tracer.location import is_storing, user_location
from tapejit.tracer.state import STATE
from tapejit.tracer.surface import elementwise, shape

_EXACT = 2**53  # floats below are whole numbers or have a fraction; i64 holds them


def stays_traced(x: Handle) -> bool:
    """Whether the floats in `x` are known to the trace of a decorated function."""
    return STATE.tape is not None and STATE.tape.cuts is not None and x.type.is_inexact


def item(x: Any, *index: Any) -> Any:
    """The only element, or that at `index`, counted through all dimensions or one index for each."""
    if not index:
        if x.size != 1:
            raise ValueError("can only convert an array of size 1 to a Python scalar")
        return shape.reshape(x, shape=())
    at = index[0] if len(index) == 1 and isinstance(index[0], tuple) else index
    if len(at) == 1 and x.ndim != 1:
        return item(shape.reshape(x, shape=(x.size,)), *at)
    if len(at) != x.ndim:
        raise ValueError("incorrect number of indices for array")
    return x[tuple(_checked(i, n) for i, n in zip(at, x.shape, strict=True))]


def tolist(x: Any) -> Any:
    """Nested lists of the elements; the element itself if there are no dimensions."""
    return [tolist(row) for row in x] if x.ndim else x


def _checked(i: Any, size: int) -> int:
    position = operator.index(i)
    if not -size <= position < size:
        raise BoundsError(f"index {position} is out of bounds for a dimension of {size} elements")
    return position


def whole(x: Any, traced: Callable[[Any], Any], python: Callable[[float], int]) -> int:
    """The only element as a Python integer, by `python`; `traced` does the same, so that only it is seen."""
    number = python(_number(x))
    if not (stays_traced(x) and abs(number) < _EXACT):
        x.value()  # Python saw all of it
        return number
    return int(elementwise.astype(traced(x), dtype=np.dtype("int64")).value().item())


def constant(x: Any) -> Any:
    """The only element as a Python number, a constant to the derivative: what `float(x)` gives.

    ConversionError where an array of NumPy's is about to store it (`a[0] = x`): its gradient would be lost.
    """
    if x.differentiated and is_storing(sys._getframe(2)):
        raise ConversionError(
            f"`array[...] = x` at {user_location()} would drop the gradient of x, an array {x.type}: what is "
            "written to is no array of tapejit; make it one (tj.zeros), put values together with np.stack, "
            "or write float(x) if no gradient is needed"
        )
    _number(x)  # or an error
    return x.value().item()


def _number(x: Any) -> Any:
    if x.size != 1:
        raise TypeError(f"only an array of one element converts to a number; this one has shape {x.shape}")
    return x.materialise().item()
