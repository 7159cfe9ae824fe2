"""Numbers that go from one part of a program to another through memory, as arrays do.

Then a part can be a function or a round of a loop: no variable enters or leaves it. Start with `spilled`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tapejit.codegen.memory import Array, made
from tapejit.codegen.mention import Mentions, given_in, made_in
from tapejit.codegen.name import Names


def spilled(parts: Sequence[Sequence[str]], names: Names) -> tuple[list[list[str]], dict[str, Array]]:
    """The parts, and a row of one element for each variable that is given in one and read in others.

    One that several parts give a value stays as it is.
    """
    mentions = Mentions(parts)
    given = [given_in(part) for part in parts]
    times = Counter(name for some in given for name in some)
    memory = made_in([line for part in parts for line in part])
    once = {name for name in names.dtypes if times[name] == 1 and name not in memory}
    cells: dict[str, Array] = {}
    place: dict[str, int] = {}  # in the order in which they are given: names say nothing
    found: list[list[str]] = []
    for k, part in enumerate(parts):
        read = sorted(mentions.names_in(k) & cells.keys(), key=place.__getitem__)
        leaving = [name for name in given[k] if name in once and not mentions.stay_in(k, name)]
        own = {name: Array(names.fresh("cell"), 1, names.dtypes[name]) for name in leaving}
        loads = (f"{name} = {cells[name].name}[0]" for name in read)
        stores = (f"{cell.name}[0] = {name}" for name, cell in own.items())
        found.append([*map(made, own.values()), *loads, *part, *stores])
        for name, cell in own.items():
            cells[name], place[name] = cell, len(cells)
    return found, cells
