"""How bytecode uses the names that it does not make itself: what it reads of them, and what it only writes.

A decorated function may skip its Python if it reads nothing else than before. Effects (`print(...)`,
`seen.append(x)`, `count += 1`, `self.last = y`) read nothing that the result could depend on: they happen
when the function is traced. Each `Use` is one load of a name with what is done with it. See `usage_of`.
"""

from __future__ import annotations

import dis
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import CodeType
from typing import Literal

from tapejit.bytecode import instructions

Kind = Literal["read", "look", "call", "effect"]

_SKIPPED = frozenset({"CACHE", "NOP", "PUSH_NULL", "RESUME", "EXTENDED_ARG", "PRECALL"})
_LOADS = {"LOAD_GLOBAL": True, "LOAD_DEREF": False, "LOAD_CLASSDEREF": False, "LOAD_FAST": False}
_ATTRIBUTE = ("LOAD_ATTR", "LOAD_METHOD")
_WRITERS = frozenset({
    "append", "extend", "insert", "add", "update", "appendleft", "write", "setdefault", "clear", "discard",
    "remove", "debug", "info", "warning", "error", "exception", "critical", "log", "warn",
})  # fmt: skip
_WRITES = ("STORE_ATTR", "STORE_SUBSCR", "STORE_GLOBAL", "DELETE_GLOBAL", "DELETE_ATTR")
_WRITES_OF_VARIABLES = ("STORE_DEREF", "STORE_FAST", "DELETE_FAST", "DELETE_DEREF")
_READERS = tuple((name,) for name in ("get", "items", "keys", "values", "index", "count", "copy"))
_LOOKING = frozenset(
    {"len", "zip", "enumerate", "sum", "sorted", "list", "tuple", "reversed", "dict", "set", "min"}
)
MUTATORS = _WRITERS | {"pop", "popitem", "popleft", "sort", "reverse"}


@dataclass(frozen=True, slots=True)
class Use:
    """One load of a name, with the attributes taken from it at once.

    An "effect" ends in a statement that leaves nothing behind; `written` is the attribute it sets, if it
    does. A "look" only asks for items of a container, a "call" only calls: no other name gets hold of it.
    """

    name: str
    is_global: bool
    attributes: tuple[str, ...]
    kind: Kind
    written: str | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """All uses in some code and the code in it; `stores`: writes that no use explains, by opcode."""

    uses: tuple[Use, ...]
    stores: frozenset[str]
    mutates: bool  # calls a method that may change something


def usage_of(code: CodeType, names: Sequence[str] = ()) -> Usage:
    """How `code` uses globals, free variables, and of its own variables those of these `names`."""
    found = list(_codes(code))
    readers = [_Reader(each, names if each is code else ()) for each in found]
    uses = tuple(use for reader in readers for use in reader.uses())
    stores = frozenset(name for reader in readers for name in reader.stores())
    return Usage(uses, stores, any(reader.mutates() for reader in readers))


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


