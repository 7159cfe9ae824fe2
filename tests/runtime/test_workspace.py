"""Borrowed memory: kept from call to call, never lent twice, bounded, freed on demand."""

from __future__ import annotations

import gc
import sys
import threading
import weakref

import numpy as np
import pytest

from tapejit.codegen.vocabulary import VOCABULARY
from tapejit.ir.signature import Signature
from tapejit.ir.types import TensorType
from tapejit.runtime.loader import Loader
from tapejit.runtime.piece import MOST_KEPT, PIECES
from tapejit.runtime.workspace import Workspace

ROW = TensorType("f64", (1000,))
SIGNATURE = Signature((ROW, TensorType("i64")), (False, True), (ROW,), (False,))
SOURCE = """\
def twice(x, size, out0):
    x = flat(x)
    out0 = flat(out0)
    work = borrow(size)
    t1 = row_of(work, 64, 1000, f64)
    for i in range(1000):
        t1[i] = x[i] * 2.0
    for i in range(1000):
        out0[i] = t1[i]
    give_back(work)
"""
SIZE = 8064


@pytest.fixture
def workspace():
    found = Workspace()
    yield found
    found.clear()


@pytest.fixture
def program(workspace):
    return Loader(VOCABULARY, workspace=workspace).load(SOURCE, "twice", SIGNATURE)


def check(program, size=SIZE, factor=1.0):
    x, out = np.arange(1000.0) * factor, np.empty(1000)
    program.call(x, size, out)
    np.testing.assert_array_equal(out, x * 2)


def test_programs_of_another_loader_may_outlive_a_workspace():
    """All programs call the functions that were prepared last, so that these must stay."""
    first = Loader(VOCABULARY)
    check(first.load(SOURCE, "twice", SIGNATURE))
    second = Workspace()
    check(Loader(VOCABULARY, workspace=second).load(SOURCE, "twice", SIGNATURE))
    gone = weakref.ref(second)
    del second
    gc.collect()
    assert gone() is not None
    check(first.load(SOURCE.replace("2.0", "(1.0 + 1.0)"), "twice", SIGNATURE))


def test_a_piece_is_kept_and_reused(program, workspace):
    for _ in range(10):
        check(program)
    assert workspace.kept() == SIZE
    check(program, 3 * SIZE)
    check(program)
    assert workspace.kept() == 3 * SIZE
    workspace.clear()
    assert workspace.kept() == 0
    check(program)


def test_a_huge_piece_is_not_kept(program, workspace):
    check(program, MOST_KEPT + 1)
    assert workspace.kept() == 0


def test_no_memory_is_an_error(program):
    with pytest.raises(MemoryError, match="temporaries"):
        program.call(np.zeros(1000), 2**60, np.empty(1000))


def test_threads_get_pieces_of_their_own(program, workspace):
    failed = []

    def work(number):
        try:
            for k in range(300):
                check(program, factor=number + k)
        except AssertionError:
            failed.append(sys.exc_info())

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failed
    assert workspace.kept() <= PIECES * SIZE
