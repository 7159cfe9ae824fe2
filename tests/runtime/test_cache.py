"""The program cache: one build per key, whoever asks."""

from __future__ import annotations

import threading
import time
from types import SimpleNamespace

import pytest

from tapejit.ir import ops
from tapejit.ir.builder import Builder
from tapejit.ir.signature import signature_of
from tapejit.ir.types import TensorType
from tapejit.runtime.cache import ProgramCache, cache_key
from tapejit.runtime.family import Built

PROGRAM = Built(SimpleNamespace(head=()), True)


def function(name: str, row, shape=(3,)):
    b = Builder("f", [(name, TensorType("f64", shape))])
    (x,) = b.params
    return b.finish([row(x)])


def test_equal_functions_share_a_key_whatever_their_names():
    first, second = function("x", ops.sin), function("y", ops.sin)
    assert cache_key(first, signature_of(first)) == cache_key(second, signature_of(second))


def test_a_key_tells_functions_shapes_signatures_and_options_apart():
    base = function("x", ops.sin)
    keys = {
        cache_key(base, signature_of(base)),
        cache_key(base, signature_of(base), options="parallel"),
        cache_key(base, signature_of(base, accumulate=frozenset({0}))),
        *(cache_key(f, signature_of(f)) for f in (function("x", ops.cos), function("x", ops.sin, (4,)))),
    }
    assert len(keys) == 5


def test_two_threads_build_once():
    cache, built, found = ProgramCache(), [], []
    gate = threading.Barrier(8)

    def build():
        time.sleep(0.02)
        built.append(SimpleNamespace(head=()))
        return Built(built[-1], True)

    def ask():
        gate.wait()
        found.append(cache.get_or_build("key", build).program)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(built) == 1
    assert found == built * 8
    assert cache.counters().compiled == 1


def test_a_failed_build_is_forgotten():
    cache = ProgramCache()

    def fail():
        raise RuntimeError("no compiler")

    with pytest.raises(RuntimeError, match="no compiler"):
        cache.get_or_build("key", fail)
    assert "key" not in cache
    assert cache.counters().compiled == 0
    assert cache.get_or_build("key", lambda: PROGRAM) == PROGRAM


def test_a_program_that_takes_sizes_is_its_familys_to_keep():
    cache = ProgramCache()
    general = Built(SimpleNamespace(head=(1,)), False)
    assert cache.get_or_build("key", lambda: general) == general
    assert "key" not in cache
    assert cache.counters().compiled == 0


def test_clear_forgets():
    cache = ProgramCache()
    cache.get_or_build("key", lambda: PROGRAM)
    cache.clear()
    assert "key" not in cache
