"""Compiled programs kept on disk, by all that their machine code depends on.

That is the emitted source, how it is called, the code of this package that turns source into machine code,
the versions of the packages that help, the processor and its features, and Numba's settings.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import uuid
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path

from tapejit.ir.signature import Signature
from tapejit.runtime import STARTED
from tapejit.runtime.disk_cache import DiskCache
from tapejit.runtime.machine_code import MachineCode

_PARTS = ("tapejit", "numba", "llvmlite", "numpy")


class Store:
    """Machine code in a `DiskCache`; `folders` hold the code that makes it."""

    def __init__(self, disk: DiskCache, folders: Iterable[Path]):
        self._disk, self._folders = disk, tuple(folders)

    def key(self, source: str, signature: Signature, general: bool) -> str:
        """A digest of all that the machine code of `source` depends on."""
        types = [(t.dtype, t.rank) for t in (*signature.params, *signature.results)]
        parts = (source, repr((types, signature.by_value, general)), self._circumstances)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    def key_of(self, routine: str) -> str:
        """The same for a routine of this package, by its name."""
        return hashlib.sha256("\0".join((routine, self._circumstances)).encode()).hexdigest()

    def holds(self, source: str, signature: Signature) -> bool:
        """Whether there is machine code of a source that takes no sizes."""
        return self._disk.holds(self.key(source, signature, False))

    def get(self, key: str) -> MachineCode | None:
        """What was kept under `key`."""
        content = self.kept(key)
        return None if content is None else MachineCode.unpacked(content)

    def put(self, key: str, code: MachineCode | None, source: str) -> None:
        """Keep machine code that serves in other processes."""
        if code is not None:
            self.keep(key, code.packed(), source)

    def kept(self, key: str) -> bytes | None:
        """The bytes under `key`."""
        return self._disk.get(key)

    def keep(self, key: str, content: bytes, source: str) -> None:
        """Keep these bytes."""
        self._disk.put(key, content, source)

    @cached_property
    def _circumstances(self) -> str:
        from importlib.metadata import version  # not at import time: it loads the email package

        import llvmlite.binding

        found = {
            "versions": [platform.python_version(), platform.python_implementation(), *map(version, _PARTS)],
            "machine": [platform.system(), platform.machine(), llvmlite.binding.get_process_triple()],
            "processor": llvmlite.binding.get_host_cpu_name(),
            "features": llvmlite.binding.get_host_cpu_features().flatten(),
            "settings": sorted((k, v) for k, v in os.environ.items() if k.startswith("NUMBA_")),
            "code": _digest_of(self._folders),
        }
        return json.dumps(found, sort_keys=True)


def _digest_of(folders: Iterable[Path]) -> str:
    """A digest of the Python files in these folders; a new one if they may not be what is running."""
    paths = sorted(path for folder in folders for path in folder.glob("*.py"))
    if any(path.stat().st_mtime > STARTED for path in paths):
        return uuid.uuid4().hex
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in paths)).hexdigest()
