"""Entries on disk: all or nothing, the user's own, bounded."""

from __future__ import annotations

import os
import threading
import warnings

import pytest

from tapejit.runtime.disk_cache import DiskCache, DiskCacheWarning, disk_cache_from_environment


@pytest.fixture
def cache(tmp_path):
    return DiskCache(tmp_path / "deep" / "cache")


def test_what_is_put_is_found(cache):
    assert cache.get("key") is None
    cache.put("key", b"code", "source")
    assert cache.get("key") == b"code"
    assert cache.holds("key")
    assert DiskCache(cache.folder).get("key") == b"code"
    assert cache.folder.joinpath("key.py").read_text() == "source"
    assert cache.usage().entries == 1


@pytest.mark.skipif(os.name != "posix", reason="modes of POSIX")
def test_the_folder_and_its_files_are_the_users(cache):
    cache.put("key", b"code", "source")
    assert cache.folder.stat().st_mode & 0o777 == 0o700
    assert all(path.stat().st_mode & 0o077 == 0 for path in cache.folder.iterdir())


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[:-1],
        lambda content: content + b"x",
        lambda content: bytes([content[0] ^ 1]) + content[1:],
        lambda content: content[:-1] + bytes([content[-1] ^ 1]),
    ],
)
def test_a_damaged_entry_counts_as_absent(cache, damage):
    cache.put("key", b"code", "source")
    path = cache.folder / "key.bin"
    path.write_bytes(damage(path.read_bytes()))
    assert cache.get("key") is None
    cache.put("key", b"code", "source")
    assert cache.get("key") == b"code"


def test_an_entry_under_another_name_counts_as_absent(cache):
    cache.put("key", b"code", "source")
    os.replace(cache.folder / "key.bin", cache.folder / "other.bin")
    assert cache.get("other") is None


@pytest.mark.skipif(os.name != "posix", reason="modes of POSIX")
@pytest.mark.parametrize("mode", [0o777, 0o770, 0o702])
def test_a_folder_that_others_can_write_to_is_not_used(tmp_path, mode):
    cache = DiskCache(tmp_path)
    cache.put("key", b"code", "source")
    tmp_path.chmod(mode)
    again = DiskCache(tmp_path)
    with pytest.warns(DiskCacheWarning, match="others can write"):
        assert again.get("key") is None
    with warnings.catch_warnings(action="error"):  # one warning is enough
        again.put("second", b"code", "source")
        assert again.get("second") is None
    tmp_path.chmod(0o700)


@pytest.mark.skipif(os.name != "posix" or os.getuid() != 0, reason="needs to give files away")
def test_what_another_user_owns_is_not_used(cache):
    cache.put("key", b"code", "source")
    os.chown(cache.folder / "key.bin", 12345, -1)
    assert cache.get("key") is None
    os.chown(cache.folder, 12345, -1)
    with pytest.warns(DiskCacheWarning, match="another user"):
        DiskCache(cache.folder).put("other", b"code", "source")


def test_a_folder_that_cannot_be_made_is_not_used(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.warns(DiskCacheWarning, match="cannot be made"):
        assert DiskCache(tmp_path / "file" / "cache").get("key") is None


def test_the_entries_used_longest_ago_go_first(tmp_path):
    cache = DiskCache(tmp_path, limit=10_000)
    for n in range(8):
        cache.put(f"key{n}", bytes(1000), "")
        for path in tmp_path.glob(f"key{n}.*"):
            os.utime(path, (n, n))
    assert cache.get("key0") is not None  # which makes it the latest
    cache.put("large", bytes(2000), "")
    assert cache.usage().size <= 7_500
    assert {"key0", "large", "key7"} <= {path.stem for path in tmp_path.glob("*.bin")}
    assert not cache.holds("key1")


def test_other_files_in_the_folder_are_left_alone(cache):
    cache.put("key", b"code", "source")
    (cache.folder / "notes.txt").write_text("mine")
    assert cache.clear() == 1
    assert [path.name for path in cache.folder.iterdir()] == ["notes.txt"]


def test_a_reader_sees_all_of_an_entry_or_nothing(cache):
    contents = [bytes([k]) * 100_000 for k in range(4)]
    wrong = []

    def write(content):
        for _ in range(20):
            cache.put("key", content, "source")

    def read():
        for _ in range(100):
            found = DiskCache(cache.folder).get("key")
            wrong.extend([len(found)] if found is not None and found not in contents else [])

    threads = [*(threading.Thread(target=write, args=(c,)) for c in contents), threading.Thread(target=read)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert not list(cache.folder.glob("*.part"))


def test_the_environment_chooses(monkeypatch, tmp_path):
    monkeypatch.setenv("TAPEJIT_DISK_CACHE", "0")
    assert disk_cache_from_environment() is None
    monkeypatch.setenv("TAPEJIT_DISK_CACHE", "1")
    monkeypatch.setenv("TAPEJIT_CACHE_DIR", str(tmp_path))
    assert disk_cache_from_environment().folder == tmp_path
    monkeypatch.delenv("TAPEJIT_CACHE_DIR")
    assert disk_cache_from_environment().folder.name == "tapejit"
    monkeypatch.setenv("TAPEJIT_DISK_CACHE", "no")
    with pytest.raises(ValueError, match="TAPEJIT_DISK_CACHE is 'no'; set it to 0 or 1"):
        disk_cache_from_environment()
