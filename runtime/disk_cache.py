"""Files that outlive the process: a folder of entries, each under a key and checked by a digest.

Loading an entry runs code. So the folder is the user's own, and one that somebody else owns or can write to
is not used. An entry is written under another name and then renamed, so that concurrent processes see all of
it or nothing; one that is damaged counts as absent. Beside it lies its source, for people. See `DiskCache`.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import warnings
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

DIRECTORY, SWITCH = "TAPEJIT_CACHE_DIR", "TAPEJIT_DISK_CACHE"
LIMIT = 256 * 2**20  # bytes; beyond, the entries that were used longest ago are removed
KEPT = 0.75  # of the limit, after that
_OTHERS_WRITE = 0o022


class DiskCacheWarning(UserWarning):
    """The folder for compiled programs cannot be trusted, and is not used."""


@dataclass(frozen=True)
class DiskUsage:
    """How many entries there are, and the bytes of all files."""

    entries: int
    size: int


class DiskCache:
    """Entries in `folder`, which is made when it is first used. What cannot be written is not kept."""

    def __init__(self, folder: Path, limit: int = LIMIT):
        self.folder, self.limit = folder, limit

    def get(self, key: str) -> bytes | None:
        """The content under `key`; None if there is none, or if it is damaged."""
        if not self._usable:
            return None
        path = self._path(key)
        try:
            with path.open("rb") as file:
                if _is_foreign(os.fstat(file.fileno())):
                    return None
                found = file.read()
            os.utime(path)  # used now
        except OSError:
            return None
        digest, content = found[:32], found[32:]
        return content if digest == _digest(key, content) else None

    def holds(self, key: str) -> bool:
        """Whether there is something under `key`."""
        return self._path(key).exists()

    def put(self, key: str, content: bytes, source: str) -> None:
        """Keep `content` under `key`, and `source` beside it."""
        if not self._usable:
            return
        with contextlib.suppress(OSError):
            self._write(self._path(key).with_suffix(".py"), source.encode())
            self._write(self._path(key), _digest(key, content) + content)
            self._trim()

    def usage(self) -> DiskUsage:
        """What lies in the folder."""
        files = self._files()
        return DiskUsage(sum(path.suffix == ".bin" for path, _ in files), sum(s.st_size for _, s in files))

    def clear(self) -> int:
        """Remove all files; how many entries there were."""
        entries = self.usage().entries
        for path, _ in self._files():
            path.unlink(missing_ok=True)
        return entries

    @cached_property
    def _usable(self) -> bool:
        obstacle = _obstacle(self.folder)
        if obstacle:
            warnings.warn(
                f"compiled programs are not kept on disk: {obstacle}. Loading a program runs it; "
                f"set {DIRECTORY} to a folder of your own, or {SWITCH}=0",
                DiskCacheWarning,
                stacklevel=2,
            )
        return obstacle is None

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.bin"

    def _write(self, path: Path, content: bytes) -> None:
        handle, name = tempfile.mkstemp(dir=self.folder, prefix=".", suffix=".part")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            os.replace(name, path)
        except BaseException:
            os.unlink(name)
            raise

    def _files(self) -> list[tuple[Path, os.stat_result]]:
        """The cache's files; nothing else that lies in the folder."""
        found = []
        with contextlib.suppress(OSError):
            for path in self.folder.iterdir():
                if path.suffix in (".bin", ".py", ".part"):
                    with contextlib.suppress(OSError):  # another process removed it
                        found.append((path, path.stat()))
        return found

    def _trim(self) -> None:
        files = sorted(self._files(), key=lambda each: each[1].st_mtime)
        size = sum(state.st_size for _, state in files)
        goal = self.limit if size <= self.limit else self.limit * KEPT
        for path, state in files:
            if size <= goal:
                break
            path.unlink(missing_ok=True)
            size -= state.st_size


def disk_cache_from_environment() -> DiskCache | None:
    """In `TAPEJIT_CACHE_DIR` or the user's cache folder; None if `TAPEJIT_DISK_CACHE` is 0."""
    switch = os.environ.get(SWITCH, "1")
    if switch not in ("", "0", "1"):
        raise ValueError(f"{SWITCH} is {switch!r}; set it to 0 or 1")
    if switch == "0":
        return None
    import platformdirs

    return DiskCache(
        Path(os.environ.get(DIRECTORY) or platformdirs.user_cache_dir("tapejit", appauthor=False))
    )


def _digest(key: str, content: bytes) -> bytes:
    return hashlib.sha256(key.encode() + b"\n" + content).digest()


def _obstacle(folder: Path) -> str | None:
    """Why the folder cannot be used; it is made if it is not there."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        state = folder.stat()
    except OSError as error:
        return f"{folder} cannot be made ({error.strerror})"
    if _is_foreign(state):
        return f"{folder} belongs to another user"
    if os.name == "posix" and state.st_mode & _OTHERS_WRITE:
        return f"others can write to {folder}"
    return None


def _is_foreign(state: os.stat_result) -> bool:
    return os.name == "posix" and state.st_uid != os.getuid()
