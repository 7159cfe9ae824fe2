"""Control flow: the lines around the regions of a branch, a loop, and the adjoint of a loop.

A region is written by `region(function, operands, results, accumulate)`, which says in which memory its
operands are and its results go. A loop swaps two sets of arrays: the values it carries, and the next
ones. The adjoint of a loop keeps the carried values of all steps in one growing row per value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from tapejit.codegen.level import INDENT
from tapejit.codegen.memory import Array, Register, made
from tapejit.codegen.name import Names
from tapejit.codegen.root import Root
from tapejit.ir.function import Function, Instr
from tapejit.ir.primitive import Branch, Loop
from tapejit.ir.types import TensorType

Memory = Array | Register
Lines = Callable[[], Iterable[str]]
FIRST_ROOM = 16  # steps that the adjoint of a loop has memory for before it grows


class WriteRegion(Protocol):
    def __call__(
        self, region: Function, operands: Sequence[Memory], results: Sequence[Array],
        accumulate: frozenset[int] = frozenset(),
    ) -> Lines: ...


def control_lines(
    root: Root, operands: Sequence[Memory], names: Names, region: WriteRegion
) -> tuple[list[Array], Lines]:
    """The memory of the results of an instruction with regions, and its lines."""
    assert root.instr is not None
    writer = _Control(root.instr, operands, names, region)
    emission = root.instr.primitive.emission
    if isinstance(emission, Branch):
        return writer.branch()
    return writer.loop() if isinstance(emission, Loop) else writer.adjoint()


@dataclass
class _Control:
    instr: Instr
    operands: Sequence[Memory]
    names: Names
    region: WriteRegion

    def branch(self) -> tuple[list[Array], Lines]:
        pred, *operands = self.operands
        results = self._arrays("t", [v.type for v in self.instr.results])
        yes, no = (self.region(r, operands, results) for r in self.instr.regions)
        return results, lambda: [
            *map(made, results), f"if {_only(pred)}:", *_inside(yes()), "else:", *_inside(no()),
        ]

    def loop(self) -> tuple[list[Array], Lines]:
        predicate, body = self.instr.regions
        carry, types = self.instr.attrs["carry"], [v.type for v in self.instr.results]
        state, following = self._arrays("state", types), self._arrays("next", types)
        consts = self.operands[carry:]
        goes_on, test = self._test(predicate, [*state, *consts])
        step = self.region(body, [*state, *consts], following)
        begin = [made(goes_on), *self._copies(state, self.operands)]
        return state, lambda: [
            *begin, *map(made, following),
            "while True:", *_inside([*test(), *step(), *_swap(state, following)]),
        ]

    def adjoint(self) -> tuple[list[Array], Lines]:
        """The steps there, each beginning in the memory where the one before ended, and back again."""
        predicate, body, pullback = self.instr.regions
        carry, count = self.instr.attrs["carry"], len(predicate.params)
        types = [v.type for v in self.instr.operands]
        rows, views, following = (self._arrays(hint, types[:carry]) for hint in ("steps", "state", "next"))
        bars, next_bars = (self._arrays(hint, types[count:]) for hint in ("bar", "next_bar"))
        sums = self._arrays("sum", [v.type for v in self.instr.results[len(bars) :]])
        consts, (n, room) = self.operands[carry:count], (self.names.fresh(w) for w in ("step", "room"))
        goes_on, test = self._test(predicate, [*views, *consts])
        there = self.region(body, [*views, *consts], following)
        adding = frozenset(range(len(bars), len(bars) + len(sums)))
        back = self.region(pullback, [*views, *consts, *bars], [*next_bars, *sums], adding)
        return [*bars, *sums], lambda: [
            f"{n}, {room} = 0, {FIRST_ROOM}", made(goes_on),
            *(f"{row.name} = empty({FIRST_ROOM * row.size}, {row.dtype})" for row in rows),
            *(line for row, x in zip(rows, self.operands, strict=False) for line in _copied(row, x)),
            "while True:", *_inside([
                *_views(views, rows, n), *test(),
                f"if {n} + 1 == {room}:", *_inside(self._grown(rows, room)),
                *_views(views, rows, n), *_views(following, rows, f"({n} + 1)"), *there(), f"{n} += 1",
            ]),
            *self._copies(bars, self.operands[count:]), *map(made, next_bars),
            *(line for each in sums for line in _zeros(each)),
            f"while {n} > 0:", *_inside([
                f"{n} -= 1", *_views(views, rows, n), *back(), *_swap(bars, next_bars)]),
        ]

    def _arrays(self, hint: str, types: Iterable[TensorType]) -> list[Array]:
        readers: set[object] = {self.instr}
        return [Array(self.names.fresh(hint), t.size, t.dtype, True, readers) for t in types]

    def _test(self, predicate: Function, operands: Sequence[Memory]) -> tuple[Array, Lines]:
        """The memory of the predicate, and the lines that leave the loop when it fails."""
        (goes_on,) = self._arrays("goes_on", [TensorType("bool")])
        lines = self.region(predicate, operands, [goes_on])
        return goes_on, lambda: [*lines(), f"if not {goes_on.name}[0]:", f"{INDENT}break"]

    def _copies(self, arrays: Sequence[Array], sources: Sequence[Memory]) -> list[str]:
        """Make `arrays`, filled from the first of `sources`."""
        pairs = zip(arrays, sources, strict=False)
        return [line for array, source in pairs for line in (made(array), *_copied(array, source))]

    def _grown(self, rows: Sequence[Array], room: str) -> list[str]:
        """Twice the room in every row."""
        wider = self.names.fresh("wider")
        lines = [f"{room} = 2 * {room}"]
        for k, row in enumerate(rows):
            name = f"{wider}_{k}"  # one name for each: their types may differ
            lines += [
                f"{name} = empty({room} * {row.size}, {row.dtype})",
                f"for i in range({row.name}.size):", f"{INDENT}{name}[i] = {row.name}[i]",
                f"{row.name} = {name}",
            ]
        return lines


def _only(memory: Memory) -> str:
    """Source of the element of a value that has only one."""
    return memory.name if isinstance(memory, Register) else f"{memory.name}[0]"


def _copied(array: Array, source: Memory) -> list[str]:
    if isinstance(source, Register):
        return [f"{array.name}[0] = {source.name}"]
    return [f"for i in range({array.size}):", f"{INDENT}{array.name}[i] = {source.name}[i]"]


def _zeros(array: Array) -> list[str]:
    return [made(array), f"for i in range({array.size}):", f"{INDENT}{array.name}[i] = {array.dtype}(0)"]


def _views(views: Sequence[Array], rows: Sequence[Array], step: str) -> list[str]:
    """Each view as the values of one step."""
    return [
        f"{view.name} = {row.name}[{step} * {row.size} : {step} * {row.size} + {row.size}]"
        for view, row in zip(views, rows, strict=True)
    ]


def _swap(these: Sequence[Array], those: Sequence[Array]) -> list[str]:
    return [f"{a.name}, {b.name} = {b.name}, {a.name}" for a, b in zip(these, those, strict=True)]


def _inside(lines: Iterable[str]) -> list[str]:
    return [INDENT + line for line in lines] or [f"{INDENT}pass"]
