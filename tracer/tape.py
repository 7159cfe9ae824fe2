"""The tape of one `record()` block (or of one call of a decorated function).

Recording an operation walks one edge of the trie; see `tracer.trie`. A demand cuts the operations so
far into a `Segment`, runs it, and starts again at the trie's root with the results as inputs.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np

from tapejit.ir.types import TensorType
from tapejit.tracer.alias import note_view
from tapejit.tracer.errors import AutogradError, NestedDemandError
from tapejit.tracer.escape import Leftovers
from tapejit.tracer.first_step import first_step
from tapejit.tracer.frame import frames_of
from tapejit.tracer.handle import Handle
from tapejit.tracer.location import user_location, user_test
from tapejit.tracer.number import Expression, Given, Number
from tapejit.tracer.operand import Captured
from tapejit.tracer.operation import WEAK_DTYPE, Operation
from tapejit.tracer.seen import Escape, Within
from tapejit.tracer.segment import Cut, Made, Segment, Source
from tapejit.tracer.storage import Arguments, is_lean
from tapejit.tracer.trie import Node, Trie

MAX_PERIOD = 4  # segments in the body of a loop that is recognised as one
_BEGINNING = 8  # segments of a call, at whose ends the state of Python is always looked at

_new = object.__new__
_new_tuple = tuple.__new__
_ref = weakref.ref


class Tape:
    """`parent`: the tape outside a nested derivative; its pending arrays may be used symbolically."""

    __slots__ = (
        "_entered",
        "active",
        "arguments",
        "captured",
        "cuts",
        "escapes",
        "given",
        "history",
        "impure",
        "leftovers",
        "lost",
        "names",
        "node",
        "parent",
        "sources",
        "step",
        "symbolic",
        "trie",
        "values",
    )

    def __init__(
        self,
        trie: Trie,
        parent: Tape | None = None,
        names: dict[int, str] | None = None,
        keep_cuts: bool = False,
    ):
        self.trie, self.parent, self.step = trie, parent, trie.step
        self.names = names or {}  # what the user calls an input, by its id
        self.active: int | None = threading.get_ident()  # the thread that records now
        self.cuts: list[Cut] | None = [] if keep_cuts else None  # the segments so far
        self.history: dict[Node, None] = {}  # their ends, each once, in order
        self.lost: str | None = None  # where a differentiated float left for Python
        self.escapes: list[Escape] = []  # values that left for Python, if cuts are kept
        self.captured = Captured()
        self.given: dict[int, tuple[Handle, Expression]] = {}  # by id: arrays made of numbers of the call
        self.impure: str | None = None  # why the next call must run the Python again
        self.leftovers: Leftovers | None = None  # watches the arrays that are held after a cut
        self._restart()

    def _restart(self) -> None:
        if self.cuts is None:  # a block may take in new data for ever
            self.captured.clear()
        self.node: Node = self.trie.start()
        self.arguments = Arguments()
        self.values: list[weakref.ref[Handle] | None] = []  # per value number; None for an input
        self.sources: dict[int, Source] = {}  # per input value number: the array that entered
        self._entered: dict[int, int] = {}  # id of that array -> value number
        self.symbolic = False  # an argument is pending on the parent

    # -- Recording -----------------------------------------------------------------------------------

    def binary(self, op: Operation, x: Any, y: Any) -> Any:
        """Record an operation of two operands, the first an array, the second an array or a number."""
        i = x._index if x._tape is self else self.enter(x)
        kind = type(y)
        if kind in WEAK_DTYPE:
            node = self.node.children.get((op, i, kind))
            if node is None:
                node = self._grow((op, i, kind), op, (x, kind), (i, None), ())
            self.arguments.values.append(y)
        else:
            j = y._index if y._tape is self else self.enter(y)
            node = self.node.children.get((op, i, j))
            if node is None:
                node = self._grow((op, i, j), op, (x, y), (i, j), ())
        self.node = node
        return self._pending(type(x), node.type, node.tracked)

    def unary(self, op: Operation, x: Any, statics: tuple[tuple[str, Any], ...] = ()) -> Any:
        """Record an operation of one array and nothing else."""
        i = x._index if x._tape is self else self.enter(x)
        node = self.node.children.get((op, statics, i))
        if node is None:
            node = self._grow((op, statics, i), op, (x,), (i,), statics)
        self.node = node
        if len(node.types) > 1 or op.view:
            return self._results(op, node, x, statics)
        return self._pending(type(x), node.type, node.tracked)

    def record(
        self, op: Operation, operands: Sequence[Any], statics: tuple[tuple[str, Any], ...] = ()
    ) -> Any:
        """Record any operation. Operands: arrays, Python numbers, None; at least one is an array."""
        key: list[Any] = [op, statics]
        indices: list[int | None] = []
        numbers = []
        for x in operands:
            if isinstance(x, Handle):
                i = x._index if x._tape is self else self.enter(x)
                key.append(i)
                indices.append(i)
            elif x is None:
                key.append(None)
            else:
                key.append(float if type(x) is Given else type(x))
                indices.append(None)
                numbers.append(x)
        edge = tuple(key)
        node = self.node.children.get(edge)
        if node is None:
            told = [float if type(x) is Given else type(x) if type(x) in WEAK_DTYPE else x for x in operands]
            node = self._grow(edge, op, told, tuple(indices), statics)
        self.node = node
        self.arguments.values.extend(numbers)
        return self._results(op, node, next(x for x in operands if isinstance(x, Handle)), statics)

    def _results(
        self, op: Operation, node: Node, first: Handle, statics: tuple[tuple[str, Any], ...] = ()
    ) -> Any:
        results = [self._pending(type(first), t, node.tracked and t.is_inexact) for t in node.types]
        if op.view:  # were they computed, they would share memory
            note_view(results[0], first, (op, statics))
        return results[0] if len(results) == 1 else tuple(results)

    def _pending(self, face: type, type_: TensorType, tracked: bool) -> Any:
        result: Any = _new(face)
        result._tape, result._index, result._type, result._tracked = self, len(self.values), type_, tracked
        result._elements = result._leaf = result._history = result._storage = result._made = result._view = (
            None
        )
        self.values.append(_ref(result))
        return result

    def _grow(
        self,
        key: Hashable,
        op: Operation,
        operands: Sequence[Any],
        indices: tuple[int | None, ...],
        statics: tuple[tuple[str, Any], ...],
    ) -> Node:
        """A step never taken before."""
        tracked = op.differentiable and any(self.tracks(x) for x in operands if isinstance(x, Handle))
        return self.trie.graft(self.node, key, first_step(self.node, op, operands, indices, statics, tracked))

    def enter(self, handle: Any) -> int:
        """The value number of an array that is not of this tape: it becomes an input of the trace."""
        if self.arguments.changed:
            self._forget_changed()
        index = self._entered.get(id(handle))
        if index is not None:
            return index
        if self.parent is not None and self._belongs_outside(handle):
            self.symbolic = True
            self.arguments.values.append(handle)  # a handle: the value is not known yet
        else:
            data = handle._elements if handle._tape is None else handle.materialise()
            if not is_lean(data):
                data = np.require(data, requirements=("C", "A"))
            self.arguments.add_array(data, handle._storage or handle.storage)
        type_ = handle._type or handle.type
        tracked = handle.tracked if self.parent is None else self.tracks(handle)
        key = (type_.dtype, type_.shape, tracked)
        node = self.node.children.get(key)
        if node is None:
            node = Node(self.node, (type_,), tracked, name=self.names.get(id(handle)))
            node = self.trie.graft(self.node, key, node)
        self.node = node
        index = len(self.values)
        self.values.append(None)
        origin = handle if handle._made is None else self.origin(handle)
        self.sources[index] = _new_tuple(Source, (handle, handle._leaf, handle._history, origin))
        self._entered[id(handle)] = index
        return index

    def reenter(self, handle: Handle) -> None:
        """`handle` became a variable: its later uses are another input."""
        self._entered.pop(id(handle), None)

    def rebind(self, handle: Handle, result: Handle) -> None:
        """Make `handle` stand for the value of `result`, which was just recorded here."""
        entered = self._entered.pop(id(handle), None)
        if entered is not None and self.parent is not None:
            self._keep_input(entered, handle.twin())
        handle._tape, handle._index, handle._type = self, result._index, result._type
        handle._tracked, handle._elements, handle._history, handle._storage = (
            result._tracked,
            None,
            None,
            None,
        )
        handle._made = None
        self.values[result._index] = _ref(handle)

    def _keep_input(self, index: int, twin: Handle) -> None:
        """The outer tape still takes this input for what it was: a twin of the array that is written to."""
        if isinstance(twin._tape, Tape):
            twin._tape.values[twin._index] = _ref(twin)
        source = self.sources[index]
        self.sources[index] = source._replace(handle=twin)
        self.arguments.values = [twin if x is source.handle else x for x in self.arguments.values]
        outer = self.parent
        while outer is not None:
            outer.know_twin(source.handle, twin)
            outer = outer.parent

    def know_twin(self, handle: Handle, twin: Handle) -> None:
        """`twin` is what `handle` was before it was written to on a tape inside this one."""

    def _belongs_outside(self, handle: Handle) -> bool:
        """Whether `handle` is pending on, or differentiated by, a tape outside this one."""
        if handle._tape is None:
            return self.parent is not None and self.parent.tracks(handle)
        outer = self.parent
        while outer is not None and outer is not handle._tape:
            outer = outer.parent
        return outer is not None

    def tracks(self, handle: Handle) -> bool:
        """Whether a derivative flows through `handle`, on this tape or on one outside."""
        return handle.tracked or (self.parent is not None and self.parent.tracks(handle))

    def recorded(self, handle: Handle) -> bool:
        """Whether `handle` was computed on this tape."""
        owner = handle._tape
        if owner is None and handle._history is not None:
            owner = handle._history.segment
        return owner is self or (isinstance(owner, Segment) and owner.tape is self)

    def _forget_changed(self) -> None:
        """Arrays written to since they entered will enter again, with their new contents."""
        changed = self.arguments.changed or ()
        self._entered = {
            key: i for key, i in self._entered.items() if self.sources[i].handle._storage not in changed
        }
        self.arguments.changed = None

    # -- Demands -------------------------------------------------------------------------------------

    def cut(self) -> Segment:
        """End the segment: everything recorded so far, with the handles that are still held."""
        if self.active not in (None, threading.get_ident()):
            raise AutogradError(
                "this array is still being recorded by another thread; finish that record() block "
                "before its results are used here"
            )
        live = {}
        for i, ref in enumerate(self.values):
            if ref is not None:
                handle = ref()
                if handle is not None and handle._tape is self and handle._index == i:
                    live[i] = handle
        segment = Segment(self, self.node, self.arguments, self.sources, live)
        self.node.used = segment.order
        if live:
            self.history[self.node] = None
        if self.cuts is not None and live:
            self._keep_cut(live)
        self._restart()
        return segment

    def conclude(self) -> None:
        """The call is over: end the last segment, and compute nothing of it unless it is asked for."""
        self.cut().postpone()

    def _keep_cut(self, live: dict[int, Handle]) -> None:
        """Note what this segment is, and who its results are."""
        assert self.cuts is not None
        inputs = {i: source.origin for i, source in self.sources.items()}
        own = {
            id(source.handle._elements) for i, source in self.sources.items() if isinstance(inputs[i], tuple)
        }
        values = [None if id(x) in own else x for x in self.arguments.values]
        for i, handle in live.items():
            handle._made = (self, len(self.cuts), i)
            if self.leftovers is not None:
                self.leftovers.watch(handle, self.node, i)
        self.cuts.append(Cut(self.node, inputs, values, tuple(live)))
        self.node.plans["live"] = tuple(live)

    def origin(self, handle: Handle) -> Made | Handle:
        """Which cut of this tape made an array; the array itself if none did."""
        made = handle._made
        return made[1:] if made is not None and made[0] is self else handle

    def truth(self, handle: Handle) -> bool:
        """The truth value of an array of one element, for Python to branch on."""
        if handle._tape is not self or self.symbolic or self.trie.finish(self) is None:
            handle.materialise()
        found = bool(handle._elements)
        if self.cuts is not None or self.parent is not None:
            self.note_escape(handle, found)
        return found

    def note_escape(
        self, handle: Handle | None, seen: bool | Within | np.ndarray, inside: bool = False
    ) -> None:
        """Python saw a value, and may decide by it what to do next.

        `inside`: on a tape inside this one; `handle` is None if this tape does not know the value.
        """
        if self.cuts is not None:
            where = user_test()
            if isinstance(seen, np.ndarray):
                seen = seen.copy()
                if seen.dtype.kind in "fc" and handle is not None and self.tracks(handle):
                    self.lost = user_location()
            frames = frames_of(self) if not inside and self._may_loop() else None
            what = None if handle is None else self.origin(handle)
            self.escapes.append(Escape(what, seen, len(self.cuts), where, frames))
        if self.parent is not None:
            self.parent.note_escape(self.known_outside(handle), seen, inside=True)

    def note_number(self, number: Number) -> None:
        """Python saw a number that the call was given, or one that it made of such."""
        if self.cuts is not None:
            seen = number.value if isinstance(number.value, bool) else np.asarray(number.value)
            self.escapes.append(Escape(number, seen, len(self.cuts), user_test(), None))

    def release(self) -> None:
        """Let go of what the call went through; the nodes of the trie stay."""
        self.cuts, self.escapes, self.given, self.leftovers = None, [], {}, None
        self._restart()

    @property
    def decorated(self) -> bool:
        """Whether this is the tape of a decorated function, and not of a `record()` block."""
        return self.cuts is not None

    def outermost(self) -> Tape:
        """The tape outside of all."""
        return self if self.parent is None else self.parent.outermost()

    def known_outside(self, handle: Handle | None) -> Handle | None:
        """`handle` if the outer tape knows its value too."""
        return handle if handle is None or self.origin(handle) is handle else None

    def stack_of(self, handle: Handle) -> Handle:
        """All values that an array of this tape stands for, stacked on the outer tape; mostly itself."""
        return handle

    def _may_loop(self) -> bool:
        """Whether a loop may be at its beginning, or the last segment is among the few before it."""
        assert self.cuts is not None
        if len(self.cuts) <= _BEGINNING:
            return True
        return any(cut.node is self.cuts[-1].node for cut in self.cuts[-1 - 2 * MAX_PERIOD : -1])

    def demand(self) -> None:
        """Compute every array that is pending on this tape and still held."""
        if self.symbolic:
            self._resolve()
        if self.trie.finish(self) is None:
            self.cut().demand()

    def _resolve(self) -> None:
        """Compute the arguments that are pending outside; an error if an outer derivative needs them."""
        values = self.arguments.values
        if any(x.tracked_outside for x in values if isinstance(x, Handle)):
            raise NestedDemandError(
                "Python needs the number in an array while an outer derivative is being traced, at "
                f"{user_location()}; branch outside the inner grad, or use np.where"
            )
        self.arguments.values = [x.materialise() if isinstance(x, Handle) else x for x in values]
        self.symbolic = False
