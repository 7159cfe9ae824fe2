"""Results that are left in the memory of parameters, as of `w -= rate * g`: which roots write there, and
when.

A parameter can be written to directly only when all that reads it has run, but for what reads the very
element that is being written. How early that is decides a result's *way*; `hazard` finds out which ways are
safe, from the nests that come of them. Start with `Way` and `last_roots`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from enum import IntEnum
from types import MappingProxyType

from tapejit.codegen.root import Kind, Root, store, updated
from tapejit.ir import ops
from tapejit.ir.emission import OnDemand, Updated
from tapejit.ir.function import Function, Instr, Value
from tapejit.ir.signature import Signature


class Way(IntEnum):
    """How a result gets into its parameter, the best way first."""

    HERE = 0  # the windows of an update are written where it stands; what comes later reads the parameter
    HERE_KEPT = 1  # the same, from temporaries
    LAST = 2  # by the last roots, which may share loops with others
    APART = 3  # in nests after all others
    KEPT = 4  # the same, from a temporary


Ways = Mapping[int, Way]  # by result
NO_WAYS: Ways = MappingProxyType({})


def first_ways(function: Function, signature: Signature) -> Ways:
    """The best way that each result could go."""
    definitions = function.definitions()
    windows = {
        slot: _windows(function, slot, home, definitions) for slot, home in _homes(function, signature)
    }
    best = Way.APART if signature.guards else Way.HERE
    return {slot: max(best, Way.HERE if update else Way.LAST) for slot, update in windows.items()}


def here(function: Function, signature: Signature, ways: Ways) -> dict[Instr, int]:
    """The updates whose windows are written where they stand, and the results that they are."""
    definitions = function.definitions()
    return {
        definitions[function.results[slot]]: slot
        for slot, _ in _homes(function, signature)
        if ways[slot] <= Way.HERE_KEPT
    }


def unneeded(function: Function, signature: Signature, ways: Ways) -> set[Instr]:
    """The updates that nobody reads as a whole: only their windows are written."""
    definitions = function.definitions()
    found = {slot: _windows(function, slot, home, definitions) for slot, home in _homes(function, signature)}
    read = {v for instr in function.body for v in instr.operands}
    read |= {v for slot, v in enumerate(function.results) if found.get(slot) is None}
    updates = (instr for slot, instr in found.items() if ways[slot] >= Way.LAST)
    return {instr for instr in updates if instr is not None and read.isdisjoint(instr.results)}


def last_roots(function: Function, signature: Signature, ways: Ways) -> Iterator[Root]:
    """The roots that write parameters after all others, those of nests apart at the end."""
    definitions = function.definitions()
    for slot, home in sorted(_homes(function, signature), key=lambda pair: ways[pair[0]] >= Way.APART):
        update = _windows(function, slot, home, definitions)
        if ways[slot] <= Way.HERE_KEPT:
            continue
        if update is None:
            yield store(Kind.COPY, function.results[slot], slot, None)
        else:
            yield from windows(update, slot, None)


def windows(update: Instr, slot: int, instr: Instr | None) -> list[Root]:
    """The writes of an update, without the copy of what lies beneath."""
    _, *found = updated(update, slot)
    if instr is not None:
        return found
    return [Root(r.kind, r.value, r.space, r.operands, r.kept, slot, r.start, r.step) for r in found]


def with_kept(function: Function, signature: Signature, ways: Ways) -> tuple[Function, frozenset[Value]]:
    """The function with values of their own for what is kept in a temporary before it is written; these."""
    found = function
    kept: set[Value] = set()
    for slot, home in _homes(function, signature):
        if ways[slot] in (Way.HERE_KEPT, Way.KEPT):
            definitions = found.definitions()
            update = _windows(found, slot, home, definitions)
            again = _Again(definitions)
            if update is None:
                found = _with_result(found, slot, again.of(found.results[slot]), again.body)
            else:
                found = _with_update(found, slot, update, again, ways[slot])
            kept |= again.values
    return found, frozenset(kept)


class _Again:
    """Makes values that can be stored apart of others; `body` makes them."""

    def __init__(self, definitions: Mapping[Value, Instr]):
        self._definitions = definitions
        self.body: list[Instr] = []
        self.values: set[Value] = set()

    def of(self, value: Value) -> Value:
        """The value again, or itself if it is stored anyway."""
        made = self._definitions.get(value)
        if made is not None and not isinstance(made.primitive.emission, OnDemand):
            return value
        new, place = Value(value.type, value.name), None if made is None else made.location
        self.body.append(Instr(ops.reshape, (value,), {"shape": value.type.shape}, (new,), (), place))
        self.values.add(new)
        return new


def _with_update(function: Function, slot: int, update: Instr, again: _Again, way: Way) -> Function:
    """With an update by values that are stored: in its place, or, as another result, at the end."""
    operands = (update.operands[0], *map(again.of, update.operands[1:]))
    if way is Way.HERE_KEPT:
        at, changed = function.body.index(update), replace(update, operands=operands)
        body = [*function.body[:at], *again.body, changed, *function.body[at + 1 :]]
        return Function(function.name, function.params, body, function.results)
    new = Value(update.results[0].type, update.results[0].name)
    again.body.append(replace(update, operands=operands, results=(new,)))
    return _with_result(function, slot, new, again.body)


def _with_result(function: Function, slot: int, result: Value, more: Sequence[Instr]) -> Function:
    results = (*function.results[:slot], result, *function.results[slot + 1 :])
    return Function(function.name, function.params, [*function.body, *more], results)


def _homes(function: Function, signature: Signature) -> list[tuple[int, int]]:
    """Results and their parameters, but for those that are there already."""
    pairs = signature.overwritten.items()
    return [(slot, home) for slot, home in pairs if function.results[slot] is not function.params[home]]


def _windows(function: Function, slot: int, home: int, definitions: Mapping[Value, Instr]) -> Instr | None:
    """The update of just the parameter's elements that a result is, if it is one."""
    instr = definitions.get(function.results[slot])
    if instr is None or not isinstance(instr.primitive.emission, Updated) or len(instr.operands) < 2:
        return None
    return instr if instr.operands[0] is function.params[home] else None
