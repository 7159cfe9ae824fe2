"""Instructions per element, counted by callgrind: it simulates a processor with AVX2 and without AVX-512.

    valgrind --tool=callgrind --callgrind-out-file=FOLDER/calls.%p \\
        python instructions.py FOLDER LIBRARY DTYPE NAME...

Two sizes are counted, and the difference divided by that of the sizes, so that calls and what callgrind's
control costs cancel. `counted` runs this file that way; results are a line of JSON each.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

FEW, MANY = 2_048, 16_384
WARM_UP = 5  # calls, of which the first may compile
PROCESSOR = {"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": "+avx2,+fma"}  # what callgrind knows
COUNTS = re.compile(r"^(?:totals|summary): (\d+)", re.MULTILINE)


def counted(library: str, dtype: str, names: Sequence[str]) -> dict[str, float]:
    """Of each function that the library has."""
    with tempfile.TemporaryDirectory() as folder:
        tool = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/calls.%p"]
        command = [*tool, sys.executable, __file__, folder, library, dtype, *names]
        environment = {**os.environ, "TAPEJIT_DISK_CACHE": "0", "TAPEJIT_TIER": "compile", **PROCESSOR}
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    return dict(json.loads(line) for line in done.stdout.splitlines() if line.startswith("["))


def _control(action: str) -> None:
    subprocess.run(["callgrind_control", action, str(os.getpid())], capture_output=True, check=True)


def _instructions(call: Callable[[], Any], folder: Path) -> int:
    for _ in range(WARM_UP):
        call()
    _control("--zero")
    call()
    _control("--dump")
    (dump,) = folder.glob(f"calls.{os.getpid()}.*")
    found = COUNTS.search(dump.read_text())
    dump.unlink()
    assert found is not None
    return int(found[1])


def _per_element(library: str, dtype: str, names: Sequence[str], folder: Path) -> Iterator[tuple[str, float]]:
    from elementary.library import LIBRARIES, operands

    for name in names:
        calls = [LIBRARIES[library](name, *operands(name, dtype, size)) for size in (FEW, MANY)]
        if None not in calls:
            few, many = (_instructions(call, folder) for call in calls)
            yield name, (many - few) / (MANY - FEW)


def main(folder: str, library: str, dtype: str, *names: str) -> None:
    """A line for each function."""
    for found in _per_element(library, dtype, names, Path(folder)):
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    main(*sys.argv[1:])
