"""A source cut at its numbers: what it shares with the sources of other sizes, and what is its own.

Two templates with equal keys differ in `numbers` only. `Variables` says which of these are to be taken at run
time; the source with variables in their place, run with the numbers of a template, is what that template's
source says. No relation between numbers is assumed: they are compared, not explained.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

MOST = 2**31 - 1  # of an integer taken at run time: LLVM is told, so that indices made of it do not overflow
_COMMENT = re.compile(r"^ *#.*\n", re.MULTILINE)
_NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d*)?(?:e[+-]?\d+)?(?![\w.])")


@dataclass(frozen=True)
class Template:
    """`pieces` of text around `numbers`, of which there is one less; without comments."""

    pieces: tuple[str, ...]
    numbers: tuple[str, ...]

    @cached_property
    def key(self) -> str:
        """Equal for sources that differ in their numbers only, but not in what is an int and what a float."""
        kinds = ["f" if is_float(n) else "i" for n in self.numbers]
        return hashlib.sha256("\0".join([*kinds, *self.pieces]).encode()).hexdigest()

    def source(self, variables: Variables) -> str:
        """The source that takes `variables` from what its parameter `sizes` points at."""
        stem = _unused_stem("size", self.pieces)
        names = [n if isinstance(n, str) else f"{stem}{n}" for n in variables.places]
        text = "".join(part for pair in zip(self.pieces, [*names, ""], strict=True) for part in pair)
        loads = {f"{stem}{k}": f"{_LOADS[kind]}(sizes, {k})" for k, kind in enumerate(variables.are_floats)}
        functions = re.split(r"^(?=def )", text, flags=re.MULTILINE)
        return "".join(_with_loads(function, loads) for function in functions)


@dataclass(frozen=True)
class Variables:
    """Per number of a template the number itself if it is fixed, else which variable stands for it."""

    places: tuple[str | int, ...]
    are_floats: tuple[bool, ...] = ()  # per variable

    def admitting(self, numbers: Sequence[str]) -> Variables:
        """These, and more until `numbers` fit as well: one for what was equal here and is equal there."""
        pairs = list(zip(self.places, numbers, strict=True))
        made = {pair: k for k, pair in enumerate(dict.fromkeys(p for p in pairs if p[0] != p[1]))}
        places = tuple(made.get(pair, pair[1]) for pair in pairs)
        return Variables(places, tuple(is_float(number) for _, number in made))

    def values(self, numbers: Sequence[str]) -> tuple[str, ...] | None:
        """What the variables are for a template with `numbers`; None if it is none of these."""
        found: dict[int, str] = {}
        for place, number in zip(self.places, numbers, strict=True):
            expected = place if isinstance(place, str) else found.setdefault(place, number)
            if expected != number:
                return None
        values = tuple(found[k] for k in range(len(self.are_floats)))
        return values if all(is_float(v) or int(v) <= MOST for v in values) else None


def template_of(source: str, literal: Collection[str] = ()) -> Template:
    """The template of an emitted source. The last operand of functions in `literal` stays as it is."""
    text = _COMMENT.sub("", source)
    kept = _literal_operands(text, literal)
    cuts = [match.span() for match in _NUMBER.finditer(text) if match.end() not in kept]
    starts, ends = [0, *(end for _, end in cuts)], [*(start for start, _ in cuts), len(text)]
    pieces = tuple(text[start:end] for start, end in zip(starts, ends, strict=True))
    return Template(pieces, tuple(text[start:end] for start, end in cuts))


def packed(values: Iterable[str]) -> np.ndarray:
    """The memory from which a program loads its variables: eight bytes each."""
    words = [np.float64(v).view(np.int64) if is_float(v) else np.int64(v) for v in values]
    return np.array(words, np.int64)


def is_float(number: str) -> bool:
    return "." in number or "e" in number


_LOADS = {False: "size_at", True: "number_at"}


def _literal_operands(text: str, names: Collection[str]) -> set[int]:
    """Where calls of these functions end, their closing parenthesis not counted."""
    if not names:
        return set()
    calls = re.finditer(rf"\b(?:{'|'.join(map(re.escape, names))})\(", text)
    return {_closing(text, call.end()) for call in calls}


def _closing(text: str, start: int) -> int:
    """The position of the parenthesis that closes what is open at `start`."""
    depth = 1
    for match in re.compile(r"[()]").finditer(text, start):
        depth += 1 if match[0] == "(" else -1
        if not depth:
            return match.start()
    raise ValueError("a parenthesis is not closed")


def _unused_stem(stem: str, pieces: Iterable[str]) -> str:
    """A name that makes no name of the source when a number is appended."""
    while any(re.search(rf"\b{stem}\d", piece) for piece in pieces):
        stem += "_"
    return stem


def _with_loads(function: str, loads: dict[str, str]) -> str:
    """A function that begins with the variables that stand in it."""
    head, _, body = function.partition("\n")
    used = set(re.findall(r"\w+", body))
    lines = [f"    {name} = {load}" for name, load in loads.items() if name in used]
    return "\n".join([head, *lines, body])
