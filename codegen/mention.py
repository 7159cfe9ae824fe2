"""In which parts of a program names stand: a temporary is needed from the first to the last of them."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from tapejit.codegen.name import LOOPS, words

_GIVEN = re.compile(r"\s*(?:for )?(\w+(?:, \w+)*)(?: = | in )")
_MADE = re.compile(r"\s*(\w+) = (?:empty|row_of)\(")


class Mentions:
    """Which of `parts` (lines each) mention a name first and last; each means its own by those in `local`."""

    def __init__(self, parts: Sequence[Sequence[str]], local: Collection[str] = ()):
        self._local = {*LOOPS, *local}
        self._names = [words(part) for part in parts]
        self._first: dict[str, int] = {}
        self._last: dict[str, int] = {}
        for k, names in enumerate(self._names):
            for name in names:
                self._first.setdefault(name, k)
                self._last[name] = k

    def __contains__(self, name: str) -> bool:
        return name in self._first

    def names_in(self, part: int) -> set[str]:
        """All that a part mentions."""
        return self._names[part]

    def life(self, name: str) -> tuple[int, int]:
        """The numbers of the first and the last part."""
        return self._first[name], self._last[name]

    def stay_in(self, part: int, name: str) -> bool:
        """Whether no other part means the same by the name."""
        return name in self._local or self.life(name) == (part, part)


def given_in(lines: Sequence[str]) -> list[str]:
    """The variables that lines give a value, in order: not the memory that they make."""
    found = (match[1].split(", ") for line in lines if (match := _GIVEN.match(line)))
    memory = made_in(lines)
    return [name for name in dict.fromkeys(n for names in found for n in names) if name not in memory]


def made_in(lines: Sequence[str]) -> set[str]:
    """The temporaries that lines make."""
    return {match[1] for line in lines if (match := _MADE.match(line))}
