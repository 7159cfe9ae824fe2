"""The body of a program: memory for what is stored, then nest after nest, call after call.

A region is written the same way, inside an `if`, with the memory of its operands and results handed in.
Everything is built before anything is written, because a temporary that nobody reads is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from tapejit.codegen import fold
from tapejit.codegen.call import gemm_lines
from tapejit.codegen.control import control_lines
from tapejit.codegen.level import INDENT
from tapejit.codegen.memory import Array, Register, Storage, Target, made
from tapejit.codegen.name import Names
from tapejit.codegen.nest import NestWriter
from tapejit.codegen.root import Kind, Root
from tapejit.codegen.schedule import Nest, Schedule, schedule
from tapejit.ir.function import Function, Instr, Value
from tapejit.ir.signature import signature_of

Lines = Callable[[], Iterable[str]]
MOST_PLACES = 4  # named in one comment


class ProgramWriter:
    """Writes a schedule; `storage` holds the parameters, `outs` the memory of the results."""

    def __init__(self, scheduled: Schedule, storage: Storage, outs: Sequence[Array], names: Names):
        self.plan, self.storage, self.outs, self.names = scheduled.plan, storage, outs, names
        self.parts = [self._part(n, nest) for n, nest in enumerate(scheduled.nests, 1)]

    def lines(self) -> Iterator[str]:
        """The source."""
        for part in self.parts:
            yield from part()

    def _part(self, number: int, nest: Nest) -> Lines:
        root = nest.roots[0]
        if root.kind is Kind.CONTROL:
            return self._control(number, root)
        targets: dict[Root, Target] = {}
        made: list[Lines] = []
        for each in nest.roots:
            targets[each] = self._target(each)
            made.append(self._prepared(each, targets[each]))
        if root.kind is Kind.LIBRARY:
            call = gemm_lines(root, targets[root], self.storage, self.plan.definitions)
            return lambda: [comment(number, _instrs(root)), *_flattened(made), *call]
        writer = NestWriter(self.plan, nest, self.storage, targets, self.names)

        def lines() -> list[str]:
            writer.settle()
            return [comment(number, writer.instrs()), *_flattened(made), *writer.lines()]

        return lines

    def _target(self, root: Root) -> Target:
        """Where a root writes: its result, or a temporary."""
        if root.slot is not None:
            return Target(self.outs[root.slot], self.plan.signature.accumulate[root.slot])
        if root.value.type.size == 1 and root.kind is not Kind.LIBRARY:
            return Target(Register(""))
        return Target(self.storage.get(root.value) or self._temporary(root))

    def _temporary(self, root: Root) -> Array:
        return Array(self.names.of(root.value), root.value.type.size, root.value.type.dtype, temporary=True)

    def _prepared(self, root: Root, target: Target) -> Lines:
        """Take note of a root's memory; the lines that make it and set it to a fold's starting value."""
        array = target.storage
        if not isinstance(array, Array):
            return lambda: ()
        fresh = root.slot is None and root.value not in self.storage
        if root.instr is not None:
            self.storage[root.value] = array
        begun = root.kind is not Kind.FOLD or root.trailing or target.accumulate
        start = () if begun else (
            f"for i in range({root.value.type.size}):", f"{INDENT}{array.name}[i] = {fold.start(root)}"
        )
        return lambda: (*([made(array)] if fresh else []), *start) if array.needed else ()

    def _control(self, number: int, root: Root) -> Lines:
        """An instruction with regions: these are programs of their own inside its lines."""
        operands = [self._whole(o.value) for o in root.operands]
        results, lines = control_lines(root, operands, self.names, self._region)
        self.storage.update(zip(root.values, results, strict=True))
        return lambda: [comment(number, _instrs(root)), *lines()]

    def _whole(self, value: Value) -> Array | Register:
        """The memory of a value that something else than a loop reads."""
        home = self.storage[value]
        if isinstance(home, Array):
            home.readers.add(self)
        return home

    def _region(
        self, region: Function, operands: Sequence[Array | Register], results: Sequence[Array],
        accumulate: frozenset[int] = frozenset(),
    ) -> Lines:
        storage: Storage = dict(zip(region.params, operands, strict=True))
        scheduled = schedule(region, signature_of(region, accumulate=accumulate))
        return ProgramWriter(scheduled, storage, results, self.names).lines


def _instrs(root: Root) -> list[Instr]:
    return [root.instr] if root.instr else []


def _flattened(parts: Iterable[Lines]) -> list[str]:
    return [line for part in parts for line in part()]


def comment(number: int, instrs: Iterable[Instr]) -> str:
    """The operations of a nest or call, and where the user wrote them."""
    instrs = list(instrs)
    names = list(dict.fromkeys(instr.primitive.name for instr in instrs)) or ["copy"]
    places = list(dict.fromkeys(instr.location for instr in instrs if instr.location))
    where = f"  ({', '.join(places[:MOST_PLACES])}{', ...' * (len(places) > MOST_PLACES)})" if places else ""
    return f"# nest {number}: {', '.join(names)}{where}"
