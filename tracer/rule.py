"""The tape on which the rule of a custom derivative is traced.

A rule is traced once, for any cotangent (or tangent): these are symbols, of which only the type is known.
"""

from __future__ import annotations

from collections.abc import Iterator

from tapejit.ir.function import Function
from tapejit.ir.passes.dce import dce
from tapejit.ir.types import TensorType
from tapejit.tracer import nested
from tapejit.tracer.errors import NestedDemandError
from tapejit.tracer.handle import Handle
from tapejit.tracer.inner import InnerTape
from tapejit.tracer.location import user_location
from tapejit.tracer.tape import Tape
from tapejit.tracer.trie import Trie, trace_of


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

    def for_all_values(self) -> bool:
        """Whether arrays here may depend on a symbol."""
        return bool(self._symbols)

    def truth(self, handle: Handle) -> bool:
        """That of an array which depends on no symbol is found outside; nothing is computed here."""
        if handle._tape is not self or not self._symbols:
            return super().truth(handle)
        return self.parent.truth(self._outside_alone(handle))

    def _outside_alone(self, handle: Handle) -> Handle:
        """An array of this tape, recorded on the outer one with what it is made of and nothing else."""
        values, trace = self.arguments.values, trace_of(self.node)
        alone = Function("value", trace.function.params, trace.function.body, (trace.values[handle._index],))
        body = dce(alone).body
        read = {v for instr in body for v in instr.operands} | set(alone.results)
        kept = [n for n, v in enumerate(alone.params) if v in read]
        if any(values[n] is symbol for n in kept for symbol in self._symbols):
            raise self._refused()
        key = ("value", handle._index)
        call = self.node.plans.get(key)
        if call is None:
            params = tuple(alone.params[n] for n in kept)
            made = nested.call_of(Function("value", params, body, alone.results))
            call = self.node.plans.setdefault(key, made)
        arguments = [self._argument(values[n], trace.inputs[n]) for n in kept]
        found: Handle = nested.called(self.parent, call, arguments)[0]
        return found

    def _argument(self, x: object, i: int | None) -> object:
        return x if i is None else self.outside(self.sources[i].handle, x)

    def hand_over(self) -> None:
        """Refused where a symbol would have to be a number."""
        if self._symbols:
            raise self._refused()
        super().hand_over()

    def _refused(self) -> NestedDemandError:
        return NestedDemandError(
            f"Python needs the number in an array at {user_location()}, inside {self._name}, which is "
            "traced once for all values and has to be made of NumPy's functions: no float(), .item() or "
            "`math`, and no `if` on what depends on a derivative; choose with np.where"
        )


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
    if x.differentiated or isinstance(tape, RuleTape):
        return True
    return isinstance(tape, InnerTape) and any(differentiated(stack) for stack in tape.stacks())
