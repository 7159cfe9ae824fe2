"""The random numbers of the process: one NumPy generator behind a lock.

`tapejit.random.seed` starts it anew. The modules `nd_random` and `np_random` give its numbers
MXNet's signatures and the classes of their faces. What is drawn inside `record()` is a constant.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from tapejit.random_key import Key
from tapejit.tracer.handle import Handle
from tapejit.tracer.impure import note_impure


class Sampler:
    """A generator that threads may share."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._generator: np.random.Generator | None = (
            None  # made when first drawn from: it takes long to import
        )

    def seed(self, seed: int | None = None) -> None:
        """Start the sequence anew; None takes entropy from the system."""
        with self._lock:
            self._generator = np.random.default_rng(seed)

    def draw(self, distribution: str, *args: Any, **kwargs: Any) -> np.ndarray:
        """What NumPy's generator draws: `distribution` is the name of one of its methods."""
        note_impure(f"it draws random numbers without a key ({distribution})")
        args = tuple(x.value() if isinstance(x, Handle) else x for x in args)
        with self._lock:
            if self._generator is None:
                self._generator = np.random.default_rng()
            return np.asarray(getattr(self._generator, distribution)(*args, **kwargs))

    def key(self, wrap: Callable[[np.ndarray], Any]) -> Key:
        """A key drawn from the sequence, its data in the class of array that `wrap` makes."""
        return Key(wrap(self.draw("integers", -(2**63), 2**63)))


SAMPLER = Sampler()
