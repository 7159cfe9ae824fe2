"""The blocks of a nest in source: a function that runs one, its launch, and how their parts are combined.

A *part* is what one block adds to something that all blocks share: the register of a sum over the whole
nest, or an array of column sums. Parts lie side by side, one per block, and are combined in the order of
the blocks, sums of floats with their rounding errors kept. Start with `Blocks`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from tapejit.codegen import fold
from tapejit.codegen.affine import LoopVar, atom
from tapejit.codegen.level import INDENT, Node, Statement
from tapejit.codegen.memory import Array, Home, made
from tapejit.codegen.name import SIZES, Names, words
from tapejit.codegen.parallel import Division
from tapejit.codegen.root import Root

Finish = Callable[..., list[Node]]  # of the registers of a complete fold: what is done with them


@dataclass(frozen=True)
class _Register:
    """A fold over the whole nest: the registers of one block, the arrays of their parts, what comes after."""

    root: Root
    names: tuple[str, ...]
    parts: tuple[Array, ...]
    finish: Finish

    def lines(self, blocks: int) -> Iterator[str]:
        """Combine the parts and go on as if there had been no blocks."""
        yield from fold.combined_parts(self.root, self.names, [p.name for p in self.parts], blocks)
        for node in self.finish(*self.names):
            yield from node.lines({})


@dataclass(frozen=True)
class _Memory:
    """A fold into an array: the array, and one of its size per block."""

    root: Root
    whole: Array
    parts: Array

    def begun(self) -> Iterator[str]:
        """In a block, before its loops."""
        size = self.root.value.type.size
        yield f"for i in range({size}):"
        yield f"{INDENT}{self.parts.name}[block * {size} + i] = {fold.start(self.root)}"

    def lines(self, blocks: int) -> Iterator[str]:
        size, whole = self.root.value.type.size, f"{self.whole.name}[i]"
        yield f"for block in range({blocks}):"
        yield f"{INDENT}for i in range({size}):"
        part = f"{self.parts.name}[block * {size} + i]"
        yield f"{INDENT * 2}{whole} = {fold.combined(self.root, whole, part)}"


class Blocks:
    """The blocks of one nest, while the nest is built and when it is written."""

    def __init__(self, division: Division, names: Names, general: bool):
        self._division, self._names = division, names
        self._given = [SIZES] if general else []
        self._registers: list[_Register] = []
        self._memory: dict[Root, _Memory] = {}
        self.private: list[Array] = []  # what each block needs for itself
        self.parts: list[Array] = []  # known when the nest is written

    def length(self, extent: int) -> int:
        """Of one block of the outermost loop."""
        return self._division.length(extent)

    def keep(self, home: Home, rows: int, reader: object, readers: set[object]) -> None:
        """Let a block have memory for its own rows of what only `readers` read, not `reader` alone."""
        if not isinstance(home, Array) or not home.temporary or not home.readers - {reader}:
            return
        if home.readers <= readers:
            home.private, home.size = True, self.length(rows) * (home.size // rows)
            self.private.append(home)

    def count_from_first(self, outermost: LoopVar, users: Iterable[Statement]) -> None:
        """Where such memory is read or written it begins with the first row of the block."""
        inside = {outermost: atom(outermost) + atom(LoopVar("first", outermost.extent)) * -1}
        for s in users:
            if s.array in self.private:
                s.holes = tuple(h.replace(inside) for h in s.holes)

    def cell(self, root: Root, whole: Array) -> str:
        """Where a block adds to what belongs into `whole`, with `{0}` for the place in that."""
        if root not in self._memory:
            parts = Array(self._names.fresh("parts"), 0, root.value.type.dtype)
            self._memory[root] = _Memory(root, whole, parts)
        return f"{self._memory[root].parts.name}[block * {root.value.type.size} + {{0}}]"

    def apart(self, root: Root, dtype: str, finish: Finish) -> Finish:
        """What a block does with a complete fold instead of `finish`: it leaves it apart."""

        def leave(*names: str) -> list[Node]:
            types = (root.value.type.dtype, dtype)[: len(names)]
            parts = tuple(Array(self._names.fresh("parts"), 0, t) for t in types)
            self._registers.append(_Register(root, names, parts, finish))
            return [Statement(f"{p.name}[block] = {n}") for p, n in zip(parts, names, strict=True)]

        return leave

    def lines(self, extent: int, body: list[str], available: Iterable[str]) -> tuple[list[str], list[str]]:
        """The function of a block, and the lines of the program that launch it and combine its parts."""
        length = self.length(extent)
        count, name = -(-extent // length), self._names.fresh("nest")
        memory = [m for m in self._memory.values() if m.whole.needed]
        self.parts = parts = self._sized(count, memory)
        inside = [
            f"first = block * {length}",
            f"last = first + min({length}, {extent} - first)",
            *map(made, self.private),
            *(line for m in memory for line in m.begun()),
            *body,
        ]
        own = {array.name for array in self.private}.union(*(r.names for r in self._registers))
        found = _used(inside, [*(p.name for p in parts), *available])
        names = [*self._given, *(n for n in found if n not in own)]
        function = [f"def {name}(block, {', '.join(names)}):", *(INDENT + line for line in inside)]
        launch = f"parallel({count}, {name}, ({', '.join(names)},))"
        after = [line for m in memory for line in m.lines(count)]
        after += [line for r in self._registers for line in r.lines(count)]
        return function, [*map(made, parts), launch, *after]

    def _sized(self, count: int, memory: list[_Memory]) -> list[Array]:
        for m in memory:
            m.parts.size = count * m.root.value.type.size
        registers = [p for r in self._registers for p in r.parts]
        for part in registers:
            part.size = count
        return [*(m.parts for m in memory), *registers]


def _used(lines: Iterable[str], available: Iterable[str]) -> list[str]:
    """Those of the names that stand in the lines."""
    found = words(lines)
    return [name for name in dict.fromkeys(available) if name in found]
