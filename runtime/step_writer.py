"""Writes the builtin `step` of `runtime.step`: find the way in the trie, make the array, note both."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import llvmlite.ir as ll

from tapejit.runtime.assembler import POINTER
from tapejit.runtime.c_api import TYPE, CApi
from tapejit.runtime.record_code import RecordCode
from tapejit.runtime.slot import Slots

_NARROW = 1 << 31  # a wider integer is an array of its own: see tracer.operand.is_wide


class StepWriter(RecordCode):
    """The builtin under construction. Arrays may have entered before the last way to `missed`, and no more.

    The key of an edge is `(operation, i, j)` for the arrays with the values i and j, `(operation, i, type)`
    for an array and a number, `(operation, statics, i)` for one array.
    """

    def __init__(self, api: CApi, slots: Slots):
        super().__init__(api, slots, "tapejit_step")
        code = self.code
        self._operation, self._x, self._y = (self.argument(k) for k in range(1, 4))
        self._face, self._kind = code.field(self._x, TYPE), code.field(self._y, TYPE)
        self._second, self._third, self._number = (code.local(POINTER, code.null) for _ in range(3))

    def built(self) -> Callable[..., Any]:
        """The builtin function."""
        self._find_key()
        node = self._next_node()
        handle = self._new_handle(node)
        self._note(node, handle)
        self.code.builder.ret(handle)
        return self.finished()

    # -- Where the way leads ---------------------------------------------------------------------------------

    def _find_key(self) -> None:
        """Go on with what follows the operation in the key, and with the number among the operands."""
        code, builder = self.code, self.code.builder
        index = self.number_of(self._x)
        with builder.if_else(code.same(self._kind, self._face)) as (is_array, is_none):
            with is_array:
                self._choose(index, self.number_of(self._y))
            with is_none, builder.if_else(code.same(self._kind, code.object(tuple))) as (alone, beside):
                with alone:
                    self._require_no_view()
                    self._choose(self._y, index)
                with beside:
                    self._require_number()
                    self._choose(index, self._kind)
                    builder.store(self._y, self._number)

    def _choose(self, second: ll.Value, third: ll.Value) -> None:
        self.code.builder.store(second, self._second)
        self.code.builder.store(third, self._third)

    def _require_no_view(self) -> None:
        code = self.code
        view = self.slot(self._operation, "operation_view")
        code.require(code.same(view, code.object(False)), self.missed)

    def _require_number(self) -> None:
        """A float, or an integer that i32 holds."""
        code, builder = self.code, self.code.builder
        with builder.if_then(builder.not_(code.same(self._kind, code.object(float)))):
            code.require(code.same(self._kind, code.object(int)), self.missed)
            number = code.number("PyLong_AsLongLong", self._y, self.missed)
            raised = builder.add(number, code.word(_NARROW))
            code.require(builder.icmp_unsigned("<", raised, code.word(2 * _NARROW)), self.missed)

    def _next_node(self) -> ll.Value:
        """The node behind the edge, which must stand for one array."""
        code, builder = self.code, self.code.builder
        parts = [builder.load(p, typ=POINTER) for p in (self._second, self._third)]
        node = self.child((self._operation, *parts))
        count = code.call("PyTuple_Size", self.slot(node, "node_types"))
        code.require(builder.icmp_unsigned("==", count, code.word(1)), self.missed)
        return node

    # -- The step --------------------------------------------------------------------------------------------

    def _new_handle(self, node: ll.Value) -> ll.Value:
        """The pending array of the node's type."""
        code, slots = self.code, self.slots
        handle = self.made("PyType_GenericAlloc", self._face, code.word(0))
        count = code.call("PyList_Size", self.slot(self.tape, "tape_values"))
        self.put(handle, slots.handle_index, self.made("PyLong_FromSsize_t", count))
        nothing = code.object(None)
        held = {
            slots.handle_tape: self.tape,
            slots.handle_type: self.slot(node, "node_type"),
            slots.handle_tracked: self.slot(node, "node_tracked"),
            **dict.fromkeys(slots.handle_others, nothing),
        }
        for slot, value in held.items():
            self.put(handle, slot, self.owned(value))
        return handle

    def _note(self, node: ll.Value, handle: ll.Value) -> None:
        """Let the tape know the array, its number, and stand on the node."""
        code, builder = self.code, self.code.builder
        reference = self.made("PyWeakref_NewRef", handle, code.null)
        self.append(self.slot(self.tape, "tape_values"), reference)
        code.call("Py_DecRef", reference)
        number = builder.load(self._number, typ=POINTER)
        with builder.if_then(builder.icmp_unsigned("!=", number, code.null)):
            arguments = self.slot(self.tape, "tape_arguments")
            self.append(self.slot(arguments, "argument_values"), number)
        self.stand_on(node)
