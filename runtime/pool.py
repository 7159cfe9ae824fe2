"""The native side of threads: how they draw blocks of a job, sleep and are woken. Built as LLVM IR.

A *job* is a block function, its arguments and a number of blocks. Threads draw blocks from a ticket until
none is left. Which thread runs which block changes no result, for the boundaries of blocks and the order in
which their results are combined are fixed. Nothing here needs the GIL. All state is one row of words in
memory (`pool_state.Word`), changed by sequentially consistent operations only. Start with `_launch`.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import llvmlite.binding as llvm
import llvmlite.ir as ll

from tapejit.runtime.pool_state import BYTES, CLOSED, LINE, Word

SYMBOL = "tapejit_launch"

WORD, FLAG, LOCK_RESULT, POINTER = ll.IntType(64), ll.IntType(1), ll.IntType(32), ll.IntType(8).as_pointer()
BLOCK_FUNCTION = ll.FunctionType(WORD, [POINTER, WORD])  # of the arguments and the block; 1: it has failed


@dataclass(frozen=True)
class Pool:
    """`serve(worker)` is a worker's whole life; `launch` is the address that programs call."""

    serve: Callable[[int], None]
    launch: int
    code: Any  # kept alive


def compiled_pool(state: int) -> Pool:
    """The pool whose state lies at the address `state`."""
    module = ll.Module("tapejit_pool")
    work = _Function(module, "work", state, FLAG)
    _work(work)
    serve = _Function(module, "serve", state, ll.VoidType(), WORD)
    _serve(serve, work.function)
    launch = _Function(module, SYMBOL, state, WORD, WORD, WORD, WORD)
    _launch(launch, work.function)
    engine = engine_of(module, "PyThread_acquire_lock", "PyThread_release_lock")
    served = ctypes.CFUNCTYPE(None, ctypes.c_int64)(engine.get_function_address("serve"))
    return Pool(served, engine.get_function_address(SYMBOL), engine)


def _work(f: _Function) -> None:
    """Run blocks until none is left; whether this thread ran the last one."""
    last = f.builder.alloca(FLAG)
    f.builder.store(FLAG(0), last)
    with f.forever():
        ticket, blocks = f.load(Word.TICKET), f.load(Word.BLOCKS)
        function, arguments = f.load(Word.FUNCTION), f.load(Word.ARGUMENTS)
        block = f.builder.and_(ticket, WORD(CLOSED))
        with f.builder.if_then(f.builder.icmp_unsigned(">=", block, blocks)):
            f.builder.ret(f.builder.load(last))
        # The ticket has this job's number, so that what was read belongs to the block that is drawn.
        with f.builder.if_then(f.advance(Word.TICKET, ticket)):
            with f.builder.if_then(f.run(function, arguments, block)):
                f.store(Word.FAILED, WORD(1))
            done = f.builder.add(f.update("add", Word.DONE, WORD(1)), WORD(1))
            f.builder.store(f.builder.icmp_unsigned("==", done, blocks), last)


def _serve(f: _Function, work: ll.Function) -> None:
    """Sleep, be woken, work, for ever."""
    builder, (worker,) = f.builder, f.function.args
    own = builder.mul(worker, WORD(LINE))
    with f.forever():
        f.store(Word.ASLEEP, WORD(1), own)
        block = builder.and_(f.load(Word.TICKET), WORD(CLOSED))
        idle = builder.icmp_unsigned(">=", block, f.load(Word.BLOCKS))
        with builder.if_else(idle) as (sleep, look_again):
            with sleep:
                f.acquire(f.load(Word.LOCK, own))
            with look_again:  # the job came before the flag: perhaps nobody was found to be woken
                woken = f.was(f.update("xchg", Word.ASLEEP, WORD(0), own), 0)
                with builder.if_then(woken):
                    f.acquire(f.load(Word.LOCK, own))
        with builder.if_then(builder.call(work, [])):
            f.release(f.load(Word.FINISHED))


def _launch(f: _Function, work: ll.Function) -> None:
    """Run a job: with helpers if there are any and no other job runs, else alone; 1 if a block failed."""
    builder, (function, arguments, blocks) = f.builder, f.function.args
    helpers = builder.sub(f.load(Word.THREADS), WORD(1))
    for most in (f.load(Word.WORKERS), builder.sub(blocks, WORD(1))):
        helpers = builder.select(builder.icmp_signed("<", most, helpers), most, helpers)
    with builder.if_then(builder.icmp_signed(">", helpers, WORD(0))):
        free = f.was(f.update("xchg", Word.BUSY, WORD(1)), 0)
        with builder.if_then(free):
            builder.ret(_together(f, work, f.function.args, helpers))
    builder.ret(_alone(f, function, arguments, blocks))