class _Reader:
    """The bytecode of one function."""

    def __init__(self, code: CodeType, names: Sequence[str]):
        self._code, self._names = code, frozenset(names)
        everything = list(instructions(code))
        self._instructions = [i for i in everything if i.opname not in _SKIPPED]
        self._called = set(_called(everything))  # offsets of loads of what is called
        self._explained: set[int] = set()  # stores and calls that belong to an effect

    def uses(self) -> Iterator[Use]:
        """Each load of a name from outside."""
        for at, instruction in enumerate(self._instructions):
            is_global = _LOADS.get(instruction.opname)
            if is_global is None or (
                instruction.opname == "LOAD_FAST" and instruction.argval not in self._names
            ):
                continue
            attributes = self._attributes(at)
            kind, written = self._kind(at, attributes)
            yield Use(instruction.argval, is_global, attributes, kind, written)

    def stores(self) -> Iterator[str]:
        """The opcodes that write to something from outside, or unknown, and are no effect; after `uses`."""
        for at, instruction in enumerate(self._instructions):
            if at in self._explained:
                continue
            name = instruction.opname
            own = instruction.argval in self._names or instruction.argval in self._code.co_freevars
            if name in _WRITES or (own and name in _WRITES_OF_VARIABLES):
                yield name

    def mutates(self) -> bool:
        """Whether a method is called that may change what it belongs to; after `uses`."""
        return any(
            i.opname in _ATTRIBUTE and i.argval in MUTATORS and at not in self._explained
            for at, i in enumerate(self._instructions)
        )

    def _attributes(self, at: int) -> tuple[str, ...]:
        names = []
        for follower in self._instructions[at + 1 :]:
            if follower.opname not in _ATTRIBUTE:
                break
            names.append(follower.argval)
        return tuple(names)

    def _kind(self, at: int, attributes: tuple[str, ...]) -> tuple[Kind, str | None]:
        end = self._end(at)
        last = None if end is None else self._instructions[end]
        if last is not None and end is not None:
            name = self._instructions[at].argval
            if last.opname == "POP_TOP" and (attributes[-1:] or (name,))[0] in (*_WRITERS, "print"):
                self._explained.update((at + len(attributes), end))
                return "effect", None
            if self._updates(at, end):
                self._explained.add(end)
                return "effect", last.argval if last.opname == "STORE_ATTR" else None
        called = self._instructions[at + len(attributes)].offset in self._called
        if called and attributes[-1:] not in _READERS:
            return "call", None
        return ("look" if self._looks(at, attributes) else "read"), None

    def _end(self, at: int) -> int | None:
        """The instruction that leaves nothing of the value loaded at `at`; None if there are jumps before."""
        depth = 0
        for k in range(at, len(self._instructions)):
            instruction = self._instructions[k]
            if k > at and (instruction.is_jump_target or instruction.opcode in dis.hasjrel):
                return None
            depth += _effect(instruction)
            if depth <= 0:
                return k
        return None

    def _updates(self, at: int, end: int) -> bool:
        """Whether the statement only writes: `x.a = v`, `x[i] = v`, `x += v`, `x.a += v`, `x[i] += v`."""
        load, last = self._instructions[at], self._instructions[end]
        between = [i.opname for i in self._instructions[at + 1 : end]]
        if last.opname == "STORE_ATTR":
            return not between or between[0] == "COPY"
        if last.opname == "STORE_SUBSCR":
            return "BINARY_SUBSCR" not in between or between.count("COPY") >= 2
        same = last.opname in ("STORE_GLOBAL", "STORE_DEREF") and last.argval == load.argval
        return same and between[-1:] == ["BINARY_OP"]

    def _looks(self, at: int, attributes: tuple[str, ...]) -> bool:
        """Whether the value is only asked for items: `x[i]`, `for y in x`, `y in x`, `len(x)`, `x.get(i)`."""
        if attributes:
            return attributes in _READERS
        if at and self._looked_at(at):
            return True
        depth = 0
        for instruction in self._instructions[at:]:
            if instruction.opname == "BINARY_SUBSCR" and depth == 2:
                return True
            if instruction.opname in ("GET_ITER", "CONTAINS_OP") and depth == 1:
                return True
            depth += _effect(instruction)
            if depth <= 0 or instruction.opcode in dis.hasjrel or instruction.opname == "STORE_SUBSCR":
                return False
        return False

    def _looked_at(self, at: int) -> bool:
        """Whether it is an argument of a function such as `len` or `zip`."""
        while at and self._instructions[at].opname in _LOADS:
            at -= 1
            found = self._instructions[at]
            if found.opname == "LOAD_GLOBAL" and found.argval in _LOOKING:
                return True
        return False


def _called(instructions: Sequence[dis.Instruction]) -> Iterator[int]:
    """The offsets of loads beside which a NULL is pushed, as it is for a callable."""
    real = [i for i in instructions if i.opname not in ("CACHE", "EXTENDED_ARG", "NOP")]
    for at, instruction in enumerate(real):
        beside = {i.opname for i in (*real[max(0, at - 1) : at], *real[at + 1 : at + 2])}
        loads = instruction.opname in (*_LOADS, *_ATTRIBUTE)
        null = "NULL" in instruction.argrepr or "PUSH_NULL" in beside or instruction.opname == "LOAD_METHOD"
        if loads and null:
            yield instruction.offset


def _effect(instruction: dis.Instruction) -> int:
    """By how much an instruction makes the stack grow, the NULL beside a callable left out."""
    argument = instruction.arg if instruction.opcode >= dis.HAVE_ARGUMENT else None
    if instruction.opname in ("CALL", "CALL_FUNCTION_EX", "CALL_KW"):
        return _call_effect(instruction)
    if instruction.opname == "LOAD_GLOBAL" or instruction.opname in _ATTRIBUTE:
        return 1 if instruction.opname == "LOAD_GLOBAL" else 0
    return dis.stack_effect(instruction.opcode, argument, jump=False)


def _call_effect(instruction: dis.Instruction) -> int:
    """A callable and its arguments become a result."""
    if instruction.opname == "CALL_FUNCTION_EX":
        return -2 if (instruction.arg or 0) & 1 else -1
    return -(instruction.arg or 0) - (instruction.opname == "CALL_KW")


def place_of(code: CodeType, use: Use) -> str:
    """File and line of the first use of this kind in `code`."""
    wanted = (use.attributes or (use.name,))[-1]
    found = (i.positions for code in _codes(code) for i in instructions(code) if i.argval == wanted)
    line = next((p.lineno for p in found if p is not None and p.lineno), code.co_firstlineno)
    return f"{os.path.basename(code.co_filename)}:{line}"
