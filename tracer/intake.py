"""What comes in from outside: sources of new arrays, head gradients, arguments that must be arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from tapejit.tracer.errors import AutogradError, ShapeError
from tapejit.tracer.handle import Handle
from tapejit.tracer.location import user_location
from tapejit.tracer.operand import check_plain, constant
from tapejit.tracer.surface import elementwise, shape
from tapejit.tracer.surface.function import apply

A = TypeVar("A", bound=Handle)


def head_gradient(head: Handle, given: Any) -> np.ndarray | None:
    """A head gradient as an array of the head's type; None stands for ones."""
    if given is None:
        return None
    data = given.materialise() if isinstance(given, Handle) else np.asarray(given)
    _check_head_gradient(head, data)
    return np.require(data, head.type.numpy_dtype, ("C", "A"))


def recorded_head_gradient(head: Handle, given: Any) -> Handle | None:
    """The same as an array of the record, which may have a history."""
    if given is None:
        return None
    if not isinstance(given, Handle):
        return type(head).wrap(np.array(head_gradient(head, given)))
    _check_head_gradient(head, given)
    dtype = head.type.numpy_dtype
    return given if given.type.numpy_dtype == dtype else elementwise.astype(given, dtype=dtype)


def _check_head_gradient(head: Handle, data: Any) -> None:
    if data.shape != head.type.shape:
        raise ShapeError(
            f"backward at {user_location()}: the head gradient has shape {data.shape}, the head "
            f"{head.type.shape}; they must be equal"
        )
    if data.dtype.kind not in ("fiubc" if head.type.is_complex else "fiub"):
        raise TypeError(
            f"backward at {user_location()}: a head gradient of {data.dtype} does not fit a head of "
            f"{head.type.numpy_dtype}"
        )


def array_of(face: type[A], source: Any, dtype: Any = None) -> A:
    """A new array of class `face` from anything NumPy takes; the data is copied.

    Inside a record, arrays that a derivative flows through, and nested lists of such, are joined by traced
    operations; anything else becomes a concrete array.
    """
    if holds(source, lambda x: x.differentiated):
        joined: A = apply(elementwise.copy.op, (_stacked(source),), (), face)
        return joined if dtype is None else elementwise.astype(joined, dtype=dtype)
    check_plain(source)
    if isinstance(source, Handle):
        source = source.value()
    return face.wrap(constant(face, source if dtype is None else np.array(source, dtype)).materialise())


def holds(source: Any, what: Callable[[Handle], bool] = lambda x: True) -> bool:
    """Whether nested lists hold an array of ours that is so."""
    if isinstance(source, Handle):
        return what(source)
    return type(source) in (list, tuple) and any(holds(each, what) for each in source)


def _stacked(source: Any) -> Any:
    """Nested lists of arrays and numbers as one array."""
    if type(source) not in (list, tuple) or not holds(source):
        return source
    return shape.stack([_stacked(each) for each in source])


def require_array(x: Any, what: str) -> Any:
    """x, or a TypeError that says what it should have been."""
    if not isinstance(x, Handle):
        raise AutogradError(f"{what} must be a tapejit array, got {type(x).__name__}")
    return x
