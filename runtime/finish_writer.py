"""Writes the builtin `finish` of `runtime.step`: cut a segment, run its program, give arrays their values.

It does what `Tape.cut` and `Segment.demand` do for a segment that ended like the last one at its node: the
same values alive, on a tape that is neither of a decorated function nor inside another. Until the program has
run, nothing is changed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import llvmlite.ir as ll

from tapejit.runtime.assembler import BIT
from tapejit.runtime.c_api import TUPLE_ITEMS, TYPE, CApi
from tapejit.runtime.record_code import RecordCode
from tapejit.runtime.slot import Slots


class FinishWriter(RecordCode):
    """The builtin under construction."""

    def __init__(self, api: CApi, slots: Slots):
        super().__init__(api, slots, "tapejit_finish")

    def built(self) -> Callable[..., Any]:
        """The builtin function."""
        code = self.code
        self._require_plain_tape()
        node, arguments = self.slot(self.tape, "tape_node"), self.slot(self.tape, "tape_arguments")
        ending = self.slot(node, "node_ending")
        code.require(code.builder.not_(self.is_none(ending)), self.missed)
        self.hold(self.owned(ending))
        live, program, kept, plan, saved = (code.field(ending, TUPLE_ITEMS + 8 * k) for k in range(5))
        handles = self._handles(live)
        results = self._results(program, arguments)
        segment = self._segment(node, kept, plan)
        self._keep_residuals(arguments, saved, results, handles)
        self._settle(segment, live, results, handles)
        self.set(node, self.slots.node_used, self.owned(self.slot(segment, "segment_order")))
        self.put_item(self.slot(self.tape, "tape_history"), node, self.owned(code.object(None)))
        self._restart()
        self.leave(code.object(True))
        return self.finished()

    # -- Before anything is changed --------------------------------------------------------------------------

    def _require_plain_tape(self) -> None:
        """Of a `record()` block of this thread."""
        code, builder = self.code, self.code.builder
        self.require_none(self.slot(self.tape, "tape_cuts"))
        self.require_none(self.slot(self.tape, "tape_parent"))
        thread = self.slot(self.tape, "tape_active")
        with builder.if_then(builder.not_(self.is_none(thread))):
            mine = code.call("PyThread_get_thread_ident")
            same = builder.icmp_unsigned("==", mine, code.call("PyLong_AsUnsignedLongLong", thread))
            code.require(same, self.missed)

    def _handles(self, live: ll.Value) -> ll.Value:
        """The arrays that are alive, in a list: they must be those of `live`, and no views."""
        code, builder = self.code, self.code.builder
        handles = self.hold(self.made("PyList_New", code.word(0)))
        values, expected = self.slot(self.tape, "tape_values"), code.call("PyTuple_Size", live)
        with code.each(code.call("PyList_Size", values)) as i:
            reference = code.call("PyList_GetItem", values, i)
            with builder.if_then(builder.not_(self.is_none(reference))):
                handle = code.call("PyWeakref_GetObject", reference)
                with builder.if_then(self._is_value(handle, i)):
                    self.require_none(self.slot(handle, "handle_view"))
                    count = code.call("PyList_Size", handles)
                    code.require(builder.icmp_unsigned("<", count, expected), self.missed)
                    number = code.call("PyLong_AsLongLong", code.call("PyTuple_GetItem", live, count))
                    code.require(builder.icmp_unsigned("==", number, i), self.missed)
                    self.append(handles, handle)
        found = code.call("PyList_Size", handles)
        code.require(builder.icmp_unsigned("==", found, expected), self.missed)
        return handles

    def _is_value(self, handle: ll.Value, i: ll.Value) -> ll.Value:
        """Whether an array, or None, stands for the value i of the tape."""
        code, builder = self.code, self.code.builder
        found = code.local(BIT, ll.Constant(BIT, 0))
        with builder.if_then(builder.not_(self.is_none(handle))):
            here = code.same(self.slot(handle, "handle_tape"), self.tape)
            number = code.call("PyLong_AsLongLong", self.slot(handle, "handle_index"))
            builder.store(builder.and_(here, builder.icmp_unsigned("==", number, i)), found)
        return builder.load(found, typ=BIT)

    def _results(self, program: ll.Value, arguments: ll.Value) -> ll.Value:
        """What the program gives for the arguments: a list, if it takes them."""
        code = self.code
        given = self.made("PyList_AsTuple", self.slot(arguments, "argument_values"))
        results = code.call("PyObject_CallObject", program, given)
        code.call("Py_DecRef", given)
        code.require(code.builder.icmp_unsigned("!=", results, code.null), self.lost)
        self.hold(results)
        code.require(code.same(code.field(results, TYPE), code.object(list)), self.missed)
        return results

    # -- What it is from now on ------------------------------------------------------------------------------

    def _segment(self, node: ll.Value, kept: ll.Value, plan: ll.Value) -> ll.Value:
        """The segment, which needs no arguments if no derivative can be asked for."""
        code, builder, slots = self.code, self.code.builder, self.slots
        segment = self.hold(self.new("segment_class"))
        none = builder.icmp_unsigned("==", code.call("PySet_Size", kept), code.word(0))
        needed = {
            slots.segment_arguments: (
                code.object(slots.no_arguments),
                self.slot(self.tape, "tape_arguments"),
            ),
            slots.segment_sources: (code.object(slots.no_sources), self.slot(self.tape, "tape_sources")),
        }
        held = {slot: builder.select(none, *pair) for slot, pair in needed.items()}
        held |= {slots.segment_tape: self.tape, slots.segment_node: node}
        held |= {slots.segment_kept: kept, slots.segment_plan: plan}
        for slot, value in held.items():
            self.put(segment, slot, self.owned(value))
        self.put(segment, slots.segment_live, self.made("PyDict_New"))
        self.put(segment, slots.segment_order, self.made("PyIter_Next", code.object(slots.orders)))
        return segment

    def _keep_residuals(
        self, arguments: ll.Value, saved: ll.Value, results: ll.Value, handles: ll.Value
    ) -> None:
        """Behind the arguments; one that the user holds too is protected by its array's storage."""
        code, builder = self.code, self.code.builder
        with code.each(code.call("PyTuple_Size", saved)) as k:
            number = code.call("PyLong_AsLongLong", code.call("PyTuple_GetItem", saved, k))
            data = code.call("PyList_GetItem", results, number)
            shared = builder.icmp_unsigned("<", number, code.call("PyList_Size", handles))
            with builder.if_else(shared) as (is_shared, is_not):
                with is_shared:
                    self.add_array(arguments, data, code.call("PyList_GetItem", handles, number))
                with is_not:
                    self.append(self.slot(arguments, "argument_values"), data)

    def _settle(self, segment: ll.Value, live: ll.Value, results: ll.Value, handles: ll.Value) -> None:
        """Give the arrays their values, and those that are tracked their history."""
        code, builder, slots = self.code, self.code.builder, self.slots
        with code.each(code.call("PyList_Size", handles)) as k:
            handle = code.call("PyList_GetItem", handles, k)
            self.set(handle, slots.handle_elements, self.owned(code.call("PyList_GetItem", results, k)))
            self.set(handle, slots.handle_tape, self.owned(code.object(None)))
            with builder.if_then(code.same(self.slot(handle, "handle_tracked"), code.object(True))):
                parts = (segment, code.call("PyTuple_GetItem", live, k))
                self.set(handle, slots.handle_history, self.tuple_of("history_class", parts))

    def _restart(self) -> None:
        """As `Tape._restart`, but for the trie's own housekeeping, which waits for a new path."""
        code, slots = self.code, self.slots
        code.call("PyDict_Clear", self.slot(self.slot(self.tape, "tape_captured"), "captured_handles"))
        root = self.slot(self.slot(self.tape, "tape_trie"), "trie_root")
        arguments = self.new("arguments_class")
        self.put(arguments, slots.argument_values, self.made("PyList_New", code.word(0)))
        self.put(arguments, slots.argument_storages, self.made("PyDict_New"))
        self.put(arguments, slots.argument_changed, self.owned(code.object(None)))
        self.set(self.tape, slots.tape_node, self.owned(root))
        self.set(self.tape, slots.tape_arguments, arguments)
        self.set(self.tape, slots.tape_values, self.made("PyList_New", code.word(0)))
        self.set(self.tape, slots.tape_sources, self.made("PyDict_New"))
        self.set(self.tape, slots.tape_entered, self.made("PyDict_New"))
