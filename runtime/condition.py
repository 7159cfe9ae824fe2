"""What must still hold for compiled code to answer in place of Python, in forms that machine code can check.

Each condition is about one name that a function reads. `holds()` asks in Python; `emit` writes the same
question in machine code, for `runtime.entry`. A condition of any other kind is `Asked`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from types import CellType, FunctionType
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from tapejit.runtime.assembler import Assembler

_ABSENT = object()


class Condition(Protocol):
    """A question with the answer yes as long as nothing has changed."""

    def holds(self) -> bool:
        """Whether it is so now."""

    def emit(self, assembler: Assembler) -> Any:
        """The answer as an LLVM value of one bit; raises nothing in the running program."""


@dataclass(frozen=True, slots=True, eq=False)
class Bound:
    """`namespace[name]` is this very object."""

    namespace: dict[str, Any]
    name: str
    value: Any

    def holds(self) -> bool:
        return self.namespace.get(self.name, _ABSENT) is self.value

    def emit(self, assembler: Assembler) -> Any:
        return assembler.same(assembler.item(self.namespace, self.name), assembler.object(self.value))


@dataclass(frozen=True, slots=True, eq=False)
class Unbound:
    """`namespace` has no such name, so that another namespace's is meant."""

    namespace: dict[str, Any]
    name: str

    def holds(self) -> bool:
        return self.name not in self.namespace

    def emit(self, assembler: Assembler) -> Any:
        return assembler.same(assembler.item(self.namespace, self.name), assembler.null)


@dataclass(frozen=True, slots=True, eq=False)
class Enclosed:
    """A closure cell holds this very object."""

    cell: CellType
    value: Any

    def holds(self) -> bool:
        try:
            return self.cell.cell_contents is self.value
        except ValueError:  # empty
            return False

    def emit(self, assembler: Assembler) -> Any:
        return assembler.same(assembler.cell_contents(self.cell), assembler.object(self.value))


@dataclass(frozen=True, slots=True, eq=False)
class Defined:
    """A function has this code and these defaults."""

    function: FunctionType
    code: Any
    defaults: tuple[Any, ...] | None

    def holds(self) -> bool:
        return self.function.__code__ is self.code and self.function.__defaults__ is self.defaults

    def emit(self, assembler: Assembler) -> Any:
        code = assembler.call("PyFunction_GetCode", assembler.object(self.function))
        defaults = assembler.call("PyFunction_GetDefaults", assembler.object(self.function))
        expected = assembler.null if self.defaults is None else assembler.object(self.defaults)
        return assembler.all(
            assembler.same(code, assembler.object(self.code)), assembler.same(defaults, expected)
        )


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """Whatever a Python function says, which must not raise."""

    question: Callable[[], bool]

    def holds(self) -> bool:
        return self.question()

    def emit(self, assembler: Assembler) -> Any:
        return assembler.asked(self.question)
