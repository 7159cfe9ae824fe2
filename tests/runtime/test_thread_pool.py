"""The pool: every block runs once, by whichever thread; many callers, forks, failures, odd settings."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import numpy as np
import pytest

from tapejit.codegen.vocabulary import VOCABULARY
from tapejit.ir.signature import Signature
from tapejit.ir.types import TensorType
from tapejit.runtime.loader import Loader
from tapejit.runtime.threads import MOST_THREADS, Threads, threads_from_environment, usable_cores

COUNT = TensorType("i64", (1000,))
SIGNATURE = Signature((TensorType("i64"),), (True,), (COUNT,), (False,))
SOURCE = """\
def step(block, out0, size):
    scratch = empty(size, f64)
    for i in range(10):
        scratch[i] = 1.0
        out0[block * 10 + i] = out0[block * 10 + i] + i64(scratch[i])
def counted(size, out0):
    out0 = flat(out0)
    parallel(100, step, (out0, size))
"""


@pytest.fixture(scope="module")
def threads():
    return Threads(3)


@pytest.fixture(scope="module")
def program(threads):
    return Loader(VOCABULARY, threads=threads).load(SOURCE, "counted", SIGNATURE)


@pytest.fixture(autouse=True)
def three(threads):
    threads.number = 3


@pytest.mark.parametrize("number", [1, 2, 3, 50])
def test_every_block_runs_once(program, threads, number):
    threads.number = number
    out = np.zeros(1000, np.int64)
    for _ in range(200):
        program.call(10, out)
    np.testing.assert_array_equal(out, 200)


def test_several_callers_at_once(program):
    outs = [np.zeros(1000, np.int64) for _ in range(6)]

    def call(out):
        for _ in range(500):
            program.call(10, out)

    callers = [threading.Thread(target=call, args=(out,)) for out in outs]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(60)
    for out in outs:
        np.testing.assert_array_equal(out, 500)


@pytest.mark.parametrize("number", [1, 3])
def test_a_block_without_memory_is_an_error_of_the_call(program, threads, number):
    threads.number = number
    with pytest.raises(MemoryError):
        program.call(2**59, np.zeros(1000, np.int64))
    out = np.zeros(1000, np.int64)
    program.call(10, out)
    np.testing.assert_array_equal(out, 1)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_runs_alone_and_may_start_threads(program, threads):
    program.call(10, np.zeros(1000, np.int64))
    child = os.fork()
    if not child:
        out = np.zeros(1000, np.int64)
        program.call(10, out)
        threads.number = 2
        program.call(10, out)
        os._exit(0 if (out == 2).all() else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.parametrize("text", ["0", "-1", "two", "1.5", " 2", "²", str(MOST_THREADS + 1)])
def test_a_bad_setting_is_an_error_that_says_what_to_do(monkeypatch, text):
    monkeypatch.setenv("TAPEJIT_NUM_THREADS", text)
    with pytest.raises(ValueError, match=r"TAPEJIT_NUM_THREADS is .*; set it to an integer from 1 to 256"):
        threads_from_environment()


def test_the_setting_is_read(monkeypatch):
    monkeypatch.setenv("TAPEJIT_NUM_THREADS", "7")
    assert threads_from_environment() == 7
    monkeypatch.setenv("TAPEJIT_NUM_THREADS", "")
    assert threads_from_environment() == usable_cores()


def test_the_process_ends_while_workers_sleep():
    code = (
        "import numpy as np, tapejit as tj\n"
        "tj.set_num_threads(2)\n"
        "f = tj.jit(lambda x: np.sum(np.sin(x) * np.exp(x)))\n"
        "print(f(np.ones(300_000)) > 0, 'parallel(' in f.stage('source'))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=100)
    assert (done.returncode, done.stdout, done.stderr) == (0, "True True\n", "")
