"""Writes an entry (see `runtime.entry`) step by step: check, allocate, run, pack."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any

import llvmlite.ir as ll
import numpy as np

from tapejit.ir.signature import Signature
from tapejit.ir.types import TensorType
from tapejit.runtime.assembler import BYTE, INT, POINTER, WORD, Assembler
from tapejit.runtime.c_api import (
    ALIGNED,
    ARRAY_DATA,
    ARRAY_DTYPE,
    ARRAY_FLAGS,
    ARRAY_NDIM,
    ARRAY_SHAPE,
    C_CONTIGUOUS,
    FLOAT_VALUE,
    TUPLE_ITEMS,
    TYPE,
    WRITEABLE,
    CApi,
)
from tapejit.runtime.entry_plan import (
    Argument,
    Constant,
    EntryPlan,
    Given,
    GivenArray,
    GivenConstant,
    GivenNumber,
    GivenTree,
    Layout,
    Leaf,
    Packed,
)
from tapejit.runtime.loader import NativeProgram

_SCALAR = {
    "f64": ll.DoubleType(),
    "f32": ll.FloatType(),
    "i64": WORD,
    "i32": INT,
    "bool": BYTE,
}
_ENOUGH = C_CONTIGUOUS | ALIGNED
_EQUAL = 2  # CPython's Py_EQ


class EntryWriter:
    """One entry under construction.

    Ways out: `_missed` before anything is allocated; `_undo` gives the arrays back and returns what
    `_outcome` holds; `_failed` goes there, with NULL if a Python exception is set (Ctrl-C).
    """

    def __init__(
        self,
        api: CApi,
        plan: EntryPlan,
        signature: Signature,
        program: NativeProgram,
        runs: ctypes.c_int64,
        releases: bool,
    ):
        self.plan, self.code, self.signature = plan, Assembler(api, "tapejit_entry"), signature
        self._program, self._runs, self._releases = program, runs, releases
        self._homes = plan.homes(signature)  # of results: leaves
        self._laid_out: dict[int, np.ndarray] = {}  # arrays of the trace
        _, self._args, self._count = self.code.function.args
        blocks = [
            self.code.function.append_basic_block(name) for name in ("missed", "failed", "undo", "lost")
        ]
        self._missed, self._failed, self._undo, self._lost = blocks
        self._leaves: list[tuple[ll.Value, Leaf]] = []  # of the arguments, as they are checked
        self._outcome = self.code.local(POINTER, self.code.object(plan.missed))
        self._boxed = [self._is_boxed(slot, t) for slot, t in enumerate(signature.results)]
        self._arrays = [self.code.local(POINTER, self.code.null) for boxed in self._boxed if boxed]

    def built(self, keep: Any) -> Callable[..., Any]:
        """The builtin function, which keeps `keep` alive."""
        for condition in self.plan.conditions:
            self.code.require(condition.emit(self.code), self._missed)
        self._check_arguments()
        self._check_written()
        outs = self._allocated()
        self._run(outs)
        self._count_run()
        self._return(outs)
        self._write_exits()
        built: Callable[..., Any] = self.code.finish(keep)
        return built

    # -- Check -------------------------------------------------------------------------------------------

    def _check_arguments(self) -> None:
        code = self.code
        count = code.word(len(self.plan.given))
        code.require(code.builder.icmp_unsigned("==", self._count, count), self._missed)
        for position, given in enumerate(self.plan.given):
            self._check(code.field(self._args, 8 * position), given)

    def _check(self, x: ll.Value, given: Given) -> None:
        """Go on if `x` is as given, its leaves known from now on."""
        code = self.code
        if isinstance(given, GivenTree):
            return self._check_tree(x, given)
        if isinstance(given, GivenNumber):
            return self._leaves.append((self._number(x, given.fraction), given))
        self._leaves.append((x, given))
        if isinstance(given, GivenArray):
            return self._check_array(x, given.type)
        if isinstance(given, GivenConstant):
            return code.require(code.same(x, code.object(given.value)), self._missed)
        return code.require(self._is_float(x, given.plain), self._missed)

    def _check_tree(self, x: ll.Value, tree: GivenTree) -> None:
        code, name = self.code, tree.kind.__name__.capitalize()
        code.require(code.same(code.field(x, TYPE), code.object(tree.kind)), self._missed)
        size = code.call(f"Py{name}_Size", x)
        code.require(code.builder.icmp_unsigned("==", size, code.word(len(tree.items))), self._missed)
        if tree.kind is dict:
            values = self._values(x, tree.order)
            items = [values[key] for key in tree.keys]
        else:
            items = [code.call(f"Py{name}_GetItem", x, code.word(k)) for k in range(len(tree.items))]
        for item, given in zip(items, tree.items, strict=True):
            self._check(item, given)

    def _values(self, x: ll.Value, order: Sequence[Hashable]) -> dict[Hashable, ll.Value]:
        """The values of a dict by their keys, which have to come in this order."""
        code, builder = self.code, self.code.builder
        place, key, value = code.local(WORD, code.word(0)), code.local(POINTER), code.local(POINTER)
        values = {}
        for expected in order:
            code.call("PyDict_Next", x, place, key, value)
            self._require_equal(builder.load(key, typ=POINTER), expected)
            values[expected] = builder.load(value, typ=POINTER)
        return values

    def _require_equal(self, key: ll.Value, expected: Hashable) -> None:
        code, builder = self.code, self.code.builder
        found = code.call("PyObject_RichCompareBool", key, code.object(expected), ll.Constant(INT, _EQUAL))
        equal = builder.icmp_signed("==", found, ll.Constant(INT, 1))
        with builder.if_then(builder.not_(equal), likely=False):
            code.call("PyErr_Clear")  # a comparison that fails tells nothing
        code.require(equal, self._missed)

    def _is_float(self, x: ll.Value, plain: bool) -> ll.Value:
        kind = self.code.field(x, TYPE)
        found = self.code.same(kind, self.code.object(float))
        if plain:
            return found
        return self.code.builder.or_(found, self.code.same(kind, self.code.object(np.float64)))

    def _number(self, x: ll.Value, fraction: bool) -> ll.Value:
        """A Python number in a register; one that does not fit is not taken."""
        code, builder = self.code, self.code.builder
        kind = code.field(x, TYPE)
        known = code.same(kind, code.object(int))
        if fraction:
            known = builder.or_(code.same(kind, code.object(float)), known)
        code.require(known, self._missed)
        return code.number("PyFloat_AsDouble" if fraction else "PyLong_AsLongLong", x, self._missed)

    def _check_array(self, x: ll.Value, type_: TensorType) -> None:
        code, builder = self.code, self.code.builder
        code.require(code.same(code.field(x, TYPE), code.object(np.ndarray)), self._missed)
        flags = builder.and_(code.field(x, ARRAY_FLAGS, INT), ll.Constant(INT, _ENOUGH))
        fits = [
            code.same(code.field(x, ARRAY_DTYPE), code.object(type_.numpy_dtype)),
            builder.icmp_unsigned("==", code.field(x, ARRAY_NDIM, INT), ll.Constant(INT, type_.rank)),
            builder.icmp_unsigned("==", flags, ll.Constant(INT, _ENOUGH)),
        ]
        code.require(code.all(*fits), self._missed)
        if type_.rank:
            shape = code.field(x, ARRAY_SHAPE)
            extents = [code.field(shape, 8 * k, WORD) for k in range(type_.rank)]
            pairs = zip(extents, type_.shape, strict=True)
            equal = [builder.icmp_unsigned("==", extent, code.word(n)) for extent, n in pairs]
            code.require(code.all(*equal), self._missed)

    def _check_written(self) -> None:
        """Go on if the arrays that are written to may be, and nothing else is in their memory."""
        code = self.code
        extents = {
            k: self._extent(k) for k, (_, given) in enumerate(self._leaves) if isinstance(given, GivenArray)
        }
        for position in dict.fromkeys(self._homes.values()):
            flags = code.field(self._leaves[position][0], ARRAY_FLAGS, INT)
            writeable = code.builder.and_(flags, ll.Constant(INT, WRITEABLE))
            code.require(code.builder.icmp_unsigned("!=", writeable, ll.Constant(INT, 0)), self._missed)
            begin, end = extents[position]
            others = [extent for k, extent in extents.items() if k != position]
            for first, last in (*others, *self._constant_extents()):
                before = code.builder.icmp_unsigned("<=", end, first)
                behind = code.builder.icmp_unsigned("<=", last, begin)
                code.require(code.builder.or_(before, behind), self._missed)

    def _extent(self, position: int) -> tuple[ll.Value, ll.Value]:
        """Where the memory of an array among the leaves begins and ends."""
        x, given = self._leaves[position]
        assert isinstance(given, GivenArray)
        begin = self.code.builder.ptrtoint(self.code.field(x, ARRAY_DATA), WORD)
        return begin, self.code.builder.add(begin, self.code.word(given.type.nbytes))

    def _constant_extents(self) -> Iterator[tuple[ll.Value, ll.Value]]:
        """The same of the arrays of the trace."""
        word = self.code.word
        for source, type_, plain in self._parameters():
            if isinstance(source, Constant) and not plain and type_.size:
                address = self._constant(source, type_).ctypes.data
                yield word(address), word(address + type_.nbytes)

    # -- Allocate and run --------------------------------------------------------------------------------

    def _is_boxed(self, slot: int, result: TensorType) -> bool:
        """Whether a result is made as an array."""
        return slot not in self._homes and (bool(result.rank) or not self.plan.scalars)

    def _allocated(self) -> list[ll.Value]:
        """Per result the address of its elements: of an array, or of a variable for a single number."""
        slots = iter(self._arrays)
        return [
            self.code.field(self._leaves[self._homes[slot]][0], ARRAY_DATA)
            if slot in self._homes
            else self._new_array(t, next(slots))
            if self._boxed[slot]
            else self.code.local(_SCALAR[t.dtype])
            for slot, t in enumerate(self.signature.results)
        ]

    def _new_array(self, type_: TensorType, slot: ll.Value) -> ll.Value:
        code, shape = self.code, np.array(type_.shape, np.intp)
        code.object(shape)
        dtype = code.object(type_.numpy_dtype)
        code.call("Py_IncRef", dtype)  # the next call takes a reference away
        rank, in_c_order = ll.Constant(INT, type_.rank), ll.Constant(INT, 0)
        array = code.call("PyArray_Empty", rank, code.pointer(shape.ctypes.data), dtype, in_c_order)
        code.builder.store(array, slot)
        code.require(code.builder.icmp_unsigned("!=", array, code.null), self._failed)
        return code.field(array, ARRAY_DATA)

    def _run(self, outs: Sequence[ll.Value]) -> None:
        code, signature = self.code, self.signature
        operands = [code.local(POINTER), code.local(POINTER)]  # for Numba's result and exception
        operands += map(code.word, self._program.head)
        for source, type_, plain in self._parameters():
            operands += self._operand(source, type_, plain)
        for out, type_ in zip(outs, signature.results, strict=True):
            operands += self._array(out, type_)
        kind = ll.FunctionType(INT, [x.type for x in operands])
        state = code.call("PyEval_SaveThread") if self._releases else None
        status = code.call_at("program", self._program.address, kind, operands)
        if state is not None:
            code.call("PyEval_RestoreThread", state)
        code.require(code.builder.icmp_unsigned("==", status, ll.Constant(INT, 0)), self._failed)
        if self.plan.guarded:
            holds = code.builder.load(outs[0], typ=BYTE)
            code.require(code.builder.icmp_unsigned("!=", holds, ll.Constant(BYTE, 0)), self._undo)

    def _parameters(self) -> Iterator[tuple[Argument | Constant, TensorType, bool]]:
        """What each parameter of the program is, its type, and whether it is passed by value."""
        return zip(self.plan.sources, self.signature.params, self.signature.by_value, strict=True)

    def _operand(self, source: Argument | Constant, type_: TensorType, plain: bool) -> list[ll.Value]:
        """A parameter of the program, as Numba passes it."""
        if isinstance(source, Argument):
            return self._passed(source.position, type_, plain)
        array = self._constant(source, type_)
        if plain:
            number = array.item()
            return [ll.Constant(_SCALAR[type_.dtype], int(number) if type_.dtype == "bool" else number)]
        return self._array(self.code.pointer(array.ctypes.data), type_)

    def _constant(self, source: Constant, type_: TensorType) -> np.ndarray:
        """An array of the trace in the layout that programs take, kept alive."""
        array = self._laid_out.get(id(source))
        if array is None:
            array = self._laid_out[id(source)] = np.require(source.value, type_.numpy_dtype, ("C", "A"))
            self.code.object(array)
        return array

    def _passed(self, position: int, type_: TensorType, plain: bool) -> list[ll.Value]:
        code, (x, given) = self.code, self._leaves[position]
        if isinstance(given, GivenArray):
            return self._array(code.field(x, ARRAY_DATA), type_)
        number = x if isinstance(given, GivenNumber) else code.field(x, FLOAT_VALUE, _SCALAR["f64"])
        if type_.dtype == "f32":
            number = code.builder.fptrunc(number, _SCALAR["f32"])
        return [number] if plain else self._array(code.local(number.type, number), type_)

    def _array(self, data: ll.Value, type_: TensorType) -> list[ll.Value]:
        """Numba's struct of an array: no owner, its length, the size of an element, data, shape, strides."""
        word, size = self.code.word, type_.numpy_dtype.itemsize
        strides = [size * math.prod(type_.shape[k + 1 :]) for k in range(type_.rank)]
        lengths = [word(n) for n in (*type_.shape, *strides)]
        return [self.code.null, self.code.null, word(type_.size), word(size), data, *lengths]

    def _count_run(self) -> None:
        self.code.object(self._runs)
        where, builder = self.code.pointer(ctypes.addressof(self._runs)), self.code.builder
        builder.store(builder.add(builder.load(where, typ=WORD), self.code.word(1)), where)

    # -- Return ------------------------------------------------------------------------------------------

    def _return(self, outs: Sequence[ll.Value]) -> None:
        slots, first = iter(self._arrays), int(self.plan.guarded)
        arrays = [
            self.code.builder.load(next(slots), typ=POINTER) if boxed else None for boxed in self._boxed
        ]
        used: set[int] = set()
        found = self._packed(self.plan.layout, arrays[first:], outs[first:], used)
        for number, array in enumerate(arrays[first:]):
            if array is not None and number not in used:
                self.code.call("Py_DecRef", array)
        self.code.builder.ret(found)

    def _packed(
        self, layout: Layout, arrays: Sequence[ll.Value | None], outs: Sequence[ll.Value], used: set[int]
    ) -> ll.Value:
        """A new reference to the result of this layout."""
        if isinstance(layout, Packed):
            items = [self._packed(item, arrays, outs, used) for item in layout.items]
            return self._collected(layout, items)
        if isinstance(layout, Constant):
            return self.code.owned(layout.value)
        array, slot = arrays[layout], layout + int(self.plan.guarded)
        if slot in self._homes:
            given = self._leaves[self._homes[slot]][0]
            self.code.call("Py_IncRef", given)
            return given
        if array is None:
            dtype = self.code.object(self.signature.results[slot].numpy_dtype)
            return self._made("PyArray_Scalar", outs[layout], dtype, self.code.null)
        if layout in used:
            self.code.call("Py_IncRef", array)
        used.add(layout)
        return array

    def _collected(self, layout: Packed, items: Sequence[ll.Value]) -> ll.Value:
        """A new dict, list or tuple, which takes over the references to its items."""
        code, name = self.code, layout.kind.__name__.capitalize()
        if layout.kind is dict:
            made = self._made("PyDict_New")
            for key, item in zip(layout.keys, items, strict=True):
                code.call("PyDict_SetItem", made, code.object(key), item)
                code.call("Py_DecRef", item)
            return made
        made = self._made(f"Py{name}_New", code.word(len(items)))
        for k, item in enumerate(items):
            if layout.kind is tuple:
                code.put(made, TUPLE_ITEMS + 8 * k, item)
            else:
                code.call(f"Py{name}_SetItem", made, code.word(k), item)
        return made

    def _made(self, name: str, *args: ll.Value) -> ll.Value:
        """A new object; without memory for it, what was made so far is lost."""
        return self.code.made(name, *args, otherwise=self._lost)

    def _write_exits(self) -> None:
        code, builder = self.code, self.code.builder
        builder.position_at_end(self._lost)
        builder.ret(code.null)
        builder.position_at_end(self._failed)
        unset = code.same(code.call("PyErr_Occurred"), code.null)
        builder.store(builder.select(unset, code.object(self.plan.missed), code.null), self._outcome)
        builder.branch(self._undo)
        builder.position_at_end(self._undo)
        for slot in self._arrays:
            code.call("Py_DecRef", builder.load(slot, typ=POINTER))
        outcome = builder.load(self._outcome, typ=POINTER)
        code.call("Py_IncRef", outcome)
        builder.ret(outcome)
        builder.position_at_end(self._missed)
        missed = code.object(self.plan.missed)
        code.call("Py_IncRef", missed)
        builder.ret(missed)
