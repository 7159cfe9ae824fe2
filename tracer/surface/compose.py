"""Functions made of other traced functions, not of primitives."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from tapejit.tracer.errors import ShapeError
from tapejit.tracer.surface.shape import getitem, normal_axis


def split(array: Any, sections: int | Sequence[int], axis: int = 0) -> list[Any]:
    """NumPy's `split`: equal parts, or parts between the given positions."""
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
