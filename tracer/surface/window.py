"""Windows that slide over an array: `np.lib.stride_tricks.sliding_window_view`, as an array of its own."""

from __future__ import annotations

from typing import Any

import numpy as np

from tapejit.tracer.errors import UnsupportedError
from tapejit.tracer.surface.composed import composed
from tapejit.tracer.surface.shape import normal_axis


@composed(np.lib.stride_tricks.sliding_window_view)
def sliding_window_view(
    x: Any, window_shape: Any, axis: Any = None, *, subok: bool = False, writeable: bool = False
) -> Any:
    """The windows' dimensions are last. Where NumPy's result is a read-only view, this one is an array."""
    if writeable:
        raise UnsupportedError("windows are not written through; write the array, then take windows again")
    sizes = (window_shape,) if np.ndim(window_shape) == 0 else tuple(window_shape)
    axes = _axes(axis, len(sizes), x.ndim)
    for at, size in zip(axes, sizes, strict=True):
        x = _windows(x, at, int(size))
    return x


def _axes(axis: Any, count: int, rank: int) -> list[int]:
    given = range(rank) if axis is None else (axis,) if np.ndim(axis) == 0 else axis
    if len(given) != count:
        raise ValueError(f"{count} window sizes for {len(given)} axes of an array of {rank} dimensions")
    return [normal_axis(k, rank) for k in given]


def _windows(x: Any, at: int, size: int) -> Any:
    count = x.shape[at] - size + 1
    if size < 0 or count < 1:
        raise ValueError(f"a window of {size} elements does not fit dimension {at} of {x.shape}")
    places = np.arange(count)[:, None] + np.arange(size)
    return np.moveaxis(np.take(x, places, axis=at), at + 1, -1)
