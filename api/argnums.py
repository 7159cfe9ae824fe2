"""Which arguments a derivative is by, and what errors call the function."""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np


def positions(argnums: int | Sequence[int], count: int, where: str) -> tuple[int, ...]:
    """`argnums` of a call with `count` positional arguments, none of them negative."""
    numbers = (argnums,) if isinstance(argnums, int) else argnums
    for i in numbers:
        if not -count <= i < count:
            raise ValueError(
                f"argnums={argnums}, but {where} was called with {count} positional arguments; "
                "differentiated arguments must be positional"
            )
    chosen = tuple(i % count for i in numbers)
    if len(set(chosen)) != len(chosen):
        raise ValueError(f"argnums={argnums} names an argument of {where} twice")
    return chosen


def described(function: Callable[..., Any]) -> str:
    """What errors call a function: its name, and where it is defined."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    place = f" ({code.co_filename.rsplit('/', 1)[-1]}:{code.co_firstlineno})" if code else ""
    return f"{name_of(function)}{place}"


def name_of(function: Callable[..., Any]) -> str:
    return getattr(function, "__name__", type(function).__name__)


def checked_argnums(argnums: Any) -> int | tuple[int, ...]:
    """`argnums` of a transform as ints; TypeError if it is something else."""
    if _is_position(argnums):
        return operator.index(argnums)
    numbers = tuple(argnums) if isinstance(argnums, list | tuple) else None
    if not numbers or not all(map(_is_position, numbers)):
        raise TypeError(f"argnums must be an int or a non-empty tuple of ints, got {argnums!r}")
    if len(set(numbers)) != len(numbers):
        raise ValueError(f"argnums={argnums!r} names an argument twice")
    return tuple(map(operator.index, numbers))


def _is_position(x: Any) -> bool:
    return isinstance(x, int | np.integer) and not isinstance(x, bool)
