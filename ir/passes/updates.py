"""Writes into arrays, put together: what was written is known where it is read, and n writes copy once.

An `update` is not written where it stands but where something needs the whole array. Until then its windows
pile up in `Contents`: a slice of one finds the value that was written (or, outside all of them, what lies
beneath), and of two writes to the same window the first is never seen. Everything is exact, bit for bit.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from tapejit.ir import ops
from tapejit.ir.builder import Builder, Var
from tapejit.ir.function import Function, Instr, Value
from tapejit.ir.types import TensorType
from tapejit.ir.update import Extent, Ints, covers, disjoint, extent, update, within


@dataclass(frozen=True)
class Write:
    """A value in a window."""

    value: Value
    start: Ints
    step: Ints


@dataclass(frozen=True)
class Filled:
    """One number everywhere."""

    type: TensorType
    number: complex


@dataclass(frozen=True)
class Contents:
    """An array as what lies beneath, and windows written over it, which do not overlap."""

    base: Value | Filled
    writes: dict[Extent, Write] = field(default_factory=dict)
    wide: frozenset[Extent] = frozenset()  # the windows of more than one element

    def near(self, window: Extent) -> list[Extent]:
        """The windows that may have elements in common with this one."""
        if window in self.writes:
            return [window]
        others = self.wide if is_element(window) else self.writes
        return [other for other in others if not disjoint(window, other)]

    def written(self, window: Extent, write: Write) -> Contents | None:
        """The contents after one more write; None if it covers a part of another."""
        hidden = self.near(window)
        if not all(covers(window, other) for other in hidden):
            return None
        writes = {w: x for w, x in self.writes.items() if w not in hidden} if hidden else dict(self.writes)
        writes[window] = write
        wide = self.wide.difference(hidden)
        return Contents(self.base, writes, wide if is_element(window) else wide | {window})


def is_element(window: Extent) -> bool:
    """Whether a window has no more than one element."""
    return all(e - b <= 1 for b, e, _ in window)


def updates(function: Function) -> Function:
    """`function` with its writes gathered, and its reads of what was written forwarded."""
    walk = _Walk(function)
    for instr in function.body:
        walk.step(instr)
    return walk.finished()


class _Walk:
    """The new body as far as it is written; arrays whose writes are pending are in `contents` only."""

    def __init__(self, function: Function):
        self.function = function
        self.builder = Builder(function.name)
        self.replaced: dict[Value, Value] = {}
        self.contents: dict[Value, Contents] = {}
        self.pending: dict[Value, Instr] = {}  # by the result of an update that is not written yet

    def step(self, instr: Instr) -> None:
        """Take one instruction of the old body."""
        self.builder.location = instr.location
        operands = self._now(instr.operands)
        if instr.primitive is update:
            self._write(instr, operands)
        elif instr.primitive is ops.pad and operands[0].type.size:
            self._surround(instr, operands[0])
        elif instr.primitive is not ops.slice_ or not self._read(instr, operands[0]):
            self._keep(instr, operands)

    def finished(self) -> Function:
        """The new function, the old one if nothing changed."""
        results = tuple(self._whole(v) for v in self._now(self.function.results))
        body, old = self.builder.function.body, self.function.body
        if results == self.function.results and len(body) == len(old) and all(map(_is, body, old)):
            return self.function
        return Function(self.function.name, self.function.params, body, results)

    def _now(self, values: Iterable[Value]) -> tuple[Value, ...]:
        return tuple(self.replaced.get(v, v) for v in values)

    def _keep(self, instr: Instr, operands: Sequence[Value]) -> None:
        whole = tuple(self._whole(v) for v in operands)
        regions = tuple(updates(r) for r in instr.regions)
        same = whole == instr.operands and regions == instr.regions
        self.builder.function.body.append(instr if same else replace(instr, operands=whole, regions=regions))

    def _write(self, instr: Instr, operands: Sequence[Value]) -> None:
        """Add the windows of an update to the contents of what it writes to."""
        x, *values = operands
        found = self.contents.get(x) or Contents(x)
        for value, start, step in zip(values, instr.attrs["starts"], instr.attrs["steps"], strict=True):
            write = Write(self._whole(value), start, step)
            window = extent(start, step, value.type.shape)
            if value.type.shape == x.type.shape:
                found = Contents(write.value)
            elif value.type.size:
                found = found.written(window, write) or Contents(
                    self._whole(x), {window: write}, _wide(window)
                )
        self._pend(instr, found)

    def _surround(self, instr: Instr, value: Value) -> None:
        """A padded value is written into an array of one number."""
        start, step = instr.attrs["low"], tuple(n + 1 for n in instr.attrs["interior"])
        write = Write(self._whole(value), start, step)
        window = extent(start, step, value.type.shape)
        base = Filled(instr.results[0].type, instr.attrs["value"])
        self._pend(instr, Contents(base, {window: write}, _wide(window)))

    def _pend(self, instr: Instr, found: Contents) -> None:
        result = instr.results[0]
        if found.writes:
            self.contents[result], self.pending[result] = found, instr
        else:
            assert isinstance(found.base, Value)
            self.replaced[result] = found.base

    def _whole(self, value: Value) -> Value:
        """The array itself, its pending writes done."""
        instr = self.pending.pop(value, None)
        if instr is not None:
            contents = self.contents[value]
            self.builder.function.body.append(self._written(instr, contents))
            self.contents[value] = Contents(value)
        return value

    def _read(self, instr: Instr, x: Value) -> bool:
        """Find a slice among the contents, without the whole array."""
        contents, result = self.contents.get(x), instr.results[0]
        if contents is None or x not in self.pending:
            return False
        start, step = instr.attrs["start"], instr.attrs["step"]
        window = extent(start, step, result.type.shape)
        near = contents.near(window)
        if len(near) > 1 or (near and not covers(near[0], window)):
            return False
        source, place = contents.base, (start, step)
        if near:
            source, place = contents.writes[near[0]].value, within(near[0], window)
        self.replaced[result] = self._slice(source, result, *place)
        return True

    def _written(self, instr: Instr, contents: Contents) -> Instr:
        """The instruction that makes all writes of the contents at once."""
        writes = list(contents.writes.values())
        if instr.primitive is ops.pad:
            same = [w.value for w in writes] == list(instr.operands)
            return instr if same else replace(instr, operands=(writes[0].value,))
        operands = (self._beneath(contents), *(w.value for w in writes))
        attrs = {"starts": tuple(w.start for w in writes), "steps": tuple(w.step for w in writes)}
        same = operands == instr.operands and attrs == instr.attrs
        return instr if same else replace(instr, operands=operands, attrs=attrs)

    def _beneath(self, contents: Contents) -> Value:
        base = contents.base
        return base if isinstance(base, Value) else self.builder.full(base.type, base.number).value

    def _slice(self, source: Value | Filled, like: Value, start: Ints, step: Ints) -> Value:
        if isinstance(source, Filled):
            return self.builder.full(like.type, source.number).value
        if source.type == like.type:
            return source
        stop = tuple(e for _, e, _ in extent(start, step, like.type.shape))
        found = ops.slice_(Var(self.builder, source), start=start, stop=stop, step=step).value
        found.name = like.name
        return found


def _wide(window: Extent) -> frozenset[Extent]:
    return frozenset() if is_element(window) else frozenset([window])


def _is(new: Instr, old: Instr) -> bool:
    return new is old
