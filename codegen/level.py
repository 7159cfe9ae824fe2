"""The body of a loop nest while it is being built: statements by loop level.

A nest is a chain of levels; each holds the statements before and after the loop it opens. Indices in
statements stay symbolic, so that loops can still be merged; `write` turns the chain into lines.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from tapejit.codegen.affine import Affine, LoopVar, Ranges, atom, flat_in
from tapejit.codegen.condition import Check
from tapejit.codegen.memory import Array
from tapejit.codegen.name import words

INDENT = "    "
ANYWHERE: Ranges = MappingProxyType({})


@dataclass(eq=False)
class Statement:
    """A line with `{0}`, `{1}` for its index expressions."""

    template: str
    holes: tuple[Affine, ...] = ()
    array: Array | None = None  # the memory that a load or a store is about

    def lines(self, ranges: Ranges = ANYWHERE) -> Iterator[str]:
        if self.array is None or self.array.needed:
            yield self.template.format(*self.holes)

    def statements(self) -> Iterator[Statement]:
        yield self

    @property
    def is_load(self) -> bool:
        """It only fetches an element."""
        return self.array is not None and self.template.endswith(f" = {self.array.name}[{{0}}]")

    def fits(self, outer: LoopVar, inner: LoopVar) -> bool:
        """Whether it can be said in one loop over both."""
        return all(flat_in(hole, outer, inner) for hole in self.holes)

    def merge(self, outer: LoopVar, inner: LoopVar, both: LoopVar) -> None:
        """Say it so."""
        new = {outer: Affine(), inner: atom(both)}
        self.holes = tuple(h.replace(new) for h in self.holes)


@dataclass(eq=False)
class Condition(Statement):
    """Checks that have to hold together; about the memory `array`, if that may turn out not to be needed."""

    checks: tuple[Check, ...] = ()

    def lines(self, ranges: Ranges = ANYWHERE) -> Iterator[str]:
        """Those checks that the ranges leave open."""
        yield " and ".join(str(c) for c in self.checks if c.decided(ranges) is None)

    def fails(self, ranges: Ranges) -> bool:
        return any(c.decided(ranges) is False for c in self.checks)

    def fits(self, outer: LoopVar, inner: LoopVar) -> bool:
        return all(c.merged(outer, inner, inner) for c in self.checks)

    def merge(self, outer: LoopVar, inner: LoopVar, both: LoopVar) -> None:
        self.checks = tuple(new for t in self.checks if (new := t.merged(outer, inner, both)))


@dataclass(eq=False)
class Guard:
    """`if condition: body, else: otherwise`; one of the two where the loops' ranges say which."""

    condition: Statement
    body: list[Statement | Guard] = field(default_factory=list)
    otherwise: list[Statement | Guard] = field(default_factory=list)

    def lines(self, ranges: Ranges = ANYWHERE) -> Iterator[str]:
        body, otherwise = list(node_lines(self.body, ranges)), list(node_lines(self.otherwise, ranges))
        remaining = "".join(self.condition.lines(ranges))
        if isinstance(self.condition, Condition) and self.condition.fails(ranges):
            yield from otherwise
        elif not remaining:
            yield from body
        elif body or otherwise:
            yield f"if {remaining}:"
            yield from (INDENT + line for line in body or ["pass"])
            if otherwise:
                yield "else:"
            yield from (INDENT + line for line in otherwise)

    def statements(self) -> Iterator[Statement]:
        yield self.condition
        for node in (*self.body, *self.otherwise):
            yield from node.statements()

    def absorb(self, other: Guard) -> None:
        """Do what `other` does as well, which has the same condition and comes next."""
        self.body += other.body
        self.otherwise += other.otherwise


Node = Statement | Guard
Section = tuple[int, int]  # of a loop's range: its first value, and what it stays below


@dataclass(frozen=True)
class Span:
    """What a loop runs over: source of its first value and of what it stays below; what is known there."""

    low: str
    high: str
    known: Ranges


@dataclass(frozen=True)
class Stretch:
    """Up to `length` values of a loop, from where `begin` stands, counted by `counter`."""

    begin: LoopVar
    length: int
    counter: str


@dataclass(eq=False)
class Level:
    """Statements, then a loop over the levels that follow (None: innermost), then statements.

    A loop may run in `sections`, one after another. In all but the longest one the loops inside it run whole.
    Or it runs over `spans`, which need not be all of its range.
    """

    loop: LoopVar | None = None
    step: int = 1
    divided: bool = False  # it runs over what a block has of its range, from `first` below `last`
    sections: tuple[Section, ...] = ()
    spans: tuple[Span, ...] = ()
    stretch: Stretch | None = None  # all it runs over, if the level around it goes in stretches
    before: list[Node] = field(default_factory=list)
    after: list[Node] = field(default_factory=list)

    @property
    def variable(self) -> LoopVar:
        """Of the loop, which it must have."""
        assert self.loop is not None
        return self.loop

    @property
    def counter(self) -> str:
        """What counts if the loop's variable does not."""
        return self.stretch.counter if self.stretch else ""

    @property
    def nodes(self) -> list[Node]:
        return self.before + self.after


