"""Source to native code: what the loader promises to its callers."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
import threading

import numpy as np
import pytest

from tapejit.codegen.vocabulary import VOCABULARY
from tapejit.ir.signature import Signature
from tapejit.ir.types import TensorType
from tapejit.runtime.loader import Loader

VECTOR = TensorType("f64", (1000,))
SIGNATURE = Signature((VECTOR, TensorType("f64")), (False, True), (VECTOR,), (False,))
SOURCE = """\
def scaled(x, s, out0):
    x = flat(x)
    out0 = flat(out0)
    for i in range(1000):
        out0[i] = sin(x[i]) * s
"""


@pytest.fixture(scope="module")
def loader():
    return Loader(VOCABULARY)


@pytest.fixture(scope="module")
def program(loader):
    return loader.load(SOURCE, "scaled", SIGNATURE)


@pytest.mark.parametrize("entry", ["call", "checked"])
def test_both_entries_run(program, entry):
    x, out = np.arange(1000.0), np.empty(1000)
    getattr(program, entry)(x, 2.0, out)
    np.testing.assert_allclose(out, 2 * np.sin(x), rtol=1e-15)


def test_the_checked_entry_refuses_other_types(program):
    with pytest.raises(TypeError, match="No matching definition"):
        program.checked(np.arange(1000), 2.0, np.empty(1000))


def test_the_source_is_visible_to_debuggers(program):
    assert inspect.getsource(program.checked.py_func) == SOURCE
    assert program.source == SOURCE


def test_loops_are_vectorised(program):
    assert re.search(r"load <\d+ x double>", program.llvm())
    assert "scaled" in program.asm()


def test_threads_may_load_at_once(loader):
    found = []

    def load(k):
        source = SOURCE.replace("sin(x[i]) * s", f"x[i] * {float(k)} + s")
        found.append((k, loader.load(source, "scaled", SIGNATURE)))

    threads = [threading.Thread(target=load, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for k, program in found:
        out = np.empty(1000)
        program.call(np.ones(1000), 0.5, out)
        np.testing.assert_array_equal(out, k + 0.5)


def test_a_scalar_of_the_first_loop_is_found_after_many_others(loader):
    """Numba's own front end would go back to it by recursion, deeper than Python allows by default."""
    between = "".join(f"    for k in range({k}, {k} + 2):\n        out0[k] = s\n" for k in range(250))
    total = "    t = f64(0)\n    for i in range(3):\n        t = t + x[i]\n"
    head = "def late(x, s, out0):\n    x = flat(x)\n    out0 = flat(out0)\n"
    out = np.zeros(1000)
    program = loader.load(f"{head}{total}{between}    out0[999] = t\n", "late", SIGNATURE)
    program.call(np.arange(1000.0), 2.5, out)
    assert out[999] == 3.0
    np.testing.assert_array_equal(out[:252], [2.5] * 251 + [0.0])


def test_numba_is_imported_by_the_first_load_only():
    code = (
        "import sys, tapejit.runtime.loader as l, tapejit.codegen.emit\n"
        "l.Loader({})\nassert 'numba' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
