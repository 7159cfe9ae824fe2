"""Making arrays of the `nd` face: float32 unless a dtype is asked for, whatever the source is."""

from __future__ import annotations

from typing import Any

import numpy as np

from tapejit.context import Context, require_cpu
from tapejit.nd_array import FACE, NDArray

Device = Context | None


def array(source_array: Any, ctx: Device = None, dtype: Any = None) -> NDArray:
    """A new array of float32, or of the dtype of `source_array` if that is a tapejit array.

    >>> from tapejit import nd
    >>> nd.array([1, 2, 3])
    <BLANKLINE>
    [1. 2. 3.]
    <NDArray 3 @cpu(0)>
    """
    require_cpu(ctx)
    return FACE.array(source_array, dtype)


def zeros(shape: Any, ctx: Device = None, dtype: Any = None) -> NDArray:
    """Zeros of the given shape."""
    require_cpu(ctx)
    return FACE.own(np.zeros(shape, FACE.dtype(dtype)))


def ones(shape: Any, ctx: Device = None, dtype: Any = None) -> NDArray:
    """Ones of the given shape."""
    require_cpu(ctx)
    return FACE.own(np.ones(shape, FACE.dtype(dtype)))


empty = zeros


def full(shape: Any, val: float, ctx: Device = None, dtype: Any = None) -> NDArray:
    """An array filled with one number."""
    require_cpu(ctx)
    return FACE.own(np.full(shape, val, FACE.dtype(dtype)))


def arange(
    start: float,
    stop: float | None = None,
    step: float = 1.0,
    repeat: int = 1,
    ctx: Device = None,
    dtype: Any = None,
) -> NDArray:
    """Evenly spaced numbers from `start` up to but without `stop`, each `repeat` times."""
    require_cpu(ctx)
    start, stop = (0, start) if stop is None else (start, stop)
    return FACE.own(np.repeat(np.arange(start, stop, step).astype(FACE.dtype(dtype)), repeat))


def linspace(
    start: float, stop: float, num: int, endpoint: bool = True, ctx: Device = None, dtype: Any = None
) -> NDArray:
    """`num` evenly spaced numbers from `start` to `stop`."""
    require_cpu(ctx)
    return FACE.own(np.linspace(start, stop, num, endpoint, dtype=FACE.dtype(dtype)))


def eye(N: int, M: int = 0, k: int = 0, ctx: Device = None, dtype: Any = None) -> NDArray:
    """Ones on the k-th diagonal of a matrix of zeros; M = 0 stands for a square one."""
    require_cpu(ctx)
    return FACE.own(np.eye(N, M or N, k, FACE.dtype(dtype)))


CREATION = {function.__name__: function for function in (array, zeros, ones, full, arange, linspace, eye)} | {
    "empty": empty
}
