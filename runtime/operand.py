"""What an expression of emitted source is while it is lowered: a constant, a scalar, a row of elements.

Rows are all that is left of arrays: where the elements begin and how many there are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Constant:
    """A number that the source states; it has no type until it meets one."""

    value: int | float | bool


@dataclass(frozen=True)
class Scalar:
    """A value of one of Numba's scalar types, or the address of memory."""

    type: Any
    value: Any


@dataclass(frozen=True)
class Row:
    """Elements one after another: their type, the address of the first, how many."""

    dtype: Any
    pointer: Any
    count: Any


@dataclass(frozen=True)
class Known:
    """Something of the namespace: a type, a function."""

    value: Any


@dataclass(frozen=True)
class Pack:
    """A tuple, which only calls take."""

    items: tuple[Operand, ...]


Operand = Constant | Scalar | Row | Known | Pack
