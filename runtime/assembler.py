"""Machine code that CPython calls as a builtin function, written in LLVM IR.

An `Assembler` holds the function under construction. Python objects are constants in it: their addresses,
which stay right because the finished builtin keeps the objects alive. Start at `Assembler.finish`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import llvmlite.binding as llvm
import llvmlite.ir as ll

from tapejit.runtime.c_api import CELL_CONTENTS, CApi

BIT, BYTE, INT, WORD, POINTER = ll.IntType(1), ll.IntType(8), ll.IntType(32), ll.IntType(64), ll.PointerType()
C_FUNCTIONS = {
    "PyDict_GetItemWithError": (POINTER, POINTER, POINTER),
    "PyFunction_GetCode": (POINTER, POINTER),
    "PyFunction_GetDefaults": (POINTER, POINTER),
    "PyObject_CallNoArgs": (POINTER, POINTER),
    "PyDict_New": (POINTER,),
    "PyDict_Next": (INT, POINTER, POINTER, POINTER, POINTER),
    "PyDict_SetItem": (INT, POINTER, POINTER, POINTER),
    "PyDict_Size": (WORD, POINTER),
    "PyList_New": (POINTER, WORD),
    "PyList_SetItem": (INT, POINTER, WORD, POINTER),
    "PyList_Size": (WORD, POINTER),
    "PyList_GetItem": (POINTER, POINTER, WORD),
    "PyList_AsTuple": (POINTER, POINTER),
    "PyDict_Clear": (ll.VoidType(), POINTER),
    "PySet_Contains": (INT, POINTER, POINTER),
    "PySet_Size": (WORD, POINTER),
    "PyIter_Next": (POINTER, POINTER),
    "PyObject_RichCompareBool": (INT, POINTER, POINTER, INT),
    "PyObject_GetAttr": (POINTER, POINTER, POINTER),
    "PyObject_Vectorcall": (POINTER, POINTER, POINTER, WORD, POINTER),
    "PyMethod_New": (POINTER, POINTER, POINTER),
    "PyObject_CallObject": (POINTER, POINTER, POINTER),
    "PyThread_get_thread_ident": (WORD,),
    "PyThreadState_GetDict": (POINTER,),
    "PyLong_AsUnsignedLongLong": (WORD, POINTER),
    "PyWeakref_GetObject": (POINTER, POINTER),
    "PyTuple_New": (POINTER, WORD),
    "PyTuple_SetItem": (INT, POINTER, WORD, POINTER),
    "PyTuple_Size": (WORD, POINTER),
    "PyTuple_GetItem": (POINTER, POINTER, WORD),
    "PyFloat_AsDouble": (ll.DoubleType(), POINTER),
    "PyLong_AsLongLong": (WORD, POINTER),
    "PyLong_FromVoidPtr": (POINTER, POINTER),
    "PyLong_FromSsize_t": (POINTER, WORD),
    "PyList_Append": (INT, POINTER, POINTER),
    "PyType_GenericAlloc": (POINTER, POINTER, WORD),
    "PyWeakref_NewRef": (POINTER, POINTER, POINTER),
    "PyErr_Clear": (ll.VoidType(),),
    "PyErr_Occurred": (POINTER,),
    "PyEval_SaveThread": (POINTER,),
    "PyEval_RestoreThread": (ll.VoidType(), POINTER),
    "Py_IncRef": (ll.VoidType(), POINTER),
    "Py_DecRef": (ll.VoidType(), POINTER),
    "PyArray_Empty": (POINTER, INT, POINTER, POINTER, INT),
    "PyArray_Scalar": (POINTER, POINTER, POINTER, POINTER),
}


class Assembler:
    """One builtin function `name(*args)` under construction; `builder` stands at its end.

    With `keywords` it is given the names of the last arguments too, in a tuple, or null.
    """

    def __init__(self, api: CApi, name: str, keywords: bool = False):
        self._api, self._name = api, name
        self._module = ll.Module(name)
        self._addresses: dict[str, int] = {}
        self._kept: list[Any] = []
        kinds = [POINTER, POINTER, WORD, *([POINTER] if keywords else [])]
        self.function = ll.Function(self._module, ll.FunctionType(POINTER, kinds), name)
        self.builder = ll.IRBuilder(self.function.append_basic_block("entry"))
        self.null = ll.Constant(POINTER, None)

    # -- Values ------------------------------------------------------------------------------------------

    def object(self, x: Any) -> ll.Value:
        """A Python object, as a borrowed reference."""
        self._kept.append(x)
        return self.pointer(id(x))

    def owned(self, x: Any) -> ll.Value:
        """The same as a new reference."""
        self.call("Py_IncRef", self.object(x))
        return self.object(x)

    def pointer(self, address: int) -> ll.Value:
        """A constant address."""
        return ll.Constant(WORD, address).inttoptr(POINTER)

    def word(self, number: int) -> ll.Value:
        """A constant of 64 bits."""
        return ll.Constant(WORD, number)

    def field(self, pointer: ll.Value, offset: int, kind: ll.Type = POINTER) -> ll.Value:
        """What lies `offset` bytes behind a pointer."""
        where = self.builder.gep(pointer, [self.word(offset)], source_etype=BYTE)
        return self.builder.load(where, typ=kind)

    def put(self, pointer: ll.Value, offset: int, value: ll.Value) -> None:
        """Write a value `offset` bytes behind a pointer."""
        where = self.builder.gep(pointer, [self.word(offset)], source_etype=BYTE)
        self.builder.store(value, where)

    def local(self, kind: ll.Type, initial: ll.Value | None = None) -> ll.Value:
        """The address of a variable of the function."""
        with self.builder.goto_entry_block():
            slot = self.builder.alloca(kind)
            slot.align = 16
        if initial is not None:
            self.builder.store(initial, slot)
        return slot

    # -- Questions ---------------------------------------------------------------------------------------

    def same(self, x: ll.Value, y: ll.Value) -> ll.Value:
        """Whether two pointers are equal."""
        return self.builder.icmp_unsigned("==", x, y)

    def all(self, *bits: ll.Value) -> ll.Value:
        """Whether all of these hold."""
        found = ll.Constant(BIT, 1)
        for bit in bits:
            found = self.builder.and_(found, bit)
        return found

    def item(self, namespace: dict[str, Any], name: str) -> ll.Value:
        """`namespace[name]`, borrowed; null if there is none."""
        return self.call("PyDict_GetItemWithError", self.object(namespace), self.object(name))

    def cell_contents(self, cell: Any) -> ll.Value:
        """What a closure cell holds, borrowed; null if it is empty."""
        return self.field(self.object(cell), CELL_CONTENTS)

    def asked(self, question: Callable[[], bool]) -> ll.Value:
        """Whether a Python function says True; an exception is a no."""
        answer = self.call("PyObject_CallNoArgs", self.object(question))
        with self.builder.if_then(self.same(answer, self.null), likely=False):
            self.call("PyErr_Clear")
        self.call("Py_DecRef", self.builder.select(self.same(answer, self.null), self.object(None), answer))
        return self.same(answer, self.object(True))

    def require(self, bit: ll.Value, otherwise: ll.Block) -> None:
        """Go on where `bit` holds, else at the block `otherwise`."""
        going_on = self.function.append_basic_block()
        self.builder.cbranch(bit, going_on, otherwise).set_weights([1000, 1])
        self.builder.position_at_end(going_on)

    @contextmanager
    def each(self, count: ll.Value) -> Iterator[ll.Value]:
        """A loop whose body is written inside: the number of its round, from 0 on."""
        builder, before = self.builder, self.builder.block
        body, after = (self.function.append_basic_block() for _ in range(2))
        builder.cbranch(builder.icmp_unsigned("!=", count, self.word(0)), body, after)
        builder.position_at_end(body)
        number = builder.phi(WORD)
        number.add_incoming(self.word(0), before)
        yield number
        following = builder.add(number, self.word(1))
        number.add_incoming(following, builder.block)
        builder.cbranch(builder.icmp_unsigned("<", following, count), body, after)
        builder.position_at_end(after)

    # -- Calls -------------------------------------------------------------------------------------------

    def call(self, name: str, *args: ll.Value) -> ll.Value:
        """Call a C function of CPython or NumPy."""
        result, *kinds = C_FUNCTIONS[name]
        return self.call_at(name, self._api.address(name), ll.FunctionType(result, kinds), args)

    def made(self, name: str, *args: ll.Value, otherwise: ll.Block) -> ll.Value:
        """A new object by a C function; on at `otherwise` if there is no memory for it."""
        made = self.call(name, *args)
        self.require(self.builder.icmp_unsigned("!=", made, self.null), otherwise)
        return made

    def number(self, name: str, x: ll.Value, otherwise: ll.Block) -> ll.Value:
        """A Python number by a C function that converts it; on at `otherwise` if it does not fit."""
        number = self.call(name, x)
        fits = self.same(self.call("PyErr_Occurred"), self.null)
        with self.builder.if_then(self.builder.not_(fits), likely=False):
            self.call("PyErr_Clear")
        self.require(fits, otherwise)
        return number

    def call_at(self, name: str, address: int, kind: ll.FunctionType, args: Sequence[ll.Value]) -> ll.Value:
        """Call the C function at an address, under a name of its own."""
        self._addresses[name] = address
        known = self._module.globals.get(name)
        return self.builder.call(known or ll.Function(self._module, kind, name), list(args))

    def finish(self, *keep: Any) -> Any:
        """The builtin; it keeps alive what its code points to, and `keep`."""
        engine, code = self._compiled()
        return self._api.builtin(self._name, code, (engine, self._kept, keep))

    def finish_method(self, kind: type, name: str) -> Any:
        """The function, which takes keywords, as a method of this class; it is never freed."""
        engine, code = self._compiled()
        return self._api.method(kind, name, code, (engine, self._kept))

    def _compiled(self) -> tuple[llvm.ExecutionEngine, int]:
        engine = _engine(str(self._module), self._addresses)
        return engine, engine.get_function_address(self._name)


def _engine(text: str, addresses: dict[str, int]) -> llvm.ExecutionEngine:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    module = llvm.parse_assembly(text)
    machine = llvm.Target.from_default_triple().create_target_machine(opt=2)
    engine = llvm.create_mcjit_compiler(module, machine)
    for name, address in addresses.items():
        engine.add_global_mapping(module.get_function(name), address)
    engine.finalize_object()
    return engine
