"""Functions made of other traced functions, not of primitives."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from tapejit.tracer.errors import ShapeError, UnsupportedError
from tapejit.tracer.location import user_location
from tapejit.tracer.surface.composed import composed
from tapejit.tracer.surface.reduction import mean, sum_
from tapejit.tracer.surface.shape import getitem, normal_axis


@composed(np.split, view=True)
def split(ary: Any, indices_or_sections: int | Sequence[int], axis: int = 0) -> list[Any]:
    """NumPy's `split`: equal parts, or parts between the given positions."""
    array, sections = ary, indices_or_sections
    axis = normal_axis(axis, len(array.shape))
    size = array.shape[axis]
    if isinstance(sections, int):
        if size % sections:
            raise ShapeError(f"cannot split a dimension of {size} into {sections} equal parts")
        bounds = [k * size // sections for k in range(sections + 1)]
    else:
        bounds = [0, *sections, size]
    before = (("slice", None, None, None),) * axis
    return [
        getitem(array, key=(*before, ("slice", start, stop, None)))
        for start, stop in itertools.pairwise(bounds)
    ]


@composed(np.average)
def average(
    a: Any, axis: Any = None, weights: Any = None, returned: bool = False, keepdims: Any = False
) -> Any:
    """NumPy's `average`: a mean, or one with weights of the shape of `a` or along one axis."""
    if returned:
        raise UnsupportedError(f"np.average at {user_location()}: `returned` is not traced")
    keep = bool(keepdims)
    if weights is None:
        return mean(a, axis=axis, keepdims=keep)
    if weights.shape != a.shape:
        if axis is None or isinstance(axis, tuple) or weights.shape != (a.shape[axis],):
            raise ShapeError(f"average: weights of shape {weights.shape} do not fit {a.shape}, axis {axis}")
        at = normal_axis(axis, len(a.shape))
        spread = np.expand_dims(weights, tuple(k for k in range(len(a.shape)) if k != at))
        weights = np.broadcast_to(spread, a.shape)
    total: Any = np.sum(weights, axis=axis, keepdims=keep)
    return sum_(a * weights, axis=axis, keepdims=keep) / total
