"""What a node of a loop body reads and assigns: the data flow between emitted statements.

The names in emitted source are unique and its lines are simple, so the flow is read off the lines. Only the
names of variables matter here; names of functions and arrays stand among those read and are never assigned.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tapejit.codegen.level import Guard, Node, Statement
from tapejit.codegen.name import words
from tapejit.ir.work import source_cost


@dataclass(frozen=True, eq=False)
class Piece:
    """A node with the names it reads before it assigns them, all it may assign, and those it surely assigns.

    `stores` are the arrays to which it writes; those it loads from are among the names it reads. `target` is
    the element that it stores, if it is a statement.
    """

    node: Node
    reads: frozenset[str]
    writes: frozenset[str]
    sure: frozenset[str]
    stores: frozenset[str]
    cost: int
    target: str = ""

    @property
    def is_update(self) -> bool:
        """It stores an element that it reads, as one that adds to it."""
        line = next(iter(self.node.lines()))
        return bool(self.target) and self.target in line.partition(" = ")[2]

    @property
    def is_load(self) -> bool:
        """It only fetches an element: it can stand wherever that is needed."""
        return isinstance(self.node, Statement) and self.node.is_load


def pieces(nodes: Iterable[Node]) -> Iterator[Piece]:
    """One per node; none for what is left out because nobody reads it."""
    for node in nodes:
        if any(node.lines()):
            yield _of_statement(node) if isinstance(node, Statement) else _of_guard(node)


def read_first(parts: Iterable[Piece]) -> set[str]:
    """The names that are read before all of these have surely assigned them."""
    found: set[str] = set()
    sure: set[str] = set()
    for part in parts:
        found |= part.reads - sure
        sure |= part.sure
    return found


def assigned(parts: Iterable[Piece]) -> set[str]:
    """The names that some of these may assign."""
    return {name for part in parts for name in part.writes}


def _of_statement(statement: Statement) -> Piece:
    (line,) = statement.lines()
    left, _, right = line.partition(" = ")
    nothing: frozenset[str] = frozenset()
    if not right:
        return Piece(statement, frozenset(words([line])), nothing, nothing, nothing, source_cost(line))
    array, bracket, place = left.partition("[")
    reads, target = frozenset(words([right, place])), frozenset({array})
    if bracket:
        return Piece(statement, reads, nothing, nothing, target, source_cost(line), left)
    return Piece(statement, reads, target, target, nothing, source_cost(right))


def _of_guard(guard: Guard) -> Piece:
    condition = _of_statement(guard.condition)
    branches = [list(pieces(nodes)) for nodes in (guard.body, guard.otherwise)]
    every = [part for branch in branches for part in branch]
    sure = [frozenset(name for part in branch for name in part.sure) for branch in branches]
    return Piece(
        guard,
        condition.reads.union(*map(read_first, branches)),
        frozenset(assigned(every)),
        sure[0] & sure[1],
        frozenset(name for part in every for name in part.stores),
        condition.cost + sum(part.cost for part in every),
    )
