"""Programs that take sizes at run time: one for all sizes of a dimension that varies.

The first program of a *family*, of functions equal but for numbers, is compiled as it is. For the second,
both are emitted in the general form; if the sources differ in numbers only, those that differ become
variables of one program, compiled once. Later sizes are emitted, which takes milliseconds, and compared;
they run that program with numbers of their own. See docs/decisions/0007-sizes-at-run-time.md. Start at
`Families`.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, Protocol

from tapejit.ir.emission import OnDemand
from tapejit.ir.function import Function
from tapejit.ir.printer import canonical_text
from tapejit.ir.signature import Signature
from tapejit.runtime.template import Template, Variables, packed

if TYPE_CHECKING:
    from tapejit.runtime.loader import NativeProgram

MOST_LOOPS = 200  # about: what a program of more repeats is found only if it knows its sizes
_NUMBER = re.compile(r"(?<![a-z])\d+(\.\d+)?(e[+-]?\d+)?")  # but not those of f64 and its kin


class Built(NamedTuple):
    """A program, and whether it had to be compiled."""

    program: NativeProgram
    compiled: bool


class Compiler(Protocol):
    """What a family asks of the packages that make programs."""

    def template(self, function: Function, signature: Signature) -> Template:
        """The general source of a function, cut at its numbers."""

    def special(self, function: Function, signature: Signature) -> NativeProgram:
        """Compile a function for its own sizes."""

    def general(self, source: str, signature: Signature) -> NativeProgram | None:
        """Compile a source that takes sizes; None if a number in it has to be known when it is compiled."""


class Families:
    """The families met so far."""

    def __init__(self) -> None:
        self._families: dict[str, _Family] = {}
        self._lock = threading.Lock()

    def find(self, function: Function, signature: Signature, compiler: Compiler) -> NativeProgram | None:
        """A program that was compiled for other sizes and serves for these as well."""
        if not self._families or _is_long(function):
            return None
        family = self._families.get(_family_key(function, signature))
        return family.find(function, signature, compiler) if family else None

    def build(self, function: Function, signature: Signature, compiler: Compiler) -> Built:
        """A program of the function, compiled if there is none; raises what the compiler raises."""
        if _is_long(function):
            special = compiler.special(function, signature)
            return Built(special, not special.restored)
        key = _family_key(function, signature)
        with self._lock:
            family = self._families.setdefault(key, _Family())
        return family.build(function, signature, compiler)


class _Family:
    """Functions equal but for numbers, among them sizes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # one is compiled at a time: the next may not have to be
        self._first: tuple[Function, Signature] | None = None  # compiled, and alone so far
        self._kin: dict[str, _Kin] = {}  # by the key of their template

    def find(self, function: Function, signature: Signature, compiler: Compiler) -> NativeProgram | None:
        if not any(kin.programs for kin in self._kin.values()):
            return None
        template = compiler.template(function, signature)
        kin = self._kin.get(template.key)
        return kin.find(template.numbers) if kin else None

    def build(self, function: Function, signature: Signature, compiler: Compiler) -> Built:
        with self._lock:
            template = self._template(function, signature, compiler)
            kin = self._kin.get(template.key) if template else None
            if template and kin:
                built = kin.build(template, signature, compiler)
                if built is not None:
                    return built
            special = compiler.special(function, signature)
            if template is None:
                self._first = (function, signature)
            elif kin is None:
                self._kin[template.key] = _Kin(template.numbers)
            return Built(special, not special.restored)

    def _template(self, function: Function, signature: Signature, compiler: Compiler) -> Template | None:
        """None for the first of a family, which is emitted only once there is another."""
        if self._first is not None:
            first, self._first = compiler.template(*self._first), None
            self._kin[first.key] = _Kin(first.numbers)
        return compiler.template(function, signature) if self._kin else None


@dataclass(frozen=True)
class _General:
    """A program and what it takes at run time."""

    variables: Variables
    program: NativeProgram

    def find(self, numbers: Sequence[str]) -> NativeProgram | None:
        values = self.variables.values(numbers)
        return None if values is None else bound(self.program, values)


class _Kin:
    """Functions whose templates have one key: their numbers, and the programs for several of them."""

    def __init__(self, numbers: tuple[str, ...]):
        self.programs: tuple[_General, ...] = ()
        self._variables = Variables(numbers)

    def find(self, numbers: Sequence[str]) -> NativeProgram | None:
        found = (general.find(numbers) for general in self.programs)
        return next((program for program in found if program is not None), None)

    def build(self, template: Template, signature: Signature, compiler: Compiler) -> Built | None:
        """The program for this template; None if it needs one of its own."""
        found = self.find(template.numbers)
        if found is not None:
            return Built(found, False)
        variables = self._variables.admitting(template.numbers)
        if variables.values(template.numbers) is None:
            return None
        program = compiler.general(template.source(variables), signature)
        if program is None:
            return None
        self._variables = variables
        self.programs = (_General(variables, program), *self.programs)
        return Built(bound(program, variables.values(template.numbers) or ()), not program.restored)


def bound(program: NativeProgram, values: Sequence[str]) -> NativeProgram:
    """A general program with its variables set."""
    memory = packed(values)
    head = (memory.ctypes.data,)
    return replace(program, call=partial(program.call, *head), head=head, memory=memory)


def _is_long(function: Function) -> bool:
    """Whether it has so many loops that it is better compiled for each size, see docs/decisions/0018."""
    return sum(not isinstance(i.primitive.emission, OnDemand) for i in function.body) > MOST_LOOPS


def _family_key(function: Function, signature: Signature) -> str:
    """The function without its numbers, and how it is passed."""
    dtypes = [t.dtype for t in (*signature.params, *signature.results)]
    passed = (signature.by_value, signature.accumulate, signature.homes, signature.guards, dtypes)
    return f"{_NUMBER.sub('0', canonical_text(function))}\n{passed}"
