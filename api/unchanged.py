"""What holds while something captured is as it was: a container, an attribute of a module, an array."""

from __future__ import annotations

import operator
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from tapejit.runtime.condition import Asked, Bound, Condition


def contains(container: Any, items: list[Any]) -> Condition:
    """Whether the items are these very objects, in this order."""

    def same() -> bool:
        now = [*container.keys(), *container.values()] if isinstance(container, dict) else list(container)
        return len(now) == len(items) and all(map(operator.is_, now, items))

    return Asked(same)


def provides(module: ModuleType, attribute: str, value: Any) -> Condition:
    """Whether a module still has this attribute; its `__getattr__` may make it on demand."""
    if attribute in vars(module):
        return Bound(vars(module), attribute, value)
    return Asked(lambda: getattr(module, attribute, None) is value)


def unchanged(array: np.ndarray) -> Callable[[], bool]:
    """Whether the contents are, bit for bit, what they were."""
    before = array.copy()
    if array.nbytes <= 4096:
        contents = before.tobytes()
        return lambda: (
            array.tobytes() == contents and array.shape == before.shape and array.dtype == before.dtype
        )
    bits = before.view(np.uint8) if before.ndim else before
    return lambda: (
        array.shape == before.shape
        and array.dtype == before.dtype
        and bool(np.array_equal(np.ascontiguousarray(array).view(np.uint8), bits))
    )
