"""Making arrays of the `np` face: NumPy's constructors with a float default dtype."""

from __future__ import annotations

from typing import Any

import numpy as np

from tapejit.context import Context, require_cpu
from tapejit.np_array import FACE, ndarray

Device = Context | None


def array(object: Any, dtype: Any = None, ctx: Device = None, device: Device = None) -> ndarray:
    """A new array. Lists and numbers become floats; arrays keep their dtype.

    >>> from tapejit import np
    >>> np.array([1, 2])
    array([1., 2.])
    """
    require_cpu(ctx, device)
    return FACE.array(object, dtype)


def asarray(a: Any, dtype: Any = None) -> ndarray:
    """`a` itself if it is an array of this dtype already, else a new one."""
    if isinstance(a, ndarray) and (dtype is None or a.dtype == FACE.dtype(dtype)):
        return a
    return FACE.array(a, dtype)


def zeros(
    shape: Any, dtype: Any = None, order: str = "C", ctx: Device = None, device: Device = None
) -> ndarray:
    """Zeros of the given shape."""
    require_cpu(ctx, device)
    return FACE.own(np.zeros(shape, FACE.dtype(dtype)))


def ones(
    shape: Any, dtype: Any = None, order: str = "C", ctx: Device = None, device: Device = None
) -> ndarray:
    """Ones of the given shape."""
    require_cpu(ctx, device)
    return FACE.own(np.ones(shape, FACE.dtype(dtype)))


empty = zeros


def full(
    shape: Any, fill_value: Any, dtype: Any = None, ctx: Device = None, device: Device = None
) -> ndarray:
    """An array filled with one value."""
    require_cpu(ctx, device)
    return FACE.own(np.full(shape, fill_value, FACE.dtype(dtype)))


def arange(
    start: float,
    stop: float | None = None,
    step: float = 1,
    dtype: Any = None,
    ctx: Device = None,
    device: Device = None,
) -> ndarray:
    """Evenly spaced numbers from `start` up to but without `stop`, as floats.

    >>> from tapejit import np
    >>> np.arange(1, 4)
    array([1., 2., 3.])
    """
    require_cpu(ctx, device)
    start, stop = (0, start) if stop is None else (start, stop)
    return FACE.own(np.arange(start, stop, step, dtype=FACE.dtype(dtype)))


def linspace(
    start: float,
    stop: float,
    num: int = 50,
    endpoint: bool = True,
    dtype: Any = None,
    ctx: Device = None,
    device: Device = None,
) -> ndarray:
    """`num` evenly spaced numbers from `start` to `stop`."""
    require_cpu(ctx, device)
    return FACE.own(np.linspace(start, stop, num, endpoint, dtype=FACE.dtype(dtype)))


def eye(
    N: int, M: int | None = None, k: int = 0, dtype: Any = None, ctx: Device = None, device: Device = None
) -> ndarray:
    """Ones on the k-th diagonal of a matrix of zeros."""
    require_cpu(ctx, device)
    return FACE.own(np.eye(N, M, k, FACE.dtype(dtype)))


def identity(n: int, dtype: Any = None) -> ndarray:
    """The identity matrix."""
    return eye(n, dtype=dtype)
