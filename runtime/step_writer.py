"""Writes the builtin of `runtime.step`: find the way in the trie, make the array, note both on the tape."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import llvmlite.ir as ll

from tapejit.runtime.assembler import BYTE, INT, POINTER, Assembler
from tapejit.runtime.c_api import TYPE, CApi
from tapejit.runtime.slot import Slots, offset_of

_NARROW = 1 << 31  # a wider integer is an array of its own: see tracer.operand.is_wide


class StepWriter:
    """The builtin under construction. Nothing is changed before the last way to `_missed`.

    The key of an edge is `(operation, i, j)` for the arrays with the values i and j, `(operation, i, type)`
    for an array and a number, `(operation, statics, i)` for one array.
    """

    def __init__(self, api: CApi, slots: Slots):
        self.code, self._slots = Assembler(api, "tapejit_step"), slots
        self._missed = self.code.function.append_basic_block("missed")
        self._lost = self.code.function.append_basic_block("lost")
        args = self.code.function.args[1]
        self._tape, self._operation, self._x, self._y = (self.code.field(args, 8 * k) for k in range(4))
        self._face, self._kind = self.code.field(self._x, TYPE), self.code.field(self._y, TYPE)
        self._second, self._third, self._number = (self.code.local(POINTER, self.code.null) for _ in range(3))

    def built(self) -> Callable[..., Any]:
        """The builtin function."""
        self._find_key()
        node = self._next_node()
        handle = self._new_handle(node)
        self._note(node, handle)
        self.code.builder.ret(handle)
        self._write_exits()
        step: Callable[..., Any] = self.code.finish()
        return step

    # -- Where the way leads ---------------------------------------------------------------------------------

    def _find_key(self) -> None:
        """Go on with what follows the operation in the key, and with the number among the operands."""
        code, builder = self.code, self.code.builder
        index = self._value_number(self._x)
        with builder.if_else(code.same(self._kind, self._face)) as (is_array, is_none):
            with is_array:
                self._choose(index, self._value_number(self._y))
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

    def _value_number(self, x: ll.Value) -> ll.Value:
        """The number of an array's value, which was made on the tape or has entered it."""
        code, builder = self.code, self.code.builder
        found = code.local(POINTER)
        with builder.if_else(code.same(self._slot(x, "handle_tape"), self._tape)) as (made, entered):
            with made:
                builder.store(self._slot(x, "handle_index"), found)
            with entered:
                builder.store(self._entered(x), found)
        return builder.load(found, typ=POINTER)

    def _entered(self, x: ll.Value) -> ll.Value:
        """The number under which the tape knows an array from outside; none was written to since."""
        code = self.code
        arguments = self._slot(self._tape, "tape_arguments")
        code.require(code.same(self._slot(arguments, "argument_changed"), code.object(None)), self._missed)
        key = self._made("PyLong_FromVoidPtr", x)
        number = code.call("PyDict_GetItemWithError", self._slot(self._tape, "tape_entered"), key)
        code.call("Py_DecRef", key)
        code.require(code.builder.icmp_unsigned("!=", number, code.null), self._missed)
        return number

    def _require_no_view(self) -> None:
        code = self.code
        view = self._slot(self._operation, "operation_view")
        code.require(code.same(view, code.object(False)), self._missed)

    def _require_number(self) -> None:
        """A float, or an integer that i32 holds."""
        code, builder = self.code, self.code.builder
        with builder.if_then(builder.not_(code.same(self._kind, code.object(float)))):
            code.require(code.same(self._kind, code.object(int)), self._missed)
            number = code.number("PyLong_AsLongLong", self._y, self._missed)
            raised = builder.add(number, code.word(_NARROW))
            code.require(builder.icmp_unsigned("<", raised, code.word(2 * _NARROW)), self._missed)

    def _next_node(self) -> ll.Value:
        """The node behind the edge, which must be there and stand for one array."""
        code, builder = self.code, self.code.builder
        key = self._made("PyTuple_New", code.word(3))
        parts = (self._operation, *(builder.load(p, typ=POINTER) for p in (self._second, self._third)))
        for k, part in enumerate(parts):
            code.call("Py_IncRef", part)
            code.call("PyTuple_SetItem", key, code.word(k), part)
        edges = self._slot(self._slot(self._tape, "tape_node"), "node_children")
        node = code.call("PyDict_GetItemWithError", edges, key)
        code.call("Py_DecRef", key)
        with builder.if_then(code.same(node, code.null), likely=False):
            code.call("PyErr_Clear")  # a tuple that was multiplied with, perhaps, and has no hash
        code.require(builder.icmp_unsigned("!=", node, code.null), self._missed)
        count = code.call("PyTuple_Size", self._slot(node, "node_types"))
        code.require(builder.icmp_unsigned("==", count, code.word(1)), self._missed)
        return node

    # -- The step --------------------------------------------------------------------------------------------

    def _new_handle(self, node: ll.Value) -> ll.Value:
        """The pending array of the node's type."""
        code, slots = self.code, self._slots
        handle = self._made("PyType_GenericAlloc", self._face, code.word(0))
        count = code.call("PyList_Size", self._slot(self._tape, "tape_values"))
        self._put(handle, slots.handle_index, self._made("PyLong_FromSsize_t", count))
        nothing = code.object(None)
        held = {
            slots.handle_tape: self._tape,
            slots.handle_type: self._slot(node, "node_type"),
            slots.handle_tracked: self._slot(node, "node_tracked"),
            **dict.fromkeys(slots.handle_others, nothing),
        }
        for slot, value in held.items():
            code.call("Py_IncRef", value)
            self._put(handle, slot, value)
        return handle

    def _note(self, node: ll.Value, handle: ll.Value) -> None:
        """Let the tape know the array, its number, and stand on the node."""
        code, builder = self.code, self.code.builder
        reference = self._made("PyWeakref_NewRef", handle, code.null)
        self._append(self._slot(self._tape, "tape_values"), reference)
        code.call("Py_DecRef", reference)
        number = builder.load(self._number, typ=POINTER)
        with builder.if_then(builder.icmp_unsigned("!=", number, code.null)):
            arguments = self._slot(self._tape, "tape_arguments")
            self._append(self._slot(arguments, "argument_values"), number)
        before = self._slot(self._tape, "tape_node")
        code.call("Py_IncRef", node)
        self._put(self._tape, self._slots.tape_node, node)
        code.call("Py_DecRef", before)

    def _append(self, values: ll.Value, value: ll.Value) -> None:
        code = self.code
        status = code.call("PyList_Append", values, value)
        code.require(code.builder.icmp_unsigned("==", status, ll.Constant(INT, 0)), self._lost)

    # -- Slots and objects -----------------------------------------------------------------------------------

    def _slot(self, owner: ll.Value, name: str) -> ll.Value:
        return self.code.field(owner, offset_of(getattr(self._slots, name)))

    def _put(self, owner: ll.Value, slot: Any, value: ll.Value) -> None:
        """Store a reference, which the object owns from now on."""
        builder = self.code.builder
        where = builder.gep(owner, [self.code.word(offset_of(slot))], source_etype=BYTE)
        builder.store(value, where)

    def _made(self, name: str, *args: ll.Value) -> ll.Value:
        """A new object; without memory for it, what was made so far is lost."""
        return self.code.made(name, *args, otherwise=self._lost)

    def _write_exits(self) -> None:
        code, builder = self.code, self.code.builder
        builder.position_at_end(self._lost)
        builder.ret(code.null)
        builder.position_at_end(self._missed)
        nothing = code.object(None)
        code.call("Py_IncRef", nothing)
        builder.ret(nothing)
