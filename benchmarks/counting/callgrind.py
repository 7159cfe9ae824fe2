"""Instructions by valgrind's callgrind, which simulates a processor with AVX2 and without AVX-512.

`run_under_callgrind` starts a script with the simulation off, so that imports and compilers are some eight
times slower instead of fifty; in there the first `Callgrind.count` switches it on, so compile before. It asks
callgrind by valgrind's client requests: instructions that do nothing outside (`valgrind.h`, for x86-64).
"""

from __future__ import annotations

import ctypes
import mmap
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

PROCESSOR = {"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": "+avx,+avx2,+fma"}  # what callgrind knows
DUMP, ZERO, START = 0x43540000, 0x43540001, 0x43540004  # requests of callgrind.h
# mov rax, rdi; xor edx, edx; valgrind's preamble of four rotations and an exchange; mov rax, rdx; ret
REQUEST = bytes.fromhex("4889f8 31d2 48c1c703 48c1c70d 48c1c73d 48c1c733 4887db 4889d0 c3")
TOTAL = re.compile(r"^(?:totals|summary): (\d+)", re.MULTILINE)


def run_under_callgrind(script: str, folder: Path, *arguments: str) -> str:
    """What the script prints; the folder is its last argument. Dumps lie there, for `callgrind_annotate`."""
    tool = ["valgrind", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={folder}/calls.%p"]
    environment = {**os.environ, "TAPEJIT_DISK_CACHE": "0", "TAPEJIT_TIER": "compile", **PROCESSOR}
    command = [*tool, sys.executable, script, *arguments, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        raise RuntimeError(f"{script} failed under callgrind:\n{done.stderr}")
    return done.stdout


class Callgrind:
    """Counts in a process that runs under callgrind, which writes its dumps to `folder`."""

    def __init__(self, folder: Path):
        self._folder = folder
        self._code = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
        self._code.write(REQUEST)
        place = ctypes.addressof(ctypes.c_char.from_buffer(self._code))
        self._request = ctypes.CFUNCTYPE(ctypes.c_size_t, ctypes.c_void_p)(place)

    def count(self, call: Callable[[], Any], kept: str = "") -> int:
        """The instructions of a call, and of some more that are always as many.

        The dump is kept under the name `kept`, if that is not empty.
        """
        self._ask(START)  # and from then on
        call()  # memory is where it was for the last one
        self._ask(ZERO)
        call()
        self._ask(DUMP)
        (dump,) = self._folder.glob(f"calls.{os.getpid()}.*")
        found = TOTAL.search(dump.read_text())
        assert found is not None
        dump.rename(self._folder / kept) if kept else dump.unlink()
        return int(found[1])

    def _ask(self, number: int) -> None:
        self._request((ctypes.c_uint64 * 6)(number))
