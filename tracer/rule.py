"""The tape on which the rule of a custom derivative is traced.

A rule is traced once, for any cotangent (or tangent): these are symbols, of which only the type is known.
"""

from __future__ import annotations

from collections.abc import Iterator

from tapejit.ir.types import TensorType
from tapejit.tracer.errors import NestedDemandError
from tapejit.tracer.handle import Handle
from tapejit.tracer.inner import InnerTape
from tapejit.tracer.location import user_location
from tapejit.tracer.tape import Tape
from tapejit.tracer.trie import Trie


class RuleTape(InnerTape):
    """`name` is what errors call the rule, `owner` the custom function it is of."""

    __slots__ = ("_symbols", "owner")

    def __init__(self, trie: Trie, parent: Tape, name: str, owner: object):
        super().__init__(trie, parent, name)
        self.owner = owner
        self._symbols: list[Handle] = []

    def symbol(self, face: type[Handle], type_: TensorType, name: str | None) -> Handle:
        """An array of which only the type is known."""
        handle = self.stand_in(face, type_, name)
        self._symbols.append(handle)
        return handle

    def _hand_over(self) -> None:
        """Refused where a symbol would have to be a number."""
        if self._symbols:
            raise NestedDemandError(
                f"Python needs the number in an array at {user_location()}, inside {self._name}, which is "
                "traced once for all values and has to be made of NumPy's functions: no float(), .item() or "
                "`if` on its arguments, nothing of `math`; choose with np.where"
            )
        super()._hand_over()


def depth_of(owner: object, tape: Tape | None) -> int:
    """How many rules of `owner` are being traced on this tape and those around it."""
    return sum(isinstance(t, RuleTape) and t.owner is owner for t in _outwards(tape))


def _outwards(tape: Tape | None) -> Iterator[Tape]:
    while tape is not None:
        yield tape
        tape = tape.parent


def differentiated(x: Handle) -> bool:
    """Whether a derivative may flow through `x`, on its tape or on one outside of it."""
    tape = x._tape
    if x.tracked or isinstance(tape, RuleTape):
        return True
    return isinstance(tape, InnerTape) and any(differentiated(stack) for stack in tape.stacks())
