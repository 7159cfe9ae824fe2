"""What a benchmark row is: a function, its inputs by size, and the kernel an expert would write for it.

A `Workload` states the function once, in NumPy's words; `namespace` gives it another library's. A `Case`
is a workload at one size, with its inputs drawn. The table of all workloads is in `workloads/__init__.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

SEED = 7


@dataclass(frozen=True)
class Workload:
    """`function(*inputs)` is a scalar; its first `differentiated` inputs are what gradients are taken of.

    `limit(*inputs)` returns the value and the tuple of gradients; `draw(rng, *size)` the inputs.
    `limit` is None where nobody has written one. `elementwise`: a sum of one elementwise function of vectors,
    which more libraries can express. `value_dependent`: shapes depend on the values of the inputs.
    """

    name: str
    function: Callable[..., Any]
    limit: Callable[..., tuple[Any, tuple[np.ndarray, ...]]] | None
    draw: Callable[..., tuple[np.ndarray, ...]]
    sizes: tuple[tuple[int, ...], ...]
    differentiated: int = 1
    elementwise: bool = False
    value_dependent: bool = False

    def cases(self) -> Iterator[Case]:
        """One per size, smallest first."""
        return (Case(self, size) for size in self.sizes)


@dataclass(frozen=True)
class Case:
    """A workload at one size."""

    workload: Workload
    size: tuple[int, ...]

    @cached_property
    def inputs(self) -> tuple[np.ndarray, ...]:
        """The same numbers in every run."""
        return self.workload.draw(np.random.default_rng(SEED), *self.size)

    @property
    def argnums(self) -> tuple[int, ...]:
        return tuple(range(self.workload.differentiated))

    @property
    def elements(self) -> int:
        """What the pictures have on their x axis."""
        return math.prod(self.size)

    @property
    def label(self) -> str:
        return " × ".join(f"{n:,}" for n in self.size)
