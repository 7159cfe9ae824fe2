"""Names in the emitted source: the user's where they are known, unique always."""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Iterable

from tapejit.ir.function import Value
from tapejit.ir.types import NUMPY_NAME

SIZES = "sizes"  # the first parameter of a general program
GENERAL = (SIZES, "size_at", "number_at")
LOOPS = "ijklmnopqr"
BLOCKS = ("parallel", "block", "first", "last", "at")
WORK = ("work", "row_of", "borrow", "give_back")
TYPES = (
    *NUMPY_NAME,
    "inf",
    "nan",
    "flat",
    "empty",
    "gemm",
    "matmul",
    "matmul_pack",
    "matmul_packed",
    "check_signals",
    "ticks",
    *BLOCKS,
    *WORK,
)


_NAME = re.compile(r"[A-Za-z_]\w*")


def words(lines: Iterable[str]) -> set[str]:
    """Every name that stands in these lines."""
    return {name for line in lines for name in _NAME.findall(line)}


class Names:
    """Hands out names, no name twice."""

    def __init__(self, reserved: Iterable[str] = ()):
        self.taken = {*keyword.kwlist, *dir(builtins), *LOOPS, *TYPES, *GENERAL, *reserved}
        self.counts: dict[str, int] = {}
        self.dtypes: dict[str, str] = {}  # of the names whose type is known

    def of(self, value: Value) -> str:
        """A fresh name for an element of a value, after its hint."""
        return self.typed(value.name or "t", value.type.dtype)

    def typed(self, hint: str, dtype: str) -> str:
        """A fresh name for an element of `dtype`."""
        name = self.fresh(hint)
        self.dtypes[name] = dtype
        return name

    def fresh(self, hint: str) -> str:
        """A name not handed out before: the hint itself if it can be."""
        stem = hint if hint.isidentifier() else "t"
        if stem != "t" and stem not in self.taken:
            self.taken.add(stem)
            return stem
        while True:
            self.counts[stem] = self.counts.get(stem, 0) + 1
            name = f"{stem}{'_' * stem[-1].isdigit()}{self.counts[stem]}"
            if name not in self.taken:
                self.taken.add(name)
                return name


def loop_name(depth: int) -> str:
    """The name of the loop variable at a depth."""
    return LOOPS[depth] if depth < len(LOOPS) else f"i{depth}"
