"""The body of a loop nest while it is being built: statements by loop level.

A nest is a chain of levels; each holds the statements before and after the loop it opens. Indices in
statements stay symbolic, so that loops can still be merged; `write` turns the chain into lines.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from tapejit.codegen.affine import Affine, LoopVar, atom
from tapejit.codegen.memory import Array
from tapejit.codegen.name import words

INDENT = "    "


@dataclass(eq=False)
class Statement:
    """A line with `{0}`, `{1}` for its index expressions."""

    template: str
    holes: tuple[Affine, ...] = ()
    array: Array | None = None  # the memory that a load or a store is about

    def lines(self) -> Iterator[str]:
        if self.array is None or self.array.needed:
            yield self.template.format(*self.holes)

    def statements(self) -> Iterator[Statement]:
        yield self

    @property
    def is_load(self) -> bool:
        """It only fetches an element."""
        return self.array is not None and self.template.endswith(f" = {self.array.name}[{{0}}]")


@dataclass(eq=False)
class Guard:
    """`if condition: body, else: otherwise`."""

    condition: Statement
    body: list[Statement | Guard]
    otherwise: list[Statement | Guard]

    def lines(self) -> Iterator[str]:
        for condition in self.condition.lines():
            yield f"if {condition}:"
        for node in self.body:
            yield from (INDENT + line for line in node.lines())
        if self.otherwise:
            yield "else:"
        for node in self.otherwise:
            yield from (INDENT + line for line in node.lines())

    def statements(self) -> Iterator[Statement]:
        yield self.condition
        for node in (*self.body, *self.otherwise):
            yield from node.statements()


Node = Statement | Guard


@dataclass(eq=False)
class Level:
    """Statements, then a loop over the levels that follow (None: innermost), then statements."""

    loop: LoopVar | None = None
    range: tuple[str, ...] = ()  # the arguments of its `range`, if not the whole extent
    base: str = ""  # the loop's variable is this and a counter, if it does not count itself
    counter: str = ""
    before: list[Node] = field(default_factory=list)
    after: list[Node] = field(default_factory=list)

    @property
    def nodes(self) -> list[Node]:
        return self.before + self.after


def chain(loops: Sequence[LoopVar]) -> list[Level]:
    """A level for each loop, and the innermost one."""
    return [*(Level(loop) for loop in loops), Level()]


def in_order(levels: Sequence[Level]) -> list[Node]:
    """The nodes as they run."""
    return [
        *(n for level in levels for n in level.before),
        *(n for level in levels[::-1] for n in level.after),
    ]


def statements(levels: Iterable[Level]) -> Iterator[Statement]:
    for level in levels:
        for node in level.nodes:
            yield from node.statements()


def merge_loops(levels: list[Level], pinned: set[Level], users: Sequence[Statement]) -> None:
    """Merge each loop with the one directly inside it where every index in `users` allows that.

    Nothing may stand between the two, and no level in `pinned` (a register's home) may go.
    """
    for k in range(len(levels) - 2, 0, -1):
        outer, inner = levels[k - 1], levels[k]
        if inner.nodes or inner in pinned or inner.loop is None or outer.loop is None:
            continue
        if all(_flat_in(e, outer.loop, inner.loop) for s in users for h in s.holes for e in h.affines()):
            merged = LoopVar(outer.loop.name, outer.loop.extent * inner.loop.extent)
            new = {outer.loop: Affine(), inner.loop: atom(merged)}
            for s in users:
                s.holes = tuple(h.replace(new) for h in s.holes)
            outer.loop = merged
            del levels[k]


def _flat_in(expression: Affine, outer: LoopVar, inner: LoopVar) -> bool:
    return expression.coefficient(outer) == expression.coefficient(inner) * inner.extent


def write(levels: Sequence[Level], inside: Iterable[str] = ()) -> Iterator[str]:
    """The lines of a chain of levels; the last one holds the lines `inside`."""
    if not levels:
        yield from inside
        return
    level = levels[0]
    yield from node_lines(level.before)
    if level.loop is None:
        return
    yield from loop_lines(level, write(levels[1:], inside))
    yield from node_lines(level.after)


def loop_lines(level: Level, inside: Iterable[str]) -> Iterator[str]:
    """The loop of a level; nothing if there is nothing inside, as where that wrote what nobody reads."""
    body = [INDENT + line for line in inside]
    if not body:
        return
    assert level.loop is not None
    bounds = ", ".join(level.range or (str(level.loop.extent),))
    yield f"for {level.counter or level.loop.name} in range({bounds}):"
    if level.base and level.loop.name in words(body):
        yield f"{INDENT}{level.loop.name} = {level.base} + {level.counter}"
    yield from body


def node_lines(nodes: Iterable[Node]) -> Iterator[str]:
    for node in nodes:
        yield from node.lines()