@dataclass(eq=False)
class Group:
    """Levels that run for every iteration of a loop around them before what follows does."""

    chain: list[Level]

    def groups(self) -> Iterator[Group]:
        yield self


@dataclass(eq=False)
class Branch:
    """The loop of a level around items."""

    level: Level
    inside: Sequence[Item]

    def groups(self) -> Iterator[Group]:
        for item in self.inside:
            yield from item.groups()


Item = Group | Branch


def chain(loops: Sequence[LoopVar]) -> list[Level]:
    """A level for each loop, and the innermost one."""
    return [*(Level(loop) for loop in loops), Level()]


def deepest(levels: Sequence[Level], loops: frozenset[LoopVar]) -> Level:
    """The outermost level that is inside all of `loops`."""
    return levels[max((k + 1 for k, level in enumerate(levels) if level.loop in loops), default=0)]


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
        if all(s.fits(outer.loop, inner.loop) for s in users):
            merged = LoopVar(outer.loop.name, outer.loop.extent * inner.loop.extent)
            for s in users:
                s.merge(outer.loop, inner.loop, merged)
            outer.loop = merged
            del levels[k]


@dataclass(frozen=True)
class Run:
    """What is known inside a loop."""

    ranges: Ranges = field(default_factory=dict)
    low: str = ""  # where it starts, as source
    high: str = ""  # what it stays below
    edge: bool = False  # it or one around it runs over a section that is not the longest


def write(levels: Sequence[Level], inside: Iterable[str] = (), around: Run | None = None) -> Iterator[str]:
    """The lines of a chain of levels; the last one holds the lines `inside`."""
    if not levels:
        yield from inside
        return
    level, around = levels[0], around or Run()
    yield from node_lines(level.before, around.ranges)
    for run in runs(level, around):
        yield from loop_lines(level, write(levels[1:], inside, run), run)
    yield from node_lines(level.after, around.ranges)


def loop_lines(level: Level, inside: Iterable[str], run: Run) -> Iterator[str]:
    """A loop of a level; nothing if there is nothing inside, as where that wrote what nobody reads."""
    body = [INDENT + line for line in inside]
    if not body:
        return
    yield f"for {level.counter or level.variable.name} in range({_arguments(level, run)}):"
    if level.stretch and level.variable.name in words(body):
        yield f"{INDENT}{level.variable.name} = {level.stretch.begin.name} + {level.counter}"
    yield from body


def runs(level: Level, around: Run | None = None) -> Iterator[Run]:
    """The loops that a level writes, one after another."""
    around = around or Run()
    if level.loop is None:
        return
    if level.stretch is not None:
        yield replace(around, ranges={**around.ranges, level.loop: around.ranges[level.stretch.begin]})
        return
    for span in level.spans:
        ranges = {**around.ranges, level.loop: level.loop.span, **span.known}
        yield Run(ranges, span.low, span.high, around.edge)
    if level.spans:
        return
    whole = (0, level.loop.extent)
    sections = (whole,) if around.edge or not level.sections else level.sections
    longest = max(sections, key=lambda section: section[1] - section[0])
    for section in sections:
        ranges = {**around.ranges, level.loop: (section[0], max(section[1] - 1, section[0]))}
        yield Run(ranges, *_ends(section, whole, level.divided), around.edge or section != longest)


def _ends(section: Section, whole: Section, divided: bool) -> tuple[str, str]:
    """Source of where a section starts and of what it stays below, in a block if the loop is divided."""
    if not divided:
        return str(section[0]), str(section[1])
    low = "first" if section[0] == whole[0] else f"max(first, {section[0]})"
    return low, "last" if section[1] == whole[1] else f"min(last, {section[1]})"


def _arguments(level: Level, run: Run) -> str:
    """What the loop's `range` is given."""
    if level.stretch is not None:
        return f"min({level.stretch.length}, {run.high} - {level.stretch.begin.name})"
    low = [run.low] if run.low != "0" or level.step > 1 else []
    step = [str(level.step)] if level.step > 1 else []
    return ", ".join([*low, run.high, *step])


def node_lines(nodes: Iterable[Node], ranges: Ranges = ANYWHERE) -> Iterator[str]:
    for node in nodes:
        yield from node.lines(ranges)
