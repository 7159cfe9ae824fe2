"""What the names of a function stand for while it is lowered: values, or variables in memory.

A value may be used in the scope in which it was named. Where it is used outside of that, it gets a variable
after all, stored behind the instruction that computes it. Start with `Names`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import llvmlite.ir as ll
from numba.core import cgutils, errors

from tapejit.runtime.operand import Row, Scalar

Value = Scalar | Row


class LoweringError(errors.NumbaError):
    """Emitted source that is outside of its language: an error of ours."""


@dataclass(frozen=True)
class _Named:
    """A value, and the scope in which it is sure to be there."""

    value: Value
    scope: object


@dataclass(frozen=True)
class _Variable:
    """Where the words of a value live: one of a scalar, two of a row."""

    like: Value  # the first one it held
    slots: tuple[Any, ...]


class Names:
    """Those of one function."""

    def __init__(self, builder: Any):
        self._builder = builder
        self._known: dict[str, _Named | _Variable] = {}
        self._scopes: list[object] = [object()]

    @contextmanager
    def scope(self) -> Iterator[None]:
        """What is named in here may not be there outside."""
        self._scopes.append(object())
        yield
        self._scopes.pop()

    def kind_of(self, name: str) -> Value | None:
        """A value that the name stood for, whose type it keeps."""
        match self._known.get(name):
            case _Named(value, _) | _Variable(value, _):
                return value
        return None

    def name(self, name: str, value: Value) -> None:
        """Let the name stand for the value from here on."""
        self._check(name, value)
        self._known[name] = _Named(value, self._scopes[-1])

    def store(self, name: str, value: Value) -> None:
        """Store the value in the name's variable."""
        self._check(name, value)
        found = self._known.get(name)
        if not isinstance(found, _Variable):
            found = self._known[name] = self._variable(name, value)
        for word, slot in zip(_words(value), found.slots, strict=True):
            self._builder.store(word, slot)

    def value(self, name: str) -> Value | None:
        """What the name stands for; None if it stands for nothing."""
        found = self._known.get(name)
        if isinstance(found, _Named):
            if found.scope in self._scopes:
                return found.value
            found = self._known[name] = self._spilled(name, found.value)
        return None if found is None else _like(found.like, *map(self._builder.load, found.slots))

    def _check(self, name: str, value: Value) -> None:
        before = self.kind_of(name)
        if before is not None and _kind(before) != _kind(value):
            raise LoweringError(f"{name} changes its type to {_kind(value)[1]}")

    def _variable(self, name: str, value: Value) -> _Variable:
        return _Variable(
            value, tuple(cgutils.alloca_once(self._builder, word.type, name=name) for word in _words(value))
        )

    def _spilled(self, name: str, value: Value) -> _Variable:
        """A variable that holds the value wherever it was computed."""
        variable = self._variable(name, value)
        for word, slot in zip(_words(value), variable.slots, strict=True):
            with _behind(self._builder, word):
                self._builder.store(word, slot)
        return variable


def _words(value: Value) -> tuple[Any, ...]:
    return (value.pointer, value.count) if isinstance(value, Row) else (value.value,)


def _like(value: Value, *words: Any) -> Value:
    return Row(value.dtype, *words) if isinstance(value, Row) else Scalar(value.type, *words)


def _kind(value: Value) -> tuple[type, Any]:
    return type(value), value.dtype if isinstance(value, Row) else value.type


@contextmanager
def _behind(builder: Any, word: Any) -> Iterator[None]:
    """Where the word has just been computed: constants and arguments are there from the beginning."""
    if not isinstance(word, ll.Instruction):
        with builder.goto_entry_block():
            yield
        return
    block = builder.block
    _go_behind(builder, word)
    yield
    builder.position_at_end(block)


def _go_behind(builder: Any, instruction: Any) -> None:
    block = instruction.parent
    following = block.instructions[block.instructions.index(instruction) + 1 :]
    first = next((each for each in following if not isinstance(each, ll.PhiInstr)), None)
    if first is None:
        builder.position_at_end(block)
    else:
        builder.position_before(first)
