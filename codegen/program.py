"""The body of a program: memory for what is stored, then nest after nest, call after call.

A region is written the same way, inside control flow, with the memory of its operands and results handed in.
Everything is built before anything is written, because a temporary that nobody reads is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

from tapejit.codegen import fold
from tapejit.codegen.band import BandWriter
from tapejit.codegen.call import panels, product_lines
from tapejit.codegen.comment import comment
from tapejit.codegen.control import Lines, Site, alias, branch, call
from tapejit.codegen.level import INDENT
from tapejit.codegen.library import library
from tapejit.codegen.loop import TICKS, loop, loop_adjoint
from tapejit.codegen.memory import Array, Home, Register, Storage, Target, made
from tapejit.codegen.mention import Mentions
from tapejit.codegen.name import Names
from tapejit.codegen.nesting import Nest
from tapejit.codegen.repeat import with_repeats, with_shared_blocks
from tapejit.codegen.roll import rolled
from tapejit.codegen.root import Kind, Root
from tapejit.codegen.schedule import Schedule, schedule
from tapejit.codegen.sort import sort_lines
from tapejit.codegen.spill import spilled
from tapejit.codegen.workspace import in_general_workspace, in_workspace
from tapejit.ir.emission import Alias, Branch, Call, Library, Loop, LoopAdjoint
from tapejit.ir.function import Function, Instr, Value
from tapejit.ir.signature import signature_of

CONTROL: dict[type, Callable[[Site], tuple[list[Home], Lines]]] = {
    Branch: branch,
    Call: call,
    Alias: alias,
    Loop: loop,
    LoopAdjoint: loop_adjoint,
    Library: library,
}
LOOPS = (Loop, LoopAdjoint)
Numbered = tuple[int, Nest]
IN_MEMORY = (Kind.LIBRARY, Kind.SORT, Kind.SCATTER, Kind.SCAN)  # never in a register
MANY_LOOPS = 32  # in a program: one of fewer compiles quickly, and LLVM sees more in it as it is


class ProgramWriter:
    """Writes a schedule; `storage` holds the parameters, `outs` the memory of the results.

    Inside a loop, `memory` collects the lines that make arrays, for before the loop.
    """

    def __init__(
        self,
        scheduled: Schedule,
        storage: Storage,
        outs: Sequence[Home],
        names: Names,
        memory: list[Lines] | None = None,
        outer: ProgramWriter | None = None,
    ):
        self.plan, self.storage, self.outs, self.names = scheduled.plan, storage, outs, names
        self.memory = memory
        self.functions: list[str] = outer.functions if outer else []  # of blocks, filled by `lines`
        self.arrays: list[Array] = outer.arrays if outer else []  # temporaries, filled by `lines`
        self._always = scheduled.guarded  # parts that run whether a guard holds or not
        self.parts = [self._part(part) for part in scheduled.parts]
        self._serial = [k for k, part in enumerate(scheduled.parts) if part[0][1].is_serial]

    def lines(self) -> Iterator[str]:
        """The source."""
        for part in self.parts:
            yield from part()

    def whole(self) -> list[str]:
        """The source of a program that is no region: its temporaries lie in a workspace."""
        parts = [list(part()) for part in self.parts]
        if self._always < len(parts):
            return self._in_workspace(self._guarded(parts))
        if _loops([*parts, self.functions]) < MANY_LOOPS:
            return self._in_workspace(parts)
        return self._with_repeats(parts)

    def _with_repeats(self, parts: Sequence[list[str]]) -> list[str]:
        """A long program: what its parts repeat is said once, see docs/decisions/0018-repeated-nests.md."""
        blocks, launching = with_shared_blocks(self.functions, parts, self.plan.general)
        lean, cells = spilled(launching, self.names)
        mentions = Mentions(lean, cells)
        functions, repeated = with_repeats(lean, mentions, self._serial, self.names, self.plan.general)
        if not functions and blocks == self.functions:
            return self._in_workspace(parts)
        self.functions[:] = [*blocks, *functions]
        self.arrays += cells.values()
        if self.plan.general:
            return in_general_workspace(repeated, self.arrays, self.names)
        return rolled(in_workspace(repeated, self.arrays, smallest=0), cells, self.names)

    def _in_workspace(self, parts: Sequence[Sequence[str]]) -> list[str]:
        if self.plan.general:
            return in_general_workspace(parts, self.arrays, self.names)
        return [line for part in in_workspace(parts, self.arrays) for line in part]

    def _guarded(self, parts: list[list[str]]) -> list[list[str]]:
        """Those from the first on that overwrites a parameter run only where the guard holds."""
        inside = [[INDENT + line for line in part] for part in parts[self._always :]]
        inside[0].insert(0, f"if {self.outs[self.plan.signature.guards[0]].name}[0]:")
        return [*parts[: self._always], *inside]

    def sources(self) -> list[str]:
        """The name of each result; for one in a register, the variable in which the lines leave it."""
        pairs = zip(self.outs, self.plan.function.results, strict=True)
        return [self.storage[v].name if isinstance(out, Register) else out.name for out, v in pairs]

    def _part(self, nests: Sequence[Numbered]) -> Lines:
        """A call, a nest, or the nests of a band."""
        number, nest = nests[0]
        root = nest.roots[0]
        if nest.band is not None or not root.is_call:
            return self._nests(nests)
        if root.kind is Kind.CONTROL:
            return self._control(number, root)
        targets, prepared = self._prepared_targets(nest)
        own = panels(root, self.names, self.plan.general) if root.kind is Kind.LIBRARY else []
        call = self._call(root, targets[root], own)
        return lambda: [comment(number, _instrs(root)), *_flattened(prepared), *self._made(own), *call]

    def _nests(self, nests: Sequence[Numbered]) -> Lines:
        writer = BandWriter(self.plan, self.storage, self.names, nests[0][1])
        prepared: list[Lines] = []
        for number, nest in nests:
            targets, lines_before = self._prepared_targets(nest)
            prepared += lines_before
            writer.add(number, nest, targets)

        def lines() -> list[str]:
            writer.settle()
            body = writer.lines()
            own = self._launched(writer, body) if writer.blocks else [*self._made(writer.buffers), *body]
            return [writer.title, *_flattened(prepared), *own]

        return lines

    def _launched(self, writer: BandWriter, body: list[str]) -> list[str]:
        """The lines that run `body` in blocks, which is a function of its own."""
        available = [home.name for home in (*self.storage.values(), *self.outs)]
        made = self._made(writer.panels)
        function, launch = writer.launched(body, available)
        self.functions += function
        self.arrays += writer.parts
        return [*made, *launch]

    def _prepared_targets(self, nest: Nest) -> tuple[dict[Root, Target], list[Lines]]:
        """Where the roots of a nest write, and the lines that make that memory."""
        targets: dict[Root, Target] = {}
        prepared = []
        for root in nest.roots:
            targets[root] = self._target(root)
            prepared.append(self._prepared(root, targets[root]))
        return targets, prepared

    def _made(self, arrays: Sequence[Array]) -> list[str]:
        """The lines that make temporaries; inside a loop they stand before that."""
        lines = [made(array) for array in arrays]
        self.arrays += arrays
        if self.memory is None:
            return lines
        self.memory.append(lambda: lines)
        return []

    def _call(self, root: Root, target: Target, own: list[Array]) -> list[str]:
        self._whole(root.value)  # its memory is written whoever reads it
        if root.kind is Kind.LIBRARY:
            return product_lines(root, target, self.storage, self.plan.definitions, own)
        return sort_lines(root, target, self._whole(root.operands[0].value), self.names)

    def _target(self, root: Root) -> Target:
        """Where a root writes: its result, or a temporary."""
        if root.slot is not None:
            return Target(self.outs[root.slot], self.plan.signature.accumulate[root.slot])
        if root.value.type.size == 1 and root.kind not in IN_MEMORY:
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
        folds = root.kind is Kind.SCATTER or (root.kind is Kind.FOLD and not root.trailing)
        begun = not folds or target.accumulate
        start = (
            ()
            if begun
            else (f"for i in range({root.value.type.size}):", f"{INDENT}{array.name}[i] = {fold.start(root)}")
        )

        def make() -> Iterator[str]:
            if fresh and array.needed and not array.private:
                self.arrays.append(array)
                yield made(array)

        if self.memory is not None:
            self.memory.append(make)
        here = make if self.memory is None else tuple
        return lambda: (*here(), *start) if array.needed else ()

    def _control(self, number: int, root: Root) -> Lines:
        """An instruction with regions: these are programs of their own inside its lines."""
        (instr,) = _instrs(root)
        emission = type(instr.primitive.emission)
        memory: list[Lines] = [] if self.memory is None else self.memory
        region = partial(self._region, memory=memory if emission in LOOPS else self.memory)
        operands = [self._whole(o.value) for o in root.operands]
        site = Site(instr, operands, self.names, memory, region)
        results, lines = CONTROL[emission](site)
        self.storage.update(zip(root.values, results, strict=True))
        if self.memory is None and emission not in LOOPS:  # whose rows change hands
            self.arrays += site.arrays
        if self.memory is None and emission in LOOPS:
            memory.append(lambda: [f"{TICKS} = 0"])

        def all_lines() -> list[str]:
            inside = list(lines())  # first: what it leaves out need not be made
            return [comment(number, [instr]), *(_flattened(memory) if self.memory is None else ()), *inside]

        return all_lines

    def _whole(self, value: Value) -> Home:
        """The memory of a value that something else than a loop reads."""
        home = self.storage[value]
        if isinstance(home, Array):
            home.readers.add(self)
        return home

    def _region(
        self,
        region: Function,
        operands: Sequence[Home],
        results: Sequence[Home],
        accumulate: frozenset[int] = frozenset(),
        memory: list[Lines] | None = None,
    ) -> ProgramWriter:
        storage: Storage = dict(zip(region.params, operands, strict=True))
        scheduled = schedule(region, signature_of(region, accumulate=accumulate), self.plan.general)
        return ProgramWriter(scheduled, storage, results, self.names, memory, self)


def _instrs(root: Root) -> list[Instr]:
    return [root.instr] if root.instr else []


def _loops(parts: Iterable[Iterable[str]]) -> int:
    return sum(line.lstrip().startswith(("for ", "while ")) for part in parts for line in part)


def _flattened(parts: Iterable[Lines]) -> list[str]:
    return [line for part in parts for line in part()]
