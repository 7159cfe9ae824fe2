"""What a checkpoint stores after all: `policy(primitive, *types, **attributes)` says it of an operation."""

from __future__ import annotations

from typing import Any


def nothing_saveable(primitive: str, *types: Any, **attributes: Any) -> bool:
    """Everything is computed again.

    >>> nothing_saveable("dot_general")
    False
    """
    return False


def everything_saveable(primitive: str, *types: Any, **attributes: Any) -> bool:
    """Nothing is computed again.

    >>> everything_saveable("sin")
    True
    """
    return True


def dots_saveable(primitive: str, *types: Any, **attributes: Any) -> bool:
    """Products of matrices are stored, what is made of them is computed again.

    >>> dots_saveable("dot_general"), dots_saveable("tanh")
    (True, False)
    """
    return primitive == "dot_general"
