"""Where the gradients of leaves go: into the buffers of `attach_grad()`, or into fresh arrays.

The reverse sweep asks a sink for a destination per leaf and program. The first contribution to a leaf
overwrites or adds, by its `grad_req`; further ones add.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from tapejit.ir.types import TensorType
from tapejit.tracer.handle import Handle, Leaf
from tapejit.tracer.storage import is_lean
from tapejit.tracer.sweep import Wanting


@dataclass(slots=True)
class Destination:
    """`array` receives a gradient, overwritten or added to; `target` gets it afterwards, if set."""

    array: np.ndarray
    accumulate: bool
    target: np.ndarray | None = None

    def finish(self) -> None:
        """Bring a gradient that a program could not write in place to where it belongs."""
        if self.target is not None:
            if self.accumulate:
                self.target += self.array
            else:
                self.target[...] = self.array

    def staged(self) -> Destination:
        """The same destination by way of an array of the program's own."""
        return Destination(np.empty(self.array.shape, self.array.dtype), self.accumulate, self.array)

    @property
    def in_place(self) -> bool:
        return self.accumulate and self.target is None


class Sink(Wanting, Protocol):
    """Receives the gradients of leaves."""

    def destination(self, leaf: Leaf, type: TensorType) -> Destination:
        """Where the next contribution to this leaf's gradient goes."""


class AttachedGradients:
    """`backward()`: the buffers that `attach_grad()` allocated."""

    def __init__(self) -> None:
        self._written: set[Leaf] = set()

    def wants(self, leaf: Leaf) -> bool:
        return leaf.req != "null"

    def destination(self, leaf: Leaf, type: TensorType) -> Destination:
        assert leaf.grad is not None
        data = leaf.grad.materialise()
        leaf.grad.storage.before_write()
        accumulate = leaf.req == "add" or leaf in self._written
        self._written.add(leaf)
        direct = Destination(data, accumulate)
        return direct if is_lean(data) else direct.staged()


class FreshGradients:
    """`grad(heads, variables)`: new arrays, for these variables only."""

    def __init__(self, variables: Sequence[Handle]):
        self._arrays: dict[Leaf, np.ndarray | None] = {
            x._leaf: None for x in variables if x._leaf is not None
        }

    def wants(self, leaf: Leaf) -> bool:
        return leaf in self._arrays

    def destination(self, leaf: Leaf, type: TensorType) -> Destination:
        array = self._arrays[leaf]
        accumulate = array is not None
        if array is None:
            array = self._arrays[leaf] = np.empty(type.shape, type.numpy_dtype)
        return Destination(array, accumulate)

    def of(self, variable: Handle) -> np.ndarray | None:
        """The gradient of one variable; None when no head depends on it."""
        assert variable._leaf is not None
        return self._arrays[variable._leaf]
