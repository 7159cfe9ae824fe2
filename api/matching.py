"""Trees that have to look like other trees: tangents like primals, cotangents like values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import optree

from tapejit.ir.types import TensorType
from tapejit.tracer.array import Array
from tapejit.tracer.errors import DtypeError, ShapeError
from tapejit.tracer.handle import Handle


def matched(
    tree: Any, structure: Any, types: Sequence[TensorType], where: str, what: str, like: str
) -> list[Handle]:
    """The leaves of `tree`, which must have this structure and these types."""
    leaves, own = optree.tree_flatten(tree)
    if own != structure:
        raise TypeError(
            f"{where}: {what} has the structure {own}, {like} has {structure}; they must be equal"
        )
    return [typed(x, t, where, what, like) for x, t in zip(leaves, types, strict=True)]


def typed(x: Any, type_: TensorType, where: str, what: str, like: str) -> Handle:
    """`x` as an array of ours, which must be of this type."""
    if isinstance(x, int | float | (complex if type_.is_complex else int)) and not isinstance(x, bool):
        x = np.array(x, type_.numpy_dtype)  # a number takes the dtype of its partner
    if not isinstance(x, Handle | np.ndarray | np.generic):
        raise TypeError(f"{where}: {what} has a {type(x).__name__} where {like} has {type_}")
    array = x if isinstance(x, Handle) else Array.wrap(np.array(x))
    if array.type.shape != type_.shape:
        raise ShapeError(
            f"{where}: {what} has an array of shape {array.type.shape} where {like} has {type_.shape}; "
            "the shapes must be equal"
        )
    if array.type != type_:
        name = type_.numpy_dtype
        raise DtypeError(
            f"{where}: {what} has an array {array.type} where {like} has {type_}; convert it: "
            f"x.astype('{name}')"
        )
    return array
