"""What lines of source have in common with others: all but the names of variables and the numbers that move.

Lines whose skeletons have equal keys say the same about other variables, other places in arrays and other
constants. Start with `skeleton_of`.
"""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Sequence
from dataclasses import dataclass

from tapejit.codegen.name import TYPES, WORK
from tapejit.codegen.vocabulary import VOCABULARY

_MEANT = frozenset({*keyword.kwlist, *dir(builtins), *TYPES, *VOCABULARY} - {WORK[0]})
_NAME = r"(?<![\w.])[A-Za-z_]\w*(?![\w(])"
_PLACE = r"(?<=\[)\d+(?=\])|(?<=\+ )\d+(?=\])"  # the last term of an index
_FLOAT = r"(?:(?<=f64\()|(?<=f32\())-?(?:\d+\.\d*(?:e[+-]?\d+)?|\d+e[+-]?\d+)(?=\))"
_WHOLE = r"(?<=i64\()-?\d+(?=\))"
_PART = re.compile(f"({_NAME})|({_PLACE}|{_FLOAT}|{_WHOLE})")


@dataclass(frozen=True)
class Skeleton:
    """`pieces` of text around variables and numbers, in turn as `places` says: which variable, or -1."""

    pieces: tuple[str, ...]
    places: tuple[int, ...]
    names: tuple[str, ...]  # of the variables, by first occurrence
    numbers: tuple[str, ...]

    @property
    def key(self) -> tuple[object, ...]:
        """Equal for lines that are the same but for names and numbers; what is a float stays one."""
        return self.pieces, self.places, tuple(map(is_float, self.numbers))

    def filled(self, numbers: Sequence[str], names: Sequence[str] = ()) -> str:
        """The text with other numbers, and perhaps other names."""
        given, named = iter(numbers), names or self.names
        found = [named[place] if place >= 0 else next(given) for place in self.places]
        return "".join(part for pair in zip(self.pieces, [*found, ""], strict=True) for part in pair)


def is_float(number: str) -> bool:
    return "." in number or "e" in number


def skeleton_of(lines: Sequence[str]) -> Skeleton:
    """The skeleton of these lines."""
    text = "\n".join(lines)
    pieces: list[str] = []
    places: list[int] = []
    numbers: list[str] = []
    known: dict[str, int] = {}
    end = 0
    for match in _PART.finditer(text):
        name, number = match.groups()
        if name in _MEANT:
            continue
        pieces.append(text[end : match.start()])
        end = match.end()
        places.append(known.setdefault(name, len(known)) if name else -1)
        if number:
            numbers.append(number)
    return Skeleton((*pieces, text[end:]), tuple(places), tuple(known), tuple(numbers))
