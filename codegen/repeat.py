"""Loop nests that a program repeats: a function for each kind, called with the arrays of every one.

Python unrolls its loops while they are traced, so that a program of a hundred time steps has a hundred times
the same nests, with other arrays, other places in them and other constants. What they share is compiled
once. See docs/decisions/0018-repeated-nests.md. Start with `with_repeats`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from tapejit.codegen.level import INDENT
from tapejit.codegen.memory import MADE
from tapejit.codegen.mention import Mentions, given_in, made_in
from tapejit.codegen.name import SIZES, Names
from tapejit.codegen.skeleton import Skeleton, is_float, skeleton_of
from tapejit.ir.types import TensorType

FEWEST = 3  # nests of a kind
ON_STACK = 2048  # bytes: larger temporaries are made by the caller, so that a function cannot fail
MOST_ON_STACK = 8  # of them

_LAUNCH = re.compile(r"(parallel\(.*, )(\w+), \(.*,\)(?=\)$)")


@dataclass(frozen=True)
class Repeat:
    """One of the nests: which part of the program, the lines of it that stay there, what is left."""

    part: int
    kept: tuple[str, ...]
    skeleton: Skeleton


@dataclass(frozen=True)
class Kind:
    """What nests or blocks have in common: a function, with parameters for all that they have not."""

    name: str
    nests: Sequence[Repeat]
    sizes: tuple[str, ...]  # the first parameter of a general program's functions
    block: tuple[str, ...] = ()  # a parameter before all others, which whoever launches it gives

    @cached_property
    def _given(self) -> list[int]:
        """The variables that are there already."""
        first = self.nests[0].skeleton
        lines = first.filled(first.numbers).split("\n")
        own = made_in(lines).union(given_in(lines))
        return [k for k, name in enumerate(first.names) if name not in own]

    @cached_property
    def _columns(self) -> list[tuple[str, ...]]:
        """The numbers, each as one per nest."""
        return list(zip(*(nest.skeleton.numbers for nest in self.nests), strict=True))

    @cached_property
    def _moving(self) -> dict[tuple[str, ...], str]:
        """Those that are not the same in all nests, and their parameters."""
        moving = dict.fromkeys(column for column in self._columns if len(set(column)) > 1)
        return {column: f"{self.name}_{k}" for k, column in enumerate(moving)}

    def lines(self) -> Iterator[str]:
        """The function."""
        first = self.nests[0].skeleton
        text = first.filled([self._moving.get(column, column[0]) for column in self._columns])
        yield f"def {self.name}({', '.join([*self.block, *self._names(first), *self._moving.values()])}):"
        yield from (INDENT + line for line in text.split("\n"))

    def called(self, k: int) -> list[str]:
        """The lines of nest `k`, counted among its kind, in the program."""
        return [*self.nests[k].kept, f"{self.name}({', '.join(self.arguments(k))})"]

    def arguments(self, k: int) -> list[str]:
        """What the function takes for nest `k`."""
        numbers = (f"{'f64' if is_float(column[k]) else 'i64'}({column[k]})" for column in self._moving)
        return [*self._names(self.nests[k].skeleton), *numbers]

    def _names(self, skeleton: Skeleton) -> list[str]:
        return [*self.sizes, *(skeleton.names[k] for k in self._given)]


def with_repeats(
    parts: Sequence[list[str]], mentions: Mentions, loops: Iterable[int], names: Names, general: bool = False
) -> tuple[list[str], list[list[str]]]:
    """The functions of what many of `loops` repeat, and the parts of the program, which call them.

    `loops` says which of the parts are loop nests and nothing else.
    """
    by_key: dict[object, list[Repeat]] = {}
    for k in loops:
        if all(mentions.stay_in(k, name) for name in given_in(parts[k])):
            nest = _repeat(k, parts[k], mentions, general)
            by_key.setdefault(nest.skeleton.key, []).append(nest)
    functions: list[str] = []
    found = list(parts)
    for nests in filter(_pays, by_key.values()):
        kind = Kind(names.fresh("repeat"), nests, (SIZES,) if general else ())
        functions += kind.lines()
        for k, nest in enumerate(nests):
            found[nest.part] = kind.called(k)
    return functions, found


def with_shared_blocks(
    functions: Sequence[str], parts: Sequence[list[str]], general: bool = False
) -> tuple[list[str], list[list[str]]]:
    """The functions of blocks, each kind once, and the parts of the program, which launch them."""
    lines = _by_name(functions)
    by_key: dict[object, dict[str, Repeat]] = {}
    for name in lines:
        block = _block(lines[name])
        by_key.setdefault(block.skeleton.key, {})[name] = block
    found: list[str] = []
    launches: dict[str, str] = {}  # by the name of what was launched
    for alike in by_key.values():
        first, *others = alike
        if not others:
            found += lines[first]
            continue
        kind = Kind(first, list(alike.values()), (SIZES,) if general else (), ("block",))
        found += kind.lines()
        launches |= {name: f"{first}, ({', '.join(kind.arguments(k))},)" for k, name in enumerate(alike)}
    return found, [[_launching(line, launches) for line in part] for part in parts]


def _launching(line: str, launches: Mapping[str, str]) -> str:
    """The line, which may launch something that is another function now."""
    launch = _LAUNCH.search(line)
    if launch is None or launch[2] not in launches:
        return line
    return line[: launch.start(2)] + launches[launch[2]] + line[launch.end() :]


def _by_name(functions: Sequence[str]) -> dict[str, list[str]]:
    """The lines of each of the functions, which stand one after another."""
    found: dict[str, list[str]] = {}
    for line in functions:
        if line.startswith("def "):
            lines = found[line[len("def ") : line.index("(")]] = []
        lines.append(line)
    return found


def _block(lines: Sequence[str]) -> Repeat:
    """The body of a function, without comments."""
    body = (line.removeprefix(INDENT) for line in lines[1:])
    return Repeat(-1, (), skeleton_of([line for line in body if not line.lstrip().startswith("#")]))


def _repeat(k: int, part: Sequence[str], mentions: Mentions, general: bool) -> Repeat:
    """A nest, cut into what has to stay and what may become a function's."""
    own = [] if general else [line for line in part if _is_own(line, k, mentions)][:MOST_ON_STACK]
    kept = [line for line in part if line.startswith("#") or (MADE.fullmatch(line) and line not in own)]
    return Repeat(k, tuple(kept), skeleton_of([line for line in part if line not in kept]))


def _is_own(line: str, k: int, mentions: Mentions) -> bool:
    """Whether it makes a small temporary that nothing but nest `k` needs."""
    making = MADE.fullmatch(line)
    if making is None or not mentions.stay_in(k, making["name"]):
        return False
    return TensorType(making["dtype"], (int(making["size"]),)).nbytes <= ON_STACK


def _pays(nests: Sequence[Repeat]) -> bool:
    return len(nests) >= FEWEST and any("for " in piece for piece in nests[0].skeleton.pieces)
