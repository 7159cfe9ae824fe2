"""What the key of a program on disk depends on."""

from __future__ import annotations

import os
import time

import pytest

from tapejit.ir.signature import Signature
from tapejit.ir.types import TensorType
from tapejit.runtime.disk_cache import DiskCache
from tapejit.runtime.store import Store

VECTOR = TensorType("f64", (3,))
SIGNATURE = Signature((VECTOR,), (False,), (VECTOR,), (False,))


@pytest.fixture
def folder(tmp_path):
    """Code that makes machine code, of an hour ago."""
    path = tmp_path / "codegen"
    path.mkdir()
    write(path, "WIDTH = 4", time.time() - 3600)
    return path


def write(folder, text, modified):
    (folder / "lane.py").write_text(text)
    os.utime(folder / "lane.py", (modified, modified))


def key(folder, source="def program(): pass", signature=SIGNATURE, general=False):
    return Store(DiskCache(folder / "unused"), [folder]).key(source, signature, general)


def test_a_key_is_the_same_for_all_sizes_and_processes(folder):
    longer = Signature((TensorType("f64", (9,)),), (False,), (VECTOR,), (False,))
    assert key(folder) == key(folder, signature=longer)


def test_a_key_tells_sources_types_and_code_apart(folder, monkeypatch):
    single, matrix, flag = (TensorType("f32", (3,)), TensorType("f64", (3, 3)), TensorType("bool", (3,)))
    keys = [
        key(folder),
        key(folder, general=True),
        key(folder, source="def program(): return 1"),
        *(
            key(folder, signature=Signature((t,), (False,), (VECTOR,), (False,)))
            for t in (single, matrix, flag)
        ),
        key(folder, signature=Signature((TensorType("f64"),), (True,), (VECTOR,), (False,))),
        key(folder, signature=Signature((TensorType("f64"),), (False,), (VECTOR,), (False,))),
    ]
    monkeypatch.setenv("NUMBA_OPT", "1")
    keys.append(key(folder))
    write(folder, "WIDTH = 8", time.time() - 3600)
    keys.append(key(folder))
    assert len(set(keys)) == len(keys)


def test_code_that_was_edited_while_the_process_runs_is_not_shared(folder):
    write(folder, "WIDTH = 8", time.time() + 5)
    assert key(folder) != key(folder)
