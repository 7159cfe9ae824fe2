"""Machine code of `borrow` and `give_back`, built as LLVM IR; see `workspace` for what they promise."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import llvmlite.binding as llvm
import llvmlite.ir as ll

from tapejit.runtime.piece import (
    ALLOCATE,
    BORROW,
    CAPACITY,
    FREE,
    GIVE_BACK,
    LINE,
    MOST_KEPT,
    PIECES,
    WHOLE,
)
from tapejit.runtime.pool import engine_of

WORD, POINTER, BYTES = ll.IntType(64), ll.IntType(8).as_pointer(), 8


@dataclass(frozen=True)
class Lending:
    """`clear` frees what is kept."""

    clear: Callable[[], None]
    code: Any  # kept alive


def compiled_lending(slots: int) -> Lending:
    """The functions over the slots at this address, known to programs by their names."""
    module = ll.Module("tapejit_workspace")
    allocate = ll.Function(module, ll.FunctionType(POINTER, [WORD]), ALLOCATE)
    free = ll.Function(module, ll.FunctionType(ll.VoidType(), [POINTER]), FREE)
    _borrow(module, slots, allocate, free)
    _give_back(module, slots, free)
    _clear(module, slots, free)
    engine = engine_of(module, ALLOCATE, FREE)
    for name in (BORROW, GIVE_BACK):
        llvm.add_symbol(name, engine.get_function_address(name))
    return Lending(ctypes.CFUNCTYPE(None)(engine.get_function_address("clear")), engine)


def _borrow(module: ll.Module, slots: int, allocate: ll.Function, free: ll.Function) -> None:
    builder, (size,) = _begun(module, BORROW, WORD, WORD)
    for slot in _slots(slots):
        piece = builder.atomic_rmw("xchg", slot, WORD(0), "seq_cst")
        with builder.if_then(builder.icmp_unsigned("!=", piece, WORD(0))):
            with builder.if_then(builder.icmp_unsigned(">=", _read(builder, piece, CAPACITY), size)):
                builder.ret(piece)
            _free(builder, piece, free)
    whole = builder.ptrtoint(builder.call(allocate, [builder.add(size, WORD(2 * LINE))]), WORD)
    with builder.if_then(builder.icmp_unsigned("==", whole, WORD(0))):
        builder.ret(whole)
    piece = builder.and_(builder.add(whole, WORD(2 * LINE - 1)), WORD(-LINE))
    builder.store(size, _place(builder, piece, CAPACITY))
    builder.store(whole, _place(builder, piece, WHOLE))
    builder.ret(piece)


def _give_back(module: ll.Module, slots: int, free: ll.Function) -> None:
    builder, (piece,) = _begun(module, GIVE_BACK, ll.VoidType(), WORD)
    small = builder.icmp_unsigned("<=", _read(builder, piece, CAPACITY), WORD(MOST_KEPT))
    with builder.if_then(small):
        for slot in _slots(slots):
            found = builder.cmpxchg(slot, WORD(0), piece, "seq_cst", "seq_cst")
            with builder.if_then(builder.extract_value(found, 1)):
                builder.ret_void()
    _free(builder, piece, free)
    builder.ret_void()


def _clear(module: ll.Module, slots: int, free: ll.Function) -> None:
    builder, _ = _begun(module, "clear", ll.VoidType())
    for slot in _slots(slots):
        piece = builder.atomic_rmw("xchg", slot, WORD(0), "seq_cst")
        with builder.if_then(builder.icmp_unsigned("!=", piece, WORD(0))):
            _free(builder, piece, free)
    builder.ret_void()


def _begun(module: ll.Module, name: str, result: ll.Type, *parameters: ll.Type) -> tuple[ll.IRBuilder, Any]:
    function = ll.Function(module, ll.FunctionType(result, parameters), name)
    return ll.IRBuilder(function.append_basic_block("entry")), function.args


def _slots(start: int) -> Iterator[ll.Value]:
    for k in range(PIECES):
        yield WORD(start + k * BYTES).inttoptr(WORD.as_pointer())


def _place(builder: ll.IRBuilder, piece: ll.Value, before: int) -> ll.Value:
    return builder.inttoptr(builder.sub(piece, WORD(before)), WORD.as_pointer())


def _read(builder: ll.IRBuilder, piece: ll.Value, before: int) -> ll.Value:
    return builder.load(_place(builder, piece, before))


def _free(builder: ll.IRBuilder, piece: ll.Value, free: ll.Function) -> None:
    builder.call(free, [builder.inttoptr(_read(builder, piece, WHOLE), POINTER)])