def _together(f: _Function, work: ll.Function, job: Sequence[ll.Value], helpers: ll.Value) -> ll.Value:
    """Publish the job, wake the helpers, work with them, and wait for whoever is not ready."""
    builder, words = f.builder, (Word.FUNCTION, Word.ARGUMENTS, Word.BLOCKS)
    number = builder.add(builder.lshr(f.load(Word.TICKET), WORD(32)), WORD(1))
    for word, value in zip(words, job, strict=True):
        f.store(word, value)
    f.store(Word.DONE, WORD(0))
    f.store(Word.FAILED, WORD(0))
    f.store(Word.TICKET, builder.shl(number, WORD(32)))
    with f.counting(helpers) as worker:
        own = builder.mul(worker, WORD(LINE))
        with builder.if_then(f.was(f.update("xchg", Word.ASLEEP, WORD(0), own), 1)):
            f.release(f.load(Word.LOCK, own))
    with builder.if_then(builder.not_(builder.call(work, []))):
        f.acquire(f.load(Word.FINISHED))
    f.store(Word.TICKET, builder.or_(f.load(Word.TICKET), WORD(CLOSED)))
    failed = f.load(Word.FAILED)
    f.store(Word.BUSY, WORD(0))
    return failed


def _alone(f: _Function, function: Any, arguments: Any, blocks: Any) -> Any:
    failed = f.builder.alloca(WORD)
    f.builder.store(WORD(0), failed)
    with f.counting(blocks) as block, f.builder.if_then(f.run(function, arguments, block)):
        f.builder.store(WORD(1), failed)
    return f.builder.load(failed)


class _Function:
    """A function under construction, with the operations on the state that it is made of."""

    def __init__(self, module: ll.Module, name: str, state: int, result: ll.Type, *parameters: ll.Type):
        self.function = ll.Function(module, ll.FunctionType(result, parameters), name)
        self.builder = ll.IRBuilder(self.function.append_basic_block("entry"))
        self._module, self._state = module, state

    def load(self, word: Word, own: ll.Value | None = None) -> ll.Value:
        return self.builder.load_atomic(self._place(word, own), "seq_cst", BYTES)

    def store(self, word: Word, value: ll.Value, own: ll.Value | None = None) -> None:
        self.builder.store_atomic(value, self._place(word, own), "seq_cst", BYTES)

    def update(self, operation: str, word: Word, value: ll.Value, own: ll.Value | None = None) -> ll.Value:
        """What the word was before."""
        return self.builder.atomic_rmw(operation, self._place(word, own), value, "seq_cst")

    def advance(self, word: Word, expected: ll.Value) -> ll.Value:
        """Count the word up, if it is still what is expected; whether it was."""
        after = self.builder.add(expected, WORD(1))
        pair = self.builder.cmpxchg(self._place(word, None), expected, after, "seq_cst", "seq_cst")
        return self.builder.extract_value(pair, 1)

    def was(self, value: ll.Value, number: int) -> ll.Value:
        return self.builder.icmp_unsigned("==", value, WORD(number))

    def run(self, function: ll.Value, arguments: ll.Value, block: ll.Value) -> ll.Value:
        """Run a block; whether it failed."""
        code = self.builder.inttoptr(function, BLOCK_FUNCTION.as_pointer())
        data = self.builder.inttoptr(arguments, POINTER)
        return self.builder.trunc(self.builder.call(code, [data, block]), FLAG)

    def acquire(self, lock: ll.Value) -> None:
        """Take a lock of CPython, which needs no GIL; waits as long as it takes."""
        self._call("PyThread_acquire_lock", LOCK_RESULT, lock, LOCK_RESULT(1))

    def release(self, lock: ll.Value) -> None:
        self._call("PyThread_release_lock", ll.VoidType(), lock)

    @contextmanager
    def forever(self) -> Iterator[None]:
        """A loop that is left by returning."""
        body = self.builder.append_basic_block("forever")
        self.builder.branch(body)
        self.builder.position_at_end(body)
        yield
        self.builder.branch(body)

    @contextmanager
    def counting(self, count: ll.Value) -> Iterator[ll.Value]:
        """A loop over the numbers below `count`, which is at least 1."""
        before, body = self.builder.block, self.builder.append_basic_block("counting")
        self.builder.branch(body)
        self.builder.position_at_end(body)
        number = self.builder.phi(WORD)
        number.add_incoming(WORD(0), before)
        yield number
        following = self.builder.add(number, WORD(1))
        number.add_incoming(following, self.builder.block)
        end = self.builder.append_basic_block("counted")
        self.builder.cbranch(self.builder.icmp_unsigned("<", following, count), body, end)
        self.builder.position_at_end(end)

    def _place(self, word: Word, own: ll.Value | None) -> ll.Value:
        place = WORD(self._state + word * BYTES).inttoptr(WORD.as_pointer())
        return place if own is None else self.builder.gep(place, [own])

    def _call(self, name: str, result: ll.Type, lock: ll.Value, *others: ll.Value) -> None:
        kind = ll.FunctionType(result, [POINTER, *(x.type for x in others)])
        function = self._module.globals.get(name) or ll.Function(self._module, kind, name)
        self.builder.call(function, [self.builder.inttoptr(lock, POINTER), *others])


def engine_of(module: ll.Module, *names: str) -> llvm.ExecutionEngine:
    """The machine code of a module that calls functions of CPython by these names."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    parsed = llvm.parse_assembly(str(module))
    machine = llvm.Target.from_default_triple().create_target_machine(opt=2)
    engine = llvm.create_mcjit_compiler(parsed, machine)
    for name in names:
        address = ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value
        engine.add_global_mapping(parsed.get_function(name), address)
    engine.finalize_object()
    return engine
