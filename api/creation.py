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
    """`source` itself if it is an array of this dtype already, else a new one, as by `array`.

    >>> import tapejit as tj
    >>> x = tj.ones(2)
    >>> tj.asarray(x) is x, tj.asarray(x, "float32").dtype
    (True, dtype('float32'))
    """
    if isinstance(source, Array) and (dtype is None or source.dtype == np.dtype(dtype)):
        return source
    return array_of(Array, source, dtype)


def zeros(shape: Any, dtype: Any = np.float64) -> Array:
    """Zeros of a shape, an int or a tuple; float64 unless `dtype` says otherwise.

    >>> import tapejit as tj
    >>> tj.zeros(2)
    array([0., 0.])
    """
    return array_of(Array, np.zeros(shape, dtype))


def ones(shape: Any, dtype: Any = np.float64) -> Array:
    """Ones of a shape, an int or a tuple; float64 unless `dtype` says otherwise.

    >>> import tapejit as tj
    >>> tj.ones((1, 2), "int64")
    array([[1, 1]])
    """
    return array_of(Array, np.ones(shape, dtype))


def full(shape: Any, fill_value: Any, dtype: Any = None) -> Array:
    """An array of a shape filled with one value, or with an array that broadcasts to it; of its dtype.

    >>> import tapejit as tj
    >>> tj.full(2, 0.5)
    array([0.5, 0.5])
    """
    return array_of(Array, np.full(shape, fill_value, dtype))


def arange(start: float, stop: float | None = None, step: float = 1, dtype: Any = None) -> Array:
    """From `start` (0 if there is no `stop`) to before `stop` in steps, as `numpy.arange`: int64 for ints.

    >>> import tapejit as tj
    >>> tj.arange(3), tj.arange(1.0, 2.0, 0.5), tj.arange(4, step=2)
    (array([0, 1, 2]), array([1. , 1.5]), array([0, 2]))
    """
    first, last = (0, start) if stop is None else (start, stop)
    return array_of(Array, np.arange(first, last, step, dtype=dtype))


def linspace(start: float, stop: float, num: int = 50, endpoint: bool = True, dtype: Any = None) -> Array:
    """`num` numbers from `start` to `stop` at equal distances, `stop` among them unless not `endpoint`.

    >>> import tapejit as tj
    >>> tj.linspace(0.0, 1.0, 3)
    array([0. , 0.5, 1. ])
    """
    return array_of(Array, np.linspace(start, stop, num, endpoint=endpoint, dtype=dtype))


def eye(N: int, M: int | None = None, k: int = 0, dtype: Any = np.float64) -> Array:
    """Ones on diagonal `k` of N rows and M (or N) columns, zeros elsewhere.

    >>> import tapejit as tj
    >>> tj.eye(2)
    array([[1., 0.],
           [0., 1.]])
    """
    return array_of(Array, np.eye(N, M, k, dtype=dtype))
