"""Where in a value: one affine expression per dimension, or one row-major offset.

Either form is derived from the other when it is asked for, so that a reshape costs nothing until
something below it needs dimensions again.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from tapejit.codegen.affine import Affine, LoopVar


class Index:
    """A position in a value of `shape`."""

    def __init__(
        self, shape: Sequence[int], dims: Sequence[Affine] | None = None, flat: Affine | None = None
    ):
        self.shape = tuple(shape)
        self._dims, self._flat = dims, flat

    @cached_property
    def flat(self) -> Affine:
        """The row-major offset."""
        return self._flat if self._flat is not None else offset(self._dims or (), strides(self.shape))

    @cached_property
    def dims(self) -> tuple[Affine, ...]:
        """One expression per dimension."""
        if self._dims is not None:
            return tuple(self._dims)
        rest, found = self.flat, []
        for n in reversed(self.shape[1:]):
            rest, part = rest.divmod(max(n, 1))
            found.append(part)
        return (rest, *reversed(found)) if self.shape else ()

    @property
    def loops(self) -> frozenset[LoopVar]:
        return self.flat.loops

    def reshaped(self, shape: Sequence[int]) -> Index:
        """The same element of the same memory under another shape."""
        return self if tuple(shape) == self.shape else Index(shape, flat=self.flat)


def strides(shape: Sequence[int]) -> tuple[int, ...]:
    """Elements from one entry to the next along each dimension, row-major; 0 along a dimension of one.

    An index keeps the loops over dimensions of none: what is read there belongs inside, and never runs.
    """
    found, step = [], 1
    for n in reversed(shape):
        found.append(step if n != 1 else 0)
        step *= max(n, 1)
    return tuple(reversed(found))


def offset(dims: Sequence[Affine], steps: Sequence[int]) -> Affine:
    """The sum of `dims` times `steps`."""
    total = Affine()
    for expression, step in zip(dims, steps, strict=True):
        total = total + expression * step
    return total.joined()
