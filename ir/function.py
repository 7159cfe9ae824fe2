"""SSA data structures. Plain data: no behaviour beyond construction and identity.

A `Function` is a list of `Instr`; an instruction has any number of results and of nested regions.
A region is itself a `Function`, closed: it sees its own parameters and nothing of the outside.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tapejit.ir.types import TensorType

if TYPE_CHECKING:
    from tapejit.ir.primitive import Primitive


class IRError(Exception):
    """A function violates the IR's rules; the message names the instruction."""


@dataclass(eq=False, slots=True)
class Value:
    """One SSA value: defined once, by a parameter or an instruction."""

    type: TensorType
    name: str | None = None  # a hint for the printer and the emitted source, never an identity


@dataclass(eq=False, slots=True)
class Instr:
    """`results = primitive(operands){attrs} regions`. Attributes are static, operands are traced."""

    primitive: Primitive
    operands: tuple[Value, ...]
    attrs: dict[str, Any]
    results: tuple[Value, ...]
    regions: tuple[Function, ...] = ()
    location: str | None = None  # the user's "file.py:12"


@dataclass(eq=False, slots=True)
class Function:
    """Parameters, instructions in definition order, results."""

    name: str
    params: tuple[Value, ...]
    body: list[Instr] = field(default_factory=list)
    results: tuple[Value, ...] = ()

    def definitions(self) -> dict[Value, Instr]:
        """The instruction that makes each value; parameters are made by none."""
        return {v: instr for instr in self.body for v in instr.results}
