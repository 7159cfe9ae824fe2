"""The memory that a function makes while it runs: on the stack where it is small, else from the allocator.

What came from the allocator hangs on a chain and is freed wherever the function ends, with an error or
without. Nothing is freed before: rows of emitted source change hands freely. Start with `Allocations.row`.
"""

from __future__ import annotations

from typing import Any

import llvmlite.ir as ll
from numba.core import cgutils

from tapejit.runtime.operand import Row

ON_STACK = 2048  # bytes of a row
STACK = 32768  # bytes of all rows of a function there
ALIGNED = 64  # a cache line, which begins with the link of the chain
_BYTE, _WORD = ll.IntType(8), ll.IntType(64)
_POINTER = _BYTE.as_pointer()


class Allocations:
    """Those of one function."""

    def __init__(self, context: Any, builder: Any):
        self._context, self._builder = context, builder
        self._stack = 0
        self._chain: Any = None  # a variable: the latest piece

    def row(self, dtype: Any, count: Any) -> Row:
        """A row of so many elements of a type, with any values; MemoryError if there is no memory."""
        kind = self._context.get_data_type(dtype)
        width = self._context.get_abi_sizeof(kind)
        size = width * count.constant if isinstance(count, ll.Constant) else None
        if size is not None and size <= ON_STACK and self._stack + size <= STACK:
            self._stack += size
            return Row(dtype, self._on_stack(kind, count.constant), count)
        found = self._allocated(self._builder.mul(count, _WORD(width)))
        return Row(dtype, self._builder.bitcast(found, kind.as_pointer()), count)

    def freed_at_exits(self) -> None:
        """Before each return of the finished function free the chain."""
        if self._chain is None:
            return
        free = self._freeing(self._builder.module)
        for block in self._builder.function.blocks:
            if isinstance(block.terminator, ll.Ret):
                self._builder.position_before(block.terminator)
                self._builder.call(free, [self._builder.load(self._chain)])

    def _on_stack(self, kind: Any, count: int) -> Any:
        with self._builder.goto_entry_block():
            found = self._builder.alloca(kind, max(count, 1))
            found.align = ALIGNED
        return found

    def _allocated(self, size: Any) -> Any:
        builder = self._builder
        if self._chain is None:
            self._chain = cgutils.alloca_once(builder, _POINTER)
            with builder.goto_entry_block():
                builder.store(ll.Constant(_POINTER, None), self._chain)
        kind = ll.FunctionType(_POINTER, [_WORD])
        malloc = cgutils.get_or_insert_function(builder.module, kind, "malloc")
        piece = builder.call(malloc, [builder.add(size, _WORD(2 * ALIGNED))])
        with cgutils.if_unlikely(builder, cgutils.is_null(builder, piece)):
            self._context.call_conv.return_user_exc(builder, MemoryError, ("no memory for temporaries",))
        builder.store(builder.load(self._chain), builder.bitcast(piece, _POINTER.as_pointer()))
        builder.store(piece, self._chain)
        behind = builder.ptrtoint(builder.gep(piece, [_WORD(ALIGNED)]), _WORD)
        gap = builder.and_(builder.neg(behind), _WORD(ALIGNED - 1))
        return builder.gep(
            piece, [builder.add(gap, _WORD(ALIGNED))]
        )  # not by a number: LLVM knows whose it is

    def _freeing(self, module: Any) -> Any:
        """A function that frees a chain."""
        found = module.globals.get("tapejit.freed")
        return found or _freed(
            ll.Function(module, ll.FunctionType(ll.VoidType(), [_POINTER]), "tapejit.freed")
        )


def _freed(function: Any) -> Any:
    """A loop over the pieces: `while piece: piece, _ = piece.link, free(piece)`."""
    function.linkage = "internal"
    begin, test, body, end = (function.append_basic_block(n) for n in ("begin", "test", "body", "end"))
    free_kind = ll.FunctionType(ll.VoidType(), [_POINTER])
    free = cgutils.get_or_insert_function(function.module, free_kind, "free")
    ll.IRBuilder(begin).branch(test)
    builder = ll.IRBuilder(test)
    piece = builder.phi(_POINTER)
    piece.add_incoming(function.args[0], begin)
    builder.cbranch(cgutils.is_null(builder, piece), end, body)
    builder.position_at_end(body)
    following = builder.load(builder.bitcast(piece, _POINTER.as_pointer()))
    piece.add_incoming(following, body)
    builder.call(free, [piece])
    builder.branch(test)
    ll.IRBuilder(end).ret_void()
    return function
