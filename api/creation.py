"""Making arrays: NumPy's constructors, returning arrays that autograd can follow."""

from __future__ import annotations

from typing import Any

import numpy as np

from tapejit.tracer.array import Array
from tapejit.tracer.intake import array_of


def array(source: Any, dtype: Any = None) -> Array:
    """A new array from anything NumPy takes; the data is copied. dtypes as NumPy's.

    >>> import tapejit as tj
    >>> tj.array([1, 2.5])
    array([1. , 2.5])
    """
    return array_of(Array, source, dtype)


def asarray(source: Any, dtype: Any = None) -> Array:
    """`source` itself if it is an array of this dtype already, else a new one (a copy)."""
    if isinstance(source, Array) and (dtype is None or source.dtype == np.dtype(dtype)):
        return source
    return array_of(Array, source, dtype)


def zeros(shape: Any, dtype: Any = np.float64) -> Array:
    """Zeros of the given shape."""
    return array_of(Array, np.zeros(shape, dtype))


def ones(shape: Any, dtype: Any = np.float64) -> Array:
    """Ones of the given shape."""
    return array_of(Array, np.ones(shape, dtype))


def full(shape: Any, fill_value: Any, dtype: Any = None) -> Array:
    """An array filled with one value."""
    return array_of(Array, np.full(shape, fill_value, dtype))


def arange(*args: Any, dtype: Any = None) -> Array:
    """`numpy.arange`."""
    return array_of(Array, np.arange(*args, dtype=dtype))


def linspace(start: float, stop: float, num: int = 50, dtype: Any = None) -> Array:
    """`numpy.linspace`."""
    return array_of(Array, np.linspace(start, stop, num, dtype=dtype))


def eye(N: int, M: int | None = None, dtype: Any = np.float64) -> Array:
    """The identity matrix, or a rectangle of it."""
    return array_of(Array, np.eye(N, M, dtype=dtype))
