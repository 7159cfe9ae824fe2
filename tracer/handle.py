"""What an array handle is: a concrete NumPy array, or a place on a tape that has not run yet.

`Handle` holds the state and nothing of the NumPy surface; `tracer.array.Array` adds that. A handle is
*pending* while `_tape` is set. A concrete handle may carry a `Leaf` (it was given a gradient) or a
`History` (it came out of a recorded segment), or both, after `attach_grad()` on a computed array.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from tapejit.ir.types import TensorType, type_of
from tapejit.tracer.state import STATE
from tapejit.tracer.storage import Storage

if TYPE_CHECKING:
    from tapejit.tracer.alias import View
    from tapejit.tracer.escape import Expired
    from tapejit.tracer.segment import Segment
    from tapejit.tracer.tape import Tape


@dataclass(eq=False, slots=True)
class Leaf:
    """A variable of differentiation: where its gradient goes and how ("write", "add" or "null")."""

    grad: Handle | None
    req: str
    tracked: bool = field(init=False)  # whether a derivative is wanted at all

    def __post_init__(self) -> None:
        self.tracked = self.req != "null"


class History(NamedTuple):
    """The recorded segment that made an array, and its value number there."""

    segment: Segment
    number: int


class Handle:
    """State of one array; see the module."""

    __slots__ = (
        "__weakref__",
        "_elements",
        "_history",
        "_index",
        "_leaf",
        "_made",
        "_storage",
        "_tape",
        "_tracked",
        "_type",
        "_view",
    )

    _elements: np.ndarray | None
    _tape: Tape | Segment | Expired | None
    _index: int
    _type: TensorType | None
    _tracked: bool
    _leaf: Leaf | None
    _history: History | None
    _made: tuple[Tape, int, int] | None  # by which cut of which tape, and its value number there
    _storage: Storage | None
    _view: View | None  # how it was taken from an array whose memory it shares

    @classmethod
    def wrap(cls, data: np.ndarray, storage: Storage | None = None) -> Self:
        """A concrete handle on `data`, which is not copied."""
        handle = object.__new__(cls)
        handle._elements, handle._storage = data, storage
        handle._tape = handle._leaf = handle._history = handle._type = handle._made = handle._view = None
        return handle

    @property
    def type(self) -> TensorType:
        """dtype and shape, without computing anything."""
        if self._type is None:
            self._type = type_of(self._elements)
        return self._type

    @property
    def storage(self) -> Storage:
        if self._storage is None:
            self._storage = Storage()
        return self._storage

    @property
    def alone(self) -> bool:
        """Whether it has data that no trace and no other array reads, and neither gradient nor history."""
        unread = self._elements is not None and self._storage is None
        return unread and self._leaf is None and self._history is None

    @property
    def tracked(self) -> bool:
        """Whether a derivative flows through this array."""
        if self._leaf is not None:
            return self._leaf.tracked
        if self._tape is not None:
            return self._tracked
        history = self._history
        return history is not None and history.number in history.segment.kept

    @property
    def differentiated(self) -> bool:
        """Whether a derivative of what is being traced flows through this array, here or further out."""
        tape = STATE.tape
        return tape is not None and tape.tracks(self)

    @property
    def tracked_outside(self) -> bool:
        """Whether a derivative outside the one that this is a variable of flows through it."""
        return self._tracked if self._tape is not None else self.tracked

    def materialise(self) -> np.ndarray:
        """The data, for tapejit's own use; runs the pending segment first if it must."""
        if self._tape is not None:
            self._tape.demand()
        data = self._elements
        assert data is not None
        return data

    def value(self) -> np.ndarray:
        """The data, for Python to see: what is traced next may depend on it."""
        data = self.materialise()
        if STATE.tape is not None:
            STATE.tape.note_escape(self, data)
        return data

    def twin(self) -> Self:
        """Another handle that is what this one is, but no view."""
        twin = type(self).wrap(self._elements, self._storage)  # type: ignore[arg-type]
        twin._tape, twin._type, twin._leaf, twin._history = self._tape, self._type, self._leaf, self._history
        twin._made = self._made
        if self._tape is not None:
            twin._index, twin._tracked = self._index, self._tracked
        return twin

    def detached(self) -> Any:
        """A new concrete handle on the same memory, without leaf or history."""
        twin = type(self).wrap(self.materialise(), self.storage)
        self.storage.share(self, twin)
        return twin
