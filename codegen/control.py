"""Control flow: an instruction with regions at the place where it is written, and the lines of a branch.

A region is a program of its own inside those lines. It is told in which memory its operands are and its
results go; results of a single element are left in local variables. Loops are in `loop`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from tapejit.codegen.level import INDENT
from tapejit.codegen.memory import Array, Home, Register, made
from tapejit.codegen.name import Names
from tapejit.ir.function import Function, Instr, Value

Lines = Callable[[], Iterable[str]]


class Written(Protocol):
    """A region that has been built, and can be written once all around it is built."""

    def lines(self) -> Iterable[str]: ...

    def sources(self) -> list[str]:
        """The name of each result; for one in a register, the variable in which the lines leave it."""


class WriteRegion(Protocol):
    def __call__(
        self,
        region: Function,
        operands: Sequence[Home],
        results: Sequence[Home],
        accumulate: frozenset[int] = frozenset(),
    ) -> Written: ...


@dataclass(frozen=True)
class Site:
    """An instruction with regions; `memory` collects the lines that make its `arrays`, once and before it."""

    instr: Instr
    operands: Sequence[Home]
    names: Names
    memory: list[Lines]
    region: WriteRegion
    arrays: list[Array] = field(default_factory=list)

    def home(self, value: Value, hint: str) -> Home:
        """A fresh variable for a value of one element, else a fresh array."""
        name = self.names.typed(hint, value.type.dtype)
        return Register(name) if value.type.size == 1 else Array(name, value.type.size, value.type.dtype)

    def make(self, *homes: Home) -> None:
        """Have the arrays among `homes` made."""
        arrays = [home for home in homes if isinstance(home, Array)]
        self.arrays.extend(arrays)
        self.memory.append(lambda: map(made, arrays))


def branch(site: Site) -> tuple[list[Home], Lines]:
    """The memory of the results, and the lines: one of two regions."""
    pred, *operands = site.operands
    results = [site.home(v, v.name or "t") for v in site.instr.results]
    site.make(*results)
    yes, no = (site.region(region, operands, results) for region in site.instr.regions)

    def arm(region: Written) -> list[str]:
        return indented([*region.lines(), *assigned(results, region.sources())])

    return results, lambda: [f"if {element(pred)}:", *arm(yes), "else:", *arm(no)]


def call(site: Site) -> tuple[list[Home], Lines]:
    """The memory of the results, and the lines of the region."""
    results = [site.home(v, v.name or "t") for v in site.instr.results]
    site.make(*results)
    region = site.region(site.instr.regions[0], site.operands, results)
    return results, lambda: [*region.lines(), *assigned(results, region.sources())]


def alias(site: Site) -> tuple[list[Home], Lines]:
    """The memory of the operands serves as that of the results."""
    return list(site.operands[: len(site.instr.results)]), lambda: []


def element(home: Home) -> str:
    """Source of the element of a value that has only one."""
    return home.name if isinstance(home, Register) else f"{home.name}[0]"


def copied(home: Home, source: Home) -> list[str]:
    """Fill one home from another."""
    if isinstance(home, Register):
        return [f"{home.name} = {element(source)}"]
    return [f"for i in range({home.size}):", f"{INDENT}{home.name}[i] = {source.name}[i]"]


def assigned(homes: Iterable[Home], sources: Iterable[str]) -> list[str]:
    """Set the registers among `homes`, all at once."""
    both = zip(homes, sources, strict=True)
    pairs = [(h.name, source) for h, source in both if isinstance(h, Register) and h.name != source]
    names, values = (", ".join(pair[k] for pair in pairs) for k in (0, 1))
    return [f"{names} = {values}"] if pairs else []


def indented(lines: Iterable[str]) -> list[str]:
    return [INDENT + line for line in lines] or [f"{INDENT}pass"]
