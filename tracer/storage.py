"""Who still reads a piece of memory: copy-on-write between arrays and the traces that use them.

A trace reads its arguments later than it was written down: at the demand, and again at the backward.
Whoever writes into an array first lets every such reader take a copy of the old contents
(`Storage.before_write`), so a pending trace and a stored residual never change under their feet.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from tapejit.tracer.handle import Handle

PRUNE_ABOVE = 16
_LEAN = 0x101  # of NumPy's flags: C_CONTIGUOUS and ALIGNED

_ref = weakref.ref


def is_lean(data: np.ndarray) -> bool:
    """Whether programs take this array as it is: in C order, and aligned."""
    return data.flags.num & _LEAN == _LEAN


def may_overlap(x: np.ndarray, y: np.ndarray) -> bool:
    """Whether two arrays may share memory. Those that own theirs do not, unless they are one."""
    if x.flags.owndata and y.flags.owndata:
        return x is y
    return np.may_share_memory(x, y)


class Arguments:
    """The run-time arguments of one trace, in the order of its parameters: arrays and numbers.

    Residuals that a backward program takes as well come after them.
    """

    __slots__ = ("__weakref__", "changed", "storages", "values")

    def __init__(self) -> None:
        self.values: list[Any] = []  # a number is just appended
        self.storages: dict[int, Storage] = {}  # of the arrays that somebody may write to, by their place
        self.changed: set[Storage] | None = None  # memory that was written to since its array entered

    def add_array(self, data: np.ndarray, storage: Storage) -> None:
        """An array that `storage` tells of before it is written to."""
        self.storages[len(self.values)] = storage
        self.values.append(data)
        storage.readers.append(_ref(self))
        if len(storage.readers) > storage._most_readers:
            storage.prune_readers()

    def preserve(self, storage: Storage) -> None:
        """Copy the arguments that live in `storage`, which is about to change."""
        places = [i for i, owner in self.storages.items() if owner is storage]
        for i in places:
            self.values[i] = self.values[i].copy()
            del self.storages[i]
        if places:
            self.changed = {storage, *(self.changed or ())}


class Storage:
    """One piece of memory, shared by an array and its views; knows the traces that read it."""

    __slots__ = ("_most_readers", "_prune_above", "_residents", "readers")

    def __init__(self) -> None:
        self.readers: list[weakref.ref[Arguments]] = []
        self._residents: list[weakref.ref[Handle]] = []  # the array handles here, if there are several
        self._most_readers = self._prune_above = PRUNE_ABOVE

    def prune_readers(self) -> None:
        """Forget the traces that are gone; again once there are twice as many as are left."""
        self.readers = [ref for ref in self.readers if ref() is not None]
        self._most_readers = 2 * len(self.readers) + PRUNE_ABOVE

    def share(self, *handles: Handle) -> None:
        """These handles live here, side by side."""
        self._residents.extend(map(weakref.ref, handles))
        if len(self._residents) > self._prune_above:
            self._residents = [weakref.ref(handle) for handle in self.living()]
            self._prune_above = 2 * len(self._residents) + PRUNE_ABOVE

    def living(self) -> list[Handle]:
        """The arrays that live here, in the order in which they came."""
        found = dict.fromkeys(ref() for ref in self._residents)
        return [handle for handle in found if handle is not None and handle._storage is self]

    def before_write(self) -> None:
        """Let every trace that reads this memory keep the old contents."""
        for ref in self.readers:
            arguments = ref()
            if arguments is not None:
                arguments.preserve(self)
        self.readers.clear()
