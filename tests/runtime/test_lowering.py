"""The front end of emitted source: it means what Python means, to the bit what Numba's own pipeline means."""

import gc
import resource

import numba
import numpy as np
import pytest

from tapejit.codegen.vocabulary import VOCABULARY
from tapejit.ir.signature import Signature
from tapejit.ir.types import TensorType
from tapejit.runtime.loader import Loader
from tapejit.runtime.names import LoweringError

SOURCES = {
    "ranges": """
    for i in range(5):
        out[i] = x[i] * 2.0
    for i in range(5, 9):
        out[i] = x[i] + f64(i)
    for i in range(10, 30, 4):
        out[i] = x[i] - 1.0
    for i in range(9, 4, -2):
        out[i] = -x[i]
    for i in range(3, 3):
        out[i] = 7.0
""",
    "tables": """
    each = (3, 1, 2)
    weights = (0.5, -1.5, 2.25)
    for i in range(3):
        out[each[i]] = x[i] * weights[i]
""",
    "steps that are known late": """
    width = 1
    while width < 8:
        for i in range(0, 32, 2 * width):
            out[i] = out[i] + f64(width)
        width = width * 2
""",
    "breaks leave the inner loop": """
    count = 0
    for i in range(6):
        j = 0
        while True:
            if j == i:
                break
            j += 1
            count += 1
        out[i] = f64(count)
""",
    "branches": """
    for i in range(32):
        t = f64(0)
        if x[i] > 0.5:
            t = x[i]
        elif x[i] > 0.0:
            t = f64(1)
        else:
            t = t - x[i]
        out[i] = t if i % 2 == 0 and (i < 10 or i > 20) else f64(-1)
""",
    "rows change hands": """
    a = empty(32, f64)
    b = empty(32, f64)
    for i in range(32):
        a[i] = x[i]
        b[i] = f64(i)
    for k in range(3):
        a, b = b, a
    half = a[16 : 16 + 16]
    for i in range(16):
        out[i] = half[i]
    part = b[2 * 4 : 2 * 4 + 8]
    part[1] = f64(77)
    for i in range(16):
        out[16 + i] = b[i]
""",
    "rows grow": """
    room = 2
    row = empty(2, f64)
    for i in range(3000):
        if i == room:
            wider = empty(2 * room, f64)
            for j in range(room):
                wider[j] = row[j]
            row = wider
            room = 2 * room
        row[i] = f64(i)
    for i in range(32):
        out[i] = row[i * 93]
""",
    "whole numbers": """
    n = i64(-7)
    for i in range(1, 9):
        out[i] = f64(n // i) + f64(n % i) * 100.0
        out[i + 8] = f64(min(n, i, 5) * max(3, n, i))
        out[i + 16] = f64((n & i) | 1)
""",
    "values outlive the loop or branch that gave them": """
    k = 0
    while True:
        last = x[k] * 2.0
        row = x[k : k + 4]
        k += 1
        if k > 5:
            limit = f64(k) + last
            break
    out[0] = last
    out[1] = limit
    out[2] = row[3]
    for i in range(3, 9):
        out[i] = last + row[i - 3 - (i - 3) // 4 * 4]
""",
    "names are given anew outside of loops": """
    t = x[0]
    for i in range(8):
        out[i] = t * x[i]
    t = t + x[1]
    for i in range(8, 16):
        out[i] = t
        u = out[i] + 1.0
        if u > 1.0:
            u = -u
        out[i] = u
    x = x[4:8]
    for i in range(4):
        out[i] = x[i]
""",
    "conditions are kept": """
    flags = empty(32, bool)
    for i in range(32):
        flags[i] = x[i] < 0.25
    for i in range(32):
        t = flags[i]
        if not t:
            out[i] = f64(1)
        else:
            out[i] = f32(0.1) + f64(2)
""",
    "complex numbers": """
    for i in range(16):
        z = complex(x[i], 1.5)
        w = z * z.conjugate() + c128(2)
        out[i] = w.real
        out[16 + i] = z.imag / 3.0
""",
    "infinities": """
    t = f64(-inf)
    for i in range(32):
        t = x[i] if x[i] > t else t
        out[i] = t
    out[3] = f64(nan)
""",
}
ROW = TensorType("f64", (32,))
SIGNATURE = Signature((ROW,), (False,), (ROW,), (False,))


def source_of(body: str) -> str:
    return f"def program(x, out):\n    x = flat(x)\n    out = flat(out)\n{body}"


def load(body: str):
    return Loader(VOCABULARY).load(source_of(body), "program", SIGNATURE)


def ran(function) -> np.ndarray:
    x = np.random.default_rng(0).normal(size=32)
    out = np.arange(32.0)
    function(x, out)
    return out


def in_python(body: str):
    """The function as Python runs it, with NumPy's types."""
    types = {"f64": np.float64, "f32": np.float32, "i64": int, "bool": np.bool_, "c128": np.complex128}
    namespace = {**types, "flat": lambda x: x, "empty": np.empty, "inf": np.inf, "nan": np.nan}
    exec(source_of(body), namespace)
    return namespace["program"]


@pytest.mark.parametrize("name", SOURCES)
def test_means_what_python_means(name):
    np.testing.assert_allclose(ran(load(SOURCES[name]).call), ran(in_python(SOURCES[name])), rtol=1e-7)


@pytest.mark.parametrize(
    "name", ["ranges", "tables", "branches", "whole numbers", "conditions are kept", "complex numbers"]
)
def test_gives_the_bits_of_numbas_own_pipeline(name):
    loader = Loader(VOCABULARY)
    namespace = dict(loader.names)
    exec(source_of(SOURCES[name]), namespace)
    by_numba = numba.njit(error_model="numpy", fastmath={"contract"})(namespace["program"])
    assert ran(load(SOURCES[name]).call).tobytes() == ran(by_numba).tobytes()


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("    t = f64(0)\n    t = i64(1)\n", "t changes its type"),
        ("    t = x\n    t = f64(0)\n", "t changes its type"),
        ("    out[0] = [1.0][0]\n", "no expression like: \\[1.0\\]"),
        ("    with x:\n        pass\n", "no statement like: with x"),
        ("    t = f64(1)\n    out[0] = t[0]\n", "no elements in: t\\[0\\]"),
        ("    out[0] = x\n", "row where a scalar is needed"),
        ("    t = f32(1) if x[0] > 0.0 else f64(1)\n", "two types in"),
    ],
)
def test_what_is_outside_of_the_language_is_refused(body, says):
    with pytest.raises(LoweringError, match=says):
        load(body)


def test_rows_are_freed_where_a_program_ends_with_an_error():
    body = """
    t = empty(4000000, f64)
    for i in range(4000000):
        t[i] = x[i % 32]
    if t[0] > -100.0:
        raise LinAlgError('as it should')
    out[0] = t[5]
"""
    call = load(body).call
    for _ in range(3):
        with pytest.raises(np.linalg.LinAlgError, match="as it should"):
            ran(call)
    gc.collect()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(20):
        with pytest.raises(np.linalg.LinAlgError):
            ran(call)
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert kilobytes < 5 * 32000  # not the 20 rows of 32 MB


def test_too_much_memory_is_an_error():
    body = f"    t = empty({2**58}, f64)\n    for i in range(32):\n        t[i] = x[i]\n    out[0] = t[1]\n"
    with pytest.raises(MemoryError):
        ran(load(body).call)
