"""`tapejit cache`."""

import pytest

from tapejit.runtime.disk_cache import DiskCache


@pytest.fixture
def disk(monkeypatch, tmp_path):
    monkeypatch.setenv("TAPEJIT_DISK_CACHE", "1")
    monkeypatch.setenv("TAPEJIT_CACHE_DIR", str(tmp_path / "programs"))
    return DiskCache(tmp_path / "programs")


def test_info_and_clear(tapejit, disk):
    disk.put("one", bytes(2**20), "source")
    disk.put("two", b"", "source")
    found = tapejit("cache", "info")
    assert found.out == f"folder   {disk.folder}\nprograms 2, 1.0 of at most 256 MB\n"
    assert tapejit("cache", "clear").out == "removed 2 programs\n"
    assert tapejit("cache", "info").out.endswith("programs 0, 0.0 of at most 256 MB\n")
    assert tapejit("cache", "clear").out == "removed 0 programs\n"


def test_without_a_folder(tapejit, disk):
    assert tapejit("cache", "info").out.endswith("programs 0, 0.0 of at most 256 MB\n")
    assert not disk.folder.exists()


def test_off(tapejit, monkeypatch):
    monkeypatch.setenv("TAPEJIT_DISK_CACHE", "0")
    assert tapejit("cache", "info").out == "off (TAPEJIT_DISK_CACHE=0)\n"
    assert tapejit("cache", "clear").out == "removed 0 programs\n"


def test_a_wrong_switch_is_one_line(tapejit, monkeypatch):
    monkeypatch.setenv("TAPEJIT_DISK_CACHE", "off")
    found = tapejit("cache", "info")
    assert found.status == 2
    assert found.err == "tapejit: TAPEJIT_DISK_CACHE is 'off'; set it to 0 or 1\n"
