"""Instructions per element: of code for AVX2 as callgrind counts them, or as this processor executes them.

    python instructions.py NAME... FOLDER    # under callgrind, see `counting.callgrind`

Two sizes are counted, and the difference divided by that of the sizes, so that what is not per element
cancels. Results are a line of JSON each. Start with `by_callgrind` and `by_stepping`.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any

FEW, MANY = 768, 1_280  # calls of so many elements take the same way
ROUNDS = 2  # of which the shorter: now and then a call also clears up
WARM_UP = 20  # calls: programs are compiled, and the short way into them is found

Call = Callable[[], Any]
Counter = Callable[[Call], int]
Found = tuple[str, str, str, float]  # a function, a dtype, a library, instructions per element


def by_callgrind(names: Sequence[str]) -> Iterator[Found]:
    """Of each function that a library has, compiled for AVX2."""
    from counting.callgrind import run_under_callgrind

    with tempfile.TemporaryDirectory() as folder:
        printed = run_under_callgrind(__file__, Path(folder), *names)
    yield from (json.loads(line) for line in printed.splitlines() if line.startswith("["))


def by_stepping(names: Sequence[str]) -> Iterator[Found]:
    """The same of code for this processor."""
    from counting.stepping import Stepping
    from elementary.library import VECTORISED

    yield from _per_element(Stepping().count, names, VECTORISED)


def _per_element(count: Counter, names: Sequence[str], libraries: Sequence[str]) -> Iterator[Found]:
    for found, calls in _warm_calls(names, libraries).items():
        few, many = (min(count(call) for _ in range(ROUNDS)) for call in calls)
        yield *found, (many - few) / (MANY - FEW)


def _warm_calls(names: Sequence[str], libraries: Sequence[str]) -> dict[tuple[str, str, str], list[Call]]:
    """Those of each function, dtype and library: of both sizes, with nothing left to compile."""
    from elementary.library import DTYPES, LIBRARIES, operands

    warm = {}
    for name, dtype, library in product(names, DTYPES, libraries):
        calls = [LIBRARIES[library](name, *operands(name, dtype, size)) for size in (FEW, MANY)]
        if None not in calls:
            for call in calls * WARM_UP:
                call()
            warm[name, dtype, library] = calls
    return warm


def main(*arguments: str) -> None:
    """A line for each function."""
    from counting.callgrind import Callgrind
    from elementary.library import LIBM, VECTORISED

    *names, folder = arguments
    for found in _per_element(Callgrind(Path(folder)).count, names, (*VECTORISED, LIBM)):
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    main(*sys.argv[1:])
