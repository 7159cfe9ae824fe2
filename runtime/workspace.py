"""The memory that programs borrow for a call: kept from call to call, shared by all programs and threads.

`borrow(bytes)` takes one of a few kept pieces that is large enough, else asks the allocator. `give_back`
keeps the piece, if there is room and it is not huge. Pieces are taken and put with one atomic exchange each,
so that no thread waits and no two get the same. A program that ends with an error does not give back: its
piece is lost, not lent again.
"""

from __future__ import annotations

import ctypes
from typing import Any

from tapejit.runtime.piece import BORROW, CAPACITY, GIVE_BACK, PIECES


class Workspace:
    """The kept pieces. Once prepared it lives as long as the process, for programs hold its address."""

    def __init__(self) -> None:
        self._slots = (ctypes.c_int64 * PIECES)()  # an address each, or 0
        self._code: Any = None

    def prepare(self) -> None:
        """Have `borrow` and `give_back` known to programs."""
        if self._code is None:
            from tapejit.runtime.lending import compiled_lending  # llvmlite: not at import time

            self._code = compiled_lending(ctypes.addressof(self._slots))
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(self))  # never given back

    def clear(self) -> None:
        """Free what is kept and not lent."""
        if self._code is not None:
            self._code.clear()

    def kept(self) -> int:
        """How many bytes are kept. For when no program runs: else what is read may just be lent and freed."""
        return sum(ctypes.c_int64.from_address(piece - CAPACITY).value for piece in self._slots if piece)


def borrow() -> Any:
    """`borrow(bytes)`: the address of so much memory; MemoryError if there is none."""
    import llvmlite.ir as ll
    from numba import types
    from numba.core import cgutils
    from numba.extending import intrinsic

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        word = ll.IntType(64)
        kind = ll.FunctionType(word, [word])
        found = builder.call(cgutils.get_or_insert_function(builder.module, kind, BORROW), arguments)
        with cgutils.if_unlikely(builder, builder.icmp_unsigned("==", found, word(0))):
            context.call_conv.return_user_exc(builder, MemoryError, ("no memory for temporaries",))
        return builder.inttoptr(found, ll.IntType(8).as_pointer())

    def borrow(context: Any, size: Any) -> Any:
        return types.voidptr(types.int64), generate

    return intrinsic(borrow)


def give_back() -> Any:
    """`give_back(work)`: what was borrowed may be lent again."""
    import llvmlite.ir as ll
    from numba import types
    from numba.core import cgutils
    from numba.extending import intrinsic

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        word = ll.IntType(64)
        kind = ll.FunctionType(ll.VoidType(), [word])
        give = cgutils.get_or_insert_function(builder.module, kind, GIVE_BACK)
        builder.call(give, [builder.ptrtoint(arguments[0], word)])
        return context.get_dummy_value()

    def give_back(context: Any, work: Any) -> Any:
        return types.void(types.voidptr), generate

    return intrinsic(give_back)


def row_of() -> Any:
    """`row_of(work, begin, size, dtype)`: a row of elements that begins so many bytes behind `work`."""
    from numba import types
    from numba.core import cgutils
    from numba.extending import intrinsic

    def row_of(context: Any, work: Any, begin: Any, size: Any, dtype: Any) -> Any:
        row = types.Array(dtype.dtype, 1, "C")

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            pointer, first, count, _ = arguments
            array = context.make_array(row)(context, builder)
            data = builder.bitcast(builder.gep(pointer, [first]), array.data.type)
            width = context.get_constant(types.intp, context.get_abi_sizeof(context.get_data_type(row.dtype)))
            context.populate_array(
                array,
                data=data,
                shape=cgutils.pack_array(builder, [count]),
                strides=cgutils.pack_array(builder, [width]),
                itemsize=width,
                meminfo=None,
            )
            return array._getvalue()

        return row(types.voidptr, types.int64, types.int64, dtype), generate

    return intrinsic(row_of)
