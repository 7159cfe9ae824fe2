"""Writes the C function of a builtin that calls a program, as LLVM IR in the program's module.

Numba writes such a wrapper too, for any types and with every check, as a module of its own that keeps LLVM
busy for as long as a small program. Here it is a few instructions per argument. Arrays are read where NumPy
keeps their fields; shape and strides are not passed on: emitted source knows them. Start with `write`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

import llvmlite.ir as ll
from numba.core import types
from numba.core.cgutils import get_or_insert_function
from numba.np.numpy_support import as_dtype

from tapejit.runtime.c_api import ARRAY_DATA, ARRAY_SHAPE

_BYTE, _INT, _WORD, _DOUBLE = ll.IntType(8), ll.IntType(32), ll.IntType(64), ll.DoubleType()
_POINTER = _BYTE.as_pointer()
_FAILED = -1  # Numba's code for: a Python exception is set


def write(name: str, function: Any, kinds: Sequence[Any]) -> None:
    """Add to the module of a function of Numba's convention the C function of a builtin that calls it."""
    entry = ll.Function(function.module, ll.FunctionType(_POINTER, [_POINTER, _POINTER]), name)
    _Wrapper(entry, function, kinds).write()


class _Wrapper:
    """The C function under construction."""

    def __init__(self, entry: Any, function: Any, kinds: Sequence[Any]):
        self._entry, self._function, self._kinds = entry, function, kinds
        self._builder = ll.IRBuilder(entry.append_basic_block("entry"))
        self._miscounted, self._raised = map(entry.append_basic_block, ("miscounted", "raised"))
        self._null = ll.Constant(_POINTER, None)

    def write(self) -> None:
        objects = self._objects()
        words = [word for x, kind in zip(objects, self._kinds, strict=True) for word in self._words(x, kind)]
        if not all(isinstance(kind, types.Array) for kind in self._kinds):
            occurred = self._call("PyErr_Occurred", _POINTER)
            self._require("==", occurred, self._null, self._raised)
        self._return(*self._run(words))
        self._builder.position_at_end(self._miscounted)
        self._call("PyErr_BadArgument", _INT)
        self._builder.branch(self._raised)
        self._builder.position_at_end(self._raised)
        self._builder.ret(self._null)

    def _objects(self) -> list[Any]:
        """The arguments, as many as there must be."""
        given, count = self._entry.args[1], len(self._kinds)
        self._require("==", self._call("PyTuple_Size", _WORD, given), _WORD(count), self._miscounted)
        return [self._item(given, k) for k in range(count)]

    def _words(self, x: Any, kind: Any) -> list[Any]:
        """An argument as Numba's convention has it."""
        match kind:
            case types.Array():
                return self._array(x, kind)
            case types.Float():
                return [self._call("PyFloat_AsDouble", _DOUBLE, x)]
            case types.Complex():
                return self._parts(x)
            case types.Boolean():
                return [self._call("PyObject_IsTrue", _INT, x)]
            case _:
                return [self._call("PyLong_AsLongLong", _WORD, x)]

    def _parts(self, x: Any) -> list[Any]:
        """Those of what Python's `complex` makes of an object, as NumPy's need."""
        python = self._global("PyComplex_Type")
        number = self._call("PyObject_CallOneArg", _POINTER, python, x)
        self._require("!=", number, self._null, self._raised)
        parts = [self._call(f"PyComplex_{part}AsDouble", _DOUBLE, number) for part in ("Real", "Imag")]
        self._call("Py_DecRef", ll.VoidType(), number)
        return parts

    def _array(self, x: Any, kind: Any) -> list[Any]:
        """No owner, the number of elements, the size of one, where they are; no shape, no strides."""
        size = _WORD(1)
        if kind.ndim:
            shape = self._field(x, ARRAY_SHAPE, _WORD.as_pointer())
            extents = (self._builder.gep(shape, [_WORD(k)]) for k in range(kind.ndim))
            size = reduce(self._builder.mul, map(self._builder.load, extents))
        itemsize = _WORD(as_dtype(kind.dtype).itemsize)
        head = [self._null, self._null, size, itemsize, self._field(x, ARRAY_DATA)]
        return [*head, *(_WORD(0) for _ in range(2 * kind.ndim))]

    def _run(self, words: Sequence[Any]) -> tuple[Any, Any]:
        """Call without the lock; the status, and the place of the description of an exception."""
        result, excinfo, *expected = self._function.function_type.args
        slots = [self._builder.alloca(kind.pointee) for kind in (result, excinfo)]
        passed = [self._as(word, kind) for word, kind in zip(words, expected, strict=True)]
        state = self._call("PyEval_SaveThread", _POINTER)
        # A copy of the program put in place of the call might round in another way than the program does.
        status = self._builder.call(self._function, [*slots, *passed], attrs=("noinline",))
        self._call("PyEval_RestoreThread", ll.VoidType(), state)
        return status, slots[1]

    def _return(self, status: Any, excinfo: Any) -> None:
        """None, or the exception that happened."""
        builder = self._builder
        self._require("!=", status, _INT(_FAILED), self._raised)
        described = self._entry.append_basic_block("described")
        self._require("==", status, _INT(0), described)
        nothing = self._global("_Py_NoneStruct")
        self._call("Py_IncRef", ll.VoidType(), nothing)
        builder.ret(nothing)
        builder.position_at_end(described)
        place = self._call("PyLong_FromVoidPtr", _POINTER, self._as(builder.load(excinfo), _POINTER))
        raising = self._item(self._item(self._entry.args[0], 1), 0)  # of what `made` keeps
        builder.ret(self._call("PyObject_CallOneArg", _POINTER, raising, place))

    def _as(self, x: Any, kind: Any) -> Any:
        """A pointer or number in the type in which it is passed."""
        if x.type == kind:
            return x
        if isinstance(kind, ll.PointerType):
            return self._builder.bitcast(x, kind)
        return self._builder.fptrunc(x, kind) if x.type == _DOUBLE else self._builder.trunc(x, kind)

    def _item(self, given: Any, k: int) -> Any:
        return self._call("PyTuple_GetItem", _POINTER, given, _WORD(k))

    def _field(self, x: Any, offset: int, kind: Any = _POINTER) -> Any:
        place = self._builder.gep(x, [_WORD(offset)])
        return self._builder.load(self._builder.bitcast(place, kind.as_pointer()))

    def _require(self, relation: str, x: Any, y: Any, otherwise: Any) -> None:
        """Go on where `x` and `y` are so related, else at the block `otherwise`."""
        on = self._entry.append_basic_block()
        self._builder.cbranch(self._builder.icmp_signed(relation, x, y), on, otherwise)
        self._builder.position_at_end(on)

    def _global(self, name: str) -> Any:
        module = self._entry.module
        return module.globals.get(name) or ll.GlobalVariable(module, _BYTE, name)

    def _call(self, name: str, result: Any, *operands: Any) -> Any:
        kind = ll.FunctionType(result, [x.type for x in operands])
        return self._builder.call(get_or_insert_function(self._entry.module, kind, name), operands)
