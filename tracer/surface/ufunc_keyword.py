"""The keywords that every ufunc of NumPy has: `where` chooses elements of `out`, `dtype` what is computed in.

`np.divide(a, b, where=b != 0, out=np.zeros_like(a))` is such a call; its derivative is zero where nothing is
computed, as that of `np.where`. Start at `with_keywords`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tapejit.tracer.errors import DtypeError, UnsupportedError
from tapejit.tracer.location import user_location
from tapejit.tracer.surface.composed import array
from tapejit.tracer.surface.elementwise import where as choice


def with_keywords(function: np.ufunc, inputs: tuple[Any, ...], out: Any, kwargs: dict[str, Any]) -> Any:
    """`function(*inputs, where=..., dtype=...)`; `out` is the array that has the elements not chosen."""
    where, dtype = kwargs.pop("where", True), kwargs.pop("dtype", None)
    operands = inputs if dtype is None else tuple(_converted(function, x, np.dtype(dtype)) for x in inputs)
    found = function(*operands, **kwargs)
    if dtype is not None and getattr(found, "dtype", None) != dtype:
        raise UnsupportedError(f"{_call(function)}: its results are no {np.dtype(dtype)}; leave `dtype` out")
    if where is True:
        return found
    if out is None or function.nout > 1:
        raise UnsupportedError(
            f"{_call(function)}: `where` leaves elements undefined; say what they are with `out`, for "
            "example out=np.zeros_like(x), or use np.where"
        )
    return choice(where, found, out)


def _converted(function: np.ufunc, x: Any, dtype: np.dtype[Any]) -> Any:
    """An operand as `dtype`; a number of Python has none of its own."""
    if isinstance(x, bool | int | float | complex) and not isinstance(x, np.generic):
        return x
    x = array(x)
    if not np.can_cast(x.dtype, dtype, "same_kind"):
        raise DtypeError(
            f"{_call(function)}: {x.dtype} cannot be converted to {dtype} by a ufunc; use astype"
        )
    return x.astype(dtype)


def _call(function: np.ufunc) -> str:
    return f"np.{function.__name__} at {user_location()}"
