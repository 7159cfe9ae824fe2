"""What the builtins of a record have in common: slots of its objects, lists and dicts, arrays that enter.

`RecordCode` holds a builtin under construction. Where it does not know what to do it goes to `missed` and
returns None, having changed nothing that Python would not change in the same way. Start at `number_of`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import llvmlite.ir as ll
import numpy as np

from tapejit.runtime.assembler import BYTE, INT, POINTER, Assembler
from tapejit.runtime.c_api import ALIGNED, ARRAY_FLAGS, C_CONTIGUOUS, TUPLE_ITEMS, TYPE, CApi
from tapejit.runtime.slot import Slots, offset_of

_LEAN = C_CONTIGUOUS | ALIGNED


class RecordCode:
    """One builtin under construction, whose first argument is the tape."""

    def __init__(self, api: CApi, slots: Slots, name: str):
        self.code, self.slots = Assembler(api, name), slots
        self.missed = self.code.function.append_basic_block("missed")
        self.lost = self.code.function.append_basic_block("lost")
        self.tape = self.argument(0)
        self._held: list[ll.Value] = []  # variables with references that are let go at every exit

    def argument(self, k: int) -> ll.Value:
        """An argument of the builtin."""
        return self.code.field(self.code.function.args[1], 8 * k)

    def finished(self) -> Callable[..., Any]:
        """The builtin, with its exits written: None where it missed, an error without memory."""
        for block, result in ((self.lost, self.code.null), (self.missed, self.code.object(None))):
            self.code.builder.position_at_end(block)
            self.leave(result)
        built: Callable[..., Any] = self.code.finish()
        return built

    def hold(self, value: ll.Value) -> ll.Value:
        """Keep a reference of one's own until the builtin returns."""
        code = self.code
        with code.builder.goto_entry_block():
            variable = code.builder.alloca(POINTER)
            code.builder.store(code.null, variable)
        code.builder.store(value, variable)
        self._held.append(variable)
        return value

    def leave(self, result: ll.Value) -> None:
        """Return this, let go what was held."""
        self.code.call("Py_IncRef", result)
        for variable in self._held:
            self.code.call("Py_DecRef", self.code.builder.load(variable, typ=POINTER))
        self.code.builder.ret(result)

    # -- Arrays that enter -----------------------------------------------------------------------------------

    def number_of(self, x: ll.Value) -> ll.Value:
        """The number of an array's value, which was made on the tape, has entered it, or enters it now."""
        code, builder = self.code, self.code.builder
        found = code.local(POINTER)
        with builder.if_else(code.same(self.slot(x, "handle_tape"), self.tape)) as (made, outside):
            with made:
                builder.store(self.slot(x, "handle_index"), found)
            with outside:
                builder.store(self._entered(x), found)
        return builder.load(found, typ=POINTER)

    def _entered(self, x: ll.Value) -> ll.Value:
        """The number under which the tape knows an array from outside; none was written to since."""
        code, builder = self.code, self.code.builder
        arguments = self.slot(self.tape, "tape_arguments")
        self.require_none(self.slot(arguments, "argument_changed"))
        known, key = self.slot(self.tape, "tape_entered"), self.made("PyLong_FromVoidPtr", x)
        found = code.local(POINTER, code.call("PyDict_GetItemWithError", known, key))
        code.call("Py_DecRef", key)
        with builder.if_then(code.same(builder.load(found, typ=POINTER), code.null)):
            builder.store(self._enter(x, arguments), found)
        return builder.load(found, typ=POINTER)

    def _enter(self, x: ll.Value, arguments: ll.Value) -> ll.Value:
        """Let an array with data enter as one did before at this place: as `Tape.enter` does."""
        code = self.code
        self.require_none(self.slot(self.tape, "tape_parent"))
        self.require_none(self.slot(x, "handle_tape"))
        self.require_none(self.slot(x, "handle_made"))
        self._require_few_readers(self.slot(x, "handle_storage"))
        data, tracked = self._lean_data(x), self._tracked(x)
        node = self._input_node(x, tracked)
        self.stand_on(node)
        values = self.slot(self.tape, "tape_values")
        number = self.made("PyLong_FromSsize_t", code.call("PyList_Size", values))
        self.append(values, code.object(None))
        self.add_array(arguments, data, x)
        parts = (x, self.slot(x, "handle_leaf"), self.slot(x, "handle_history"), x)
        self.put_item(self.slot(self.tape, "tape_sources"), number, self.tuple_of("source_class", parts))
        key = self.made("PyLong_FromVoidPtr", x)
        self.put_item(self.slot(self.tape, "tape_entered"), key, self.owned(number))
        code.call("Py_DecRef", key)
        code.call("Py_DecRef", number)  # the dict holds it
        return number

    def _require_few_readers(self, storage: ll.Value) -> None:
        """Not so many that those that are gone have to be forgotten."""
        code, builder = self.code, self.code.builder
        with builder.if_then(builder.not_(self.is_none(storage))):
            most = code.call("PyLong_AsLongLong", self.slot(storage, "storage_most_readers"))
            count = code.call("PyList_Size", self.slot(storage, "storage_readers"))
            code.require(builder.icmp_unsigned("<", count, most), self.missed)

    def _lean_data(self, x: ll.Value) -> ll.Value:
        """The elements of an array, in C order and aligned."""
        code, data = self.code, self.slot(x, "handle_elements")
        code.require(code.same(code.field(data, TYPE), code.object(np.ndarray)), self.missed)
        flags = code.builder.and_(code.field(data, ARRAY_FLAGS, INT), ll.Constant(INT, _LEAN))
        code.require(code.builder.icmp_unsigned("==", flags, ll.Constant(INT, _LEAN)), self.missed)
        return data

    def _tracked(self, x: ll.Value) -> ll.Value:
        """`Handle.tracked` of an array with data."""
        code, builder = self.code, self.code.builder
        leaf, history = self.slot(x, "handle_leaf"), self.slot(x, "handle_history")
        found = code.local(POINTER, code.object(False))
        with builder.if_else(self.is_none(leaf)) as (no_leaf, has_leaf):
            with no_leaf, builder.if_then(builder.not_(self.is_none(history))):
                segment, number = (code.field(history, TUPLE_ITEMS + 8 * k) for k in range(2))
                inside = code.call("PySet_Contains", self.slot(segment, "segment_kept"), number)
                yes = builder.icmp_unsigned("==", inside, ll.Constant(INT, 1))
                builder.store(builder.select(yes, code.object(True), code.object(False)), found)
            with has_leaf:
                builder.store(self.slot(leaf, "leaf_tracked"), found)
        return builder.load(found, typ=POINTER)

    def _input_node(self, x: ll.Value, tracked: ll.Value) -> ll.Value:
        """The node behind the edge of an input of this type, which must be there."""
        type_ = self.slot(x, "handle_type")
        self.code.require(self.code.builder.not_(self.is_none(type_)), self.missed)
        return self.child((self.slot(type_, "type_dtype"), self.slot(type_, "type_shape"), tracked))

    def add_array(self, arguments: ll.Value, data: ll.Value, x: ll.Value) -> None:
        """`arguments.add_array(data, x.storage)`, without looking for readers that are gone."""
        code, values = self.code, self.slot(arguments, "argument_values")
        storage = self._storage(x)
        place = self.made("PyLong_FromSsize_t", code.call("PyList_Size", values))
        self.put_item(self.slot(arguments, "argument_storages"), place, self.owned(storage))
        code.call("Py_DecRef", place)
        self.append(values, data)
        reference = self.made("PyWeakref_NewRef", arguments, code.null)
        self.append(self.slot(storage, "storage_readers"), reference)
        code.call("Py_DecRef", reference)

    def _storage(self, x: ll.Value) -> ll.Value:
        """`x.storage`."""
        code, builder, slots = self.code, self.code.builder, self.slots
        with builder.if_then(self.is_none(self.slot(x, "handle_storage"))):
            made = self.new("storage_class")
            self.put(made, slots.storage_readers, self.made("PyList_New", code.word(0)))
            self.put(made, slots.storage_residents, self.made("PyList_New", code.word(0)))
            for slot in (slots.storage_most_readers, slots.storage_prune_above):
                self.put(made, slot, self.owned(code.object(slots.prune_above)))
            self.set(x, slots.handle_storage, made)
        return self.slot(x, "handle_storage")

    # -- The trie --------------------------------------------------------------------------------------------

    def child(self, parts: Sequence[ll.Value]) -> ll.Value:
        """The node behind the edge from where the tape stands whose key are these parts; it must be there."""
        code, builder = self.code, self.code.builder
        key = self.made("PyTuple_New", code.word(len(parts)))
        for k, part in enumerate(parts):
            code.call("PyTuple_SetItem", key, code.word(k), self.owned(part))
        edges = self.slot(self.slot(self.tape, "tape_node"), "node_children")
        node = code.call("PyDict_GetItemWithError", edges, key)
        code.call("Py_DecRef", key)
        with builder.if_then(code.same(node, code.null), likely=False):
            code.call("PyErr_Clear")  # a tuple that was multiplied with, perhaps, and has no hash
        code.require(builder.icmp_unsigned("!=", node, code.null), self.missed)
        return node

    def stand_on(self, node: ll.Value) -> None:
        """Let the tape stand on a node."""
        self.set(self.tape, self.slots.tape_node, self.owned(node))

    # -- Slots and objects -----------------------------------------------------------------------------------

    def slot(self, owner: ll.Value, name: str) -> ll.Value:
        """What a slot holds, borrowed."""
        return self.code.field(owner, offset_of(getattr(self.slots, name)))

    def put(self, owner: ll.Value, slot: Any, value: ll.Value) -> None:
        """Store a reference in an empty slot, which owns it from now on."""
        builder = self.code.builder
        where = builder.gep(owner, [self.code.word(offset_of(slot))], source_etype=BYTE)
        builder.store(value, where)

    def set(self, owner: ll.Value, slot: Any, value: ll.Value) -> None:
        """The same for a slot that holds something, which is let go."""
        before = self.code.field(owner, offset_of(slot))
        self.put(owner, slot, value)
        self.code.call("Py_DecRef", before)

    def new(self, name: str) -> ll.Value:
        """An object of this class with empty slots."""
        return self.made(
            "PyType_GenericAlloc", self.code.object(getattr(self.slots, name)), self.code.word(0)
        )

    def tuple_of(self, name: str, parts: Sequence[ll.Value]) -> ll.Value:
        """A named tuple of this class."""
        kind = self.code.object(getattr(self.slots, name))
        made = self.made("PyType_GenericAlloc", kind, self.code.word(len(parts)))
        for k, part in enumerate(parts):
            where = self.code.builder.gep(made, [self.code.word(TUPLE_ITEMS + 8 * k)], source_etype=BYTE)
            self.code.builder.store(self.owned(part), where)
        return made

    def owned(self, value: ll.Value) -> ll.Value:
        """A reference of one's own to what was borrowed."""
        self.code.call("Py_IncRef", value)
        return value

    def made(self, name: str, *args: ll.Value) -> ll.Value:
        """A new object; without memory for it, what was made so far is lost."""
        return self.code.made(name, *args, otherwise=self.lost)

    def append(self, values: ll.Value, value: ll.Value) -> None:
        """Append to a list."""
        self._succeed(self.code.call("PyList_Append", values, value))

    def put_item(self, values: ll.Value, key: ll.Value, value: ll.Value) -> None:
        """`values[key] = value` in a dict, which takes the reference over."""
        status = self.code.call("PyDict_SetItem", values, key, value)
        self.code.call("Py_DecRef", value)
        self._succeed(status)

    def _succeed(self, status: ll.Value) -> None:
        done = self.code.builder.icmp_unsigned("==", status, ll.Constant(INT, 0))
        self.code.require(done, self.lost)

    def is_none(self, value: ll.Value) -> ll.Value:
        """Whether it is None."""
        return self.code.same(value, self.code.object(None))

    def require_none(self, value: ll.Value) -> None:
        """Go on if it is None."""
        self.code.require(self.is_none(value), self.missed)
