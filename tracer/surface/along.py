"""Python functions applied to slices: they run once per slice, and what they do is recorded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tapejit.tracer.surface.composed import array, composed
from tapejit.tracer.surface.shape import normal_axis


@composed(np.apply_along_axis, view=True)
def apply_along_axis(func1d: Callable[..., Any], axis: int, arr: Any, *args: Any, **kwargs: Any) -> Any:
    """The dimensions of a result stand where the dimension of the slice stood."""
    rank = len(arr.shape)
    at = normal_axis(axis, rank)
    rows = np.moveaxis(arr, at, -1)
    outer = rows.shape[:-1]
    if not all(outer):
        raise ValueError("Cannot apply_along_axis when any iteration dimensions are 0")
    found = [func1d(rows[place], *args, **kwargs) for place in np.ndindex(outer)]
    whole = np.stack([array(x) for x in found])
    inner = whole.shape[1:]
    return np.moveaxis(
        whole.reshape((*outer, *inner)),
        tuple(range(len(outer), len(outer) + len(inner))),
        tuple(range(at, at + len(inner))),
    )


@composed(np.apply_over_axes, view=True)
def apply_over_axes(func: Callable[..., Any], a: Any, axes: Any) -> Any:
    rank = len(a.shape)
    for axis in np.atleast_1d(axes):
        found = func(a, int(axis) % rank)
        a = found if len(found.shape) == rank else np.expand_dims(found, int(axis) % rank)
    return a
