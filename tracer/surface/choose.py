"""Choosing elements by conditions and numbers, and where conditions hold.

How many elements a condition selects is Python's to know: those functions look at the condition.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tapejit.tracer.errors import DtypeError
from tapejit.tracer.handle import Handle
from tapejit.tracer.surface.composed import composed, seen
from tapejit.tracer.surface.elementwise import clip as clip_between
from tapejit.tracer.surface.elementwise import where as where_of_three


@composed(np.where)
def where(condition: Any, x: Any = None, y: Any = None, /) -> Any:
    return nonzero(condition) if x is None and y is None else where_of_three(condition, x, y)


def _mask(x: Any) -> np.ndarray:
    """Whether each element is not zero: all that Python has to see of it."""
    is_truth = isinstance(x, Handle) and x.type.dtype == "bool"
    return np.asarray(seen(x if is_truth else np.not_equal(x, 0)))


def _wrapped(x: Any, found: np.ndarray) -> Any:
    return type(x).wrap(found) if isinstance(x, Handle) else found


@composed(np.nonzero)
def nonzero(a: Any) -> tuple[Any, ...]:
    return tuple(_wrapped(a, found) for found in np.nonzero(_mask(a)))


@composed(np.flatnonzero)
def flatnonzero(a: Any) -> Any:
    return _wrapped(a, np.flatnonzero(_mask(a)))


@composed(np.argwhere)
def argwhere(a: Any) -> Any:
    return _wrapped(a, np.argwhere(_mask(a)))


@composed(np.compress)
def compress(condition: Any, a: Any, axis: int | None = None, out: None = None) -> Any:
    return np.take(a, np.flatnonzero(_mask(condition)), axis=axis)


@composed(np.extract)
def extract(condition: Any, arr: Any) -> Any:
    return np.take(np.ravel(arr), np.flatnonzero(_mask(condition)))


@composed(np.choose)
def choose(a: Any, choices: Any, out: None = None, mode: str = "raise") -> Any:
    """Element by element, the array that `a` numbers."""
    arrays = np.broadcast_arrays(a, *choices)
    dtype = np.result_type(*choices)
    stack, index = np.stack(arrays[1:]).astype(dtype), arrays[0]
    if mode == "wrap":
        index = np.mod(index, len(choices))
    if mode == "clip":
        index = np.clip(index, 0, len(choices) - 1)
    elif mode == "raise" and np.any(index < 0):
        raise ValueError("invalid entry in choice array")
    return np.take_along_axis(stack, index[None], 0)[0]


@composed(np.clip)
def clip(
    a: Any, a_min: Any = None, a_max: Any = None, out: None = None, *, min: Any = None, max: Any = None
) -> Any:
    """Bounds have two names each since NumPy 2.1."""
    if (a_min is not None and min is not None) or (a_max is not None and max is not None):
        raise ValueError("a bound of clip is given twice, as `a_min` and `min` or as `a_max` and `max`")
    low, high = min if a_min is None else a_min, max if a_max is None else a_max
    return clip_between(a, low, high)


@composed(np.select)
def select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    if len(condlist) != len(choicelist) or not len(condlist):
        raise ValueError("list of cases must be same length as list of conditions, and not empty")
    if any(np.result_type(c).kind != "b" for c in condlist):
        raise DtypeError("select: the conditions must be truth values")
    dtype = np.result_type(*choicelist, default)
    found = default
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        found = np.where(condition, choice, found)
    shapes = [np.shape(x) for x in (*condlist, *choicelist)]
    return np.broadcast_to(found, np.broadcast_shapes(*shapes)).astype(dtype)


@composed(np.piecewise)
def piecewise(x: Any, condlist: Any, funclist: Any, *args: Any, **kw: Any) -> Any:
    """Every function is called with all of x, so it has to be one of single elements."""
    conditions, functions = list(_conditions(x, condlist)), list(funclist)
    if len(functions) == len(conditions) + 1:
        rest = functions.pop()
    elif len(functions) == len(conditions):
        rest = 0
    else:
        raise ValueError(f"with {len(conditions)} condition(s), {len(conditions)} functions are expected")
    found = np.broadcast_to(_piece(rest, x, args, kw), x.shape)
    for condition, function in zip(conditions, functions, strict=True):
        found = np.where(condition, _piece(function, x, args, kw), found)
    return found.astype(x.dtype)


def _conditions(x: Any, given: Any) -> Any:
    """A list of conditions; one alone may stand for itself."""
    is_one = np.isscalar(given) or not (isinstance(given[0], list | np.ndarray | Handle) or not x.shape)
    return [given] if is_one else given


def _piece(function: Any, x: Any, args: Any, kw: Any) -> Any:
    return function(x, *args, **kw) if callable(function) else function
