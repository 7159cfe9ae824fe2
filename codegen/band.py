"""Nests that run together in source: in the function of a block of rows they follow one another.

A nest that runs alone is written the same way, in blocks or not. Start with `BandWriter`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tapejit.codegen.block import Blocks
from tapejit.codegen.comment import comment
from tapejit.codegen.memory import Array, Storage, Target
from tapejit.codegen.name import Names
from tapejit.codegen.nest import NestWriter
from tapejit.codegen.nesting import Nest
from tapejit.codegen.plan import Plan
from tapejit.codegen.product_rows import ProductRows
from tapejit.codegen.root import Root
from tapejit.codegen.row_read import completes_rows

Targets = Mapping[Root, Target]


class BandWriter:
    """Writes the nests of a band, or a single one, which are added in order."""

    def __init__(self, plan: Plan, storage: Storage, names: Names, first: Nest):
        self._plan, self._storage, self._names, self._band = plan, storage, names, first.band
        division = first.band.division if first.band else first.division
        self.blocks = Blocks(division, names, plan.general) if division.blocks > 1 else None
        self._members: list[tuple[int, NestWriter | ProductRows]] = []
        self._targets: list[Targets] = []

    def add(self, number: int, nest: Nest, targets: Targets) -> None:
        """The next nest, and where its roots write."""
        plan, storage, names = self._plan, self._storage, self._names
        member: NestWriter | ProductRows
        if nest.is_call:
            assert self._band is not None
            (root,) = nest.roots
            member = ProductRows(root, self._band.rows, targets[root], storage, plan.definitions, names)
        else:
            member = NestWriter(plan, nest, storage, dict(targets), names, self.blocks)
        self._members.append((number, member))
        self._targets.append(targets)

    def settle(self) -> None:
        """Once it is known who reads what, let blocks have the rows that only they need for themselves."""
        if self._band is not None and self.blocks is not None:
            readers: set[object] = {member.reader for _, member in self._members}
            for (_, member), targets in zip(self._members, self._targets, strict=True):
                passed_on = [t.storage for r, t in targets.items() if completes_rows(r, self._band.rows)]
                for home in passed_on:
                    self.blocks.keep(home, self._band.rows, member.reader, readers)
        for _, member in self._members:
            if isinstance(member, NestWriter):
                member.settle()

    @property
    def title(self) -> str:
        """A comment for the program."""
        number, member = self._members[0]
        if self._band is None:
            return comment(number, member.instrs())
        return f"# nests {number} to {self._members[-1][0]}, one after another in each block of rows"

    @property
    def buffers(self) -> list[Array]:
        """What loops need for themselves, once they are written."""
        return [b for _, member in self._members if isinstance(member, NestWriter) for b in member.buffers]

    @property
    def panels(self) -> list[Array]:
        """Room for packed matrices, which blocks share."""
        return [product.panels for product in self._products()]

    @property
    def parts(self) -> list[Array]:
        """What blocks leave apart, once they are launched."""
        return self.blocks.parts if self.blocks else []

    def lines(self) -> list[str]:
        """The loops, and the products of a block."""
        if self._band is None:
            return self._members[0][1].lines()
        return [line for n, m in self._members for line in (comment(n, m.instrs()), *m.lines())]

    def launched(self, body: list[str], available: Iterable[str]) -> tuple[list[str], list[str]]:
        """The function of a block that runs `body`; the lines that pack matrices, launch it and combine."""
        assert self.blocks is not None
        self.blocks.private += self.buffers
        names = [*available, *(array.name for array in self.panels)]
        function, launch = self.blocks.lines(self._members[0][1].extent, body, names)
        return function, [*(product.packed() for product in self._products()), *launch]

    def _products(self) -> list[ProductRows]:
        return [member for _, member in self._members if isinstance(member, ProductRows)]
