"""Machine code of an allocator for NumPy that keeps what is freed; see `result_memory` for what it promises.

Its state is a row of words: how many bytes are kept, then a pair of address and size for each piece, the
oldest first, zeros at the end. NumPy calls an allocator with the GIL held, so nothing here is atomic.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import llvmlite.ir as ll

from tapejit.runtime.pool import engine_of

PIECES = 8  # kept at most
MOST_KEPT = 256 * 2**20  # bytes of all of them
WORDS = 1 + 2 * (PIECES + 1)  # behind the last piece stands one that is never there
WORD, POINTER, NOTHING = ll.IntType(64), ll.IntType(8).as_pointer(), ll.VoidType()


@dataclass(frozen=True)
class Recycling:
    """Addresses of the functions of an allocator, and `clear`, which frees what is kept."""

    malloc: int
    free: int
    clear: Callable[[], None]
    code: Any  # kept alive


def compiled_recycling(state: int, context: int, malloc: int, free: int) -> Recycling:
    """The functions over the words at `state`, and the allocator that they ask in turn."""
    writer = _Writer(state, context, malloc, free)
    writer.write_drop()
    writer.write_malloc()
    writer.write_free()
    writer.write_clear()
    engine = engine_of(writer.module)
    places = {name: engine.get_function_address(name) for name in ("malloc", "free", "clear")}
    clear = ctypes.PYFUNCTYPE(None)(places["clear"])
    return Recycling(places["malloc"], places["free"], clear, engine)


class _Writer:
    """The module under construction; `builder` stands at the end of the function at hand."""

    def __init__(self, state: int, context: int, malloc: int, free: int):
        self.module = ll.Module("tapejit_results")
        self._state, self._context = state, context
        self._addresses = {"malloc": malloc, "free": free}
        self._drop = ll.Function(self.module, ll.FunctionType(NOTHING, []), "drop")

    def write_drop(self) -> None:
        """`drop()` frees the oldest piece and moves the others up."""
        self._begin(self._drop)
        oldest, size = self._load(_address(0)), self._load(_size(0))
        with self.builder.if_then(self.builder.icmp_unsigned("==", oldest, WORD(0))):
            self.builder.ret_void()
        self._give_back(oldest, size)
        self._take_out(0)
        self.builder.ret_void()

    def write_malloc(self) -> None:
        """`malloc(context, size)`: a piece of just this size; if none is, the oldest is let go."""
        kind = ll.FunctionType(POINTER, [POINTER, WORD])
        _, wanted = self._begin(ll.Function(self.module, kind, "malloc"))
        builder = self.builder
        for k in range(PIECES):
            with builder.if_then(builder.icmp_unsigned("==", self._load(_size(k)), wanted)):
                found = self._load(_address(k))
                self._take_out(k)
                builder.ret(builder.inttoptr(found, POINTER))
        builder.call(self._drop, [])
        builder.ret(self._called("malloc", kind, [self._pointer(self._context), wanted]))

    def write_free(self) -> None:
        """`free(context, piece, size)` keeps the piece, and the latest others while there is room."""
        kind = ll.FunctionType(NOTHING, [POINTER, POINTER, WORD])
        _, pointer, size = self._begin(ll.Function(self.module, kind, "free"))
        builder, piece = self.builder, self.builder.ptrtoint(pointer, WORD)
        with builder.if_then(builder.icmp_unsigned(">", size, WORD(MOST_KEPT))):
            self._give_back(piece, size)
            builder.ret_void()
        for _ in range(PIECES):
            total = builder.add(self._load(0), size)
            crowded = builder.icmp_unsigned("!=", self._load(_address(PIECES - 1)), WORD(0))
            with builder.if_then(builder.or_(crowded, builder.icmp_unsigned(">", total, WORD(MOST_KEPT)))):
                builder.call(self._drop, [])
        for k in range(PIECES):
            with builder.if_then(builder.icmp_unsigned("==", self._load(_address(k)), WORD(0))):
                self._store(_address(k), piece)
                self._store(_size(k), size)
                self._store(0, builder.add(self._load(0), size))
                builder.ret_void()
        builder.unreachable()

    def write_clear(self) -> None:
        """`clear()` frees all pieces."""
        self._begin(ll.Function(self.module, ll.FunctionType(NOTHING, []), "clear"))
        for _ in range(PIECES):
            self.builder.call(self._drop, [])
        self.builder.ret_void()

    # -- Parts -----------------------------------------------------------------------------------------------

    def _begin(self, function: ll.Function) -> Any:
        self.builder = ll.IRBuilder(function.append_basic_block("entry"))
        return function.args

    def _take_out(self, k: int) -> None:
        """Let the pieces behind the k-th move up."""
        self._store(0, self.builder.sub(self._load(0), self._load(_size(k))))
        for j in range(k, PIECES):
            self._store(_address(j), self._load(_address(j + 1)))
            self._store(_size(j), self._load(_size(j + 1)))

    def _give_back(self, piece: ll.Value, size: ll.Value) -> None:
        kind = ll.FunctionType(NOTHING, [POINTER, POINTER, WORD])
        where = self.builder.inttoptr(piece, POINTER)
        self._called("free", kind, [self._pointer(self._context), where, size])

    def _called(self, name: str, kind: ll.FunctionType, args: list[ll.Value]) -> ll.Value:
        """Call a function of the allocator behind this one."""
        function = self.builder.inttoptr(WORD(self._addresses[name]), kind.as_pointer())
        return self.builder.call(function, args)

    def _pointer(self, address: int) -> ll.Value:
        return WORD(address).inttoptr(POINTER)

    def _place(self, word: int) -> ll.Value:
        return WORD(self._state + 8 * word).inttoptr(WORD.as_pointer())

    def _load(self, word: int) -> ll.Value:
        return self.builder.load(self._place(word))

    def _store(self, word: int, value: ll.Value) -> None:
        self.builder.store(value, self._place(word))


def _address(k: int) -> int:
    """The word with the address of the k-th piece."""
    return 1 + 2 * k


def _size(k: int) -> int:
    """The word with its size."""
    return 2 + 2 * k
