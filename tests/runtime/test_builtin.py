"""The builtin function around a program takes Python's objects as they are, and raises what went wrong."""

import ctypes
import gc
import sys

import numpy as np
import pytest

from tapejit.codegen.vocabulary import VOCABULARY
from tapejit.ir.signature import Signature
from tapejit.ir.types import TensorType
from tapejit.runtime import builtin
from tapejit.runtime.loader import Loader

NUMBERS = [
    ("f64", 2.5),
    ("f64", np.float64(-0.0)),
    ("f64", 3),
    ("f32", np.float32(0.1)),
    ("i64", -(2**62)),
    ("i32", np.int32(-7)),
    ("bool", True),
    ("bool", np.bool_(False)),
    ("c128", 1 + 2j),
    ("c128", np.complex64(1 - 2j)),
    ("c64", np.complex64(-1j)),
]


def load(dtype: str, body: str):
    number, row = TensorType(dtype), TensorType(dtype, (2, 3))
    source = f"def program(x, s, out):\n    x = flat(x)\n    out = flat(out)\n{body}"
    signature = Signature((row, number), (False, True), (row,), (False,))
    return Loader(VOCABULARY).load(source, "program", signature)


@pytest.mark.parametrize(("dtype", "number"), NUMBERS)
def test_numbers_and_arrays_come_in(dtype, number):
    body = "    for i in range(6):\n        out[i] = s if i % 2 == 0 else x[i]\n"
    x = np.arange(6).astype(TensorType(dtype).numpy_dtype).reshape(2, 3)
    out, expected = np.zeros_like(x), x.copy()
    expected.ravel()[::2] = number
    assert load(dtype, body).call(x, number, out) is None
    assert out.tobytes() == expected.tobytes()


@pytest.fixture(scope="module")
def doubled():
    return load("f64", "    if s > 9.0:\n        raise LinAlgError('too large')\n    out[0] = s * 2.0\n")


@pytest.mark.parametrize(
    ("number", "error"), [("one", TypeError), (None, TypeError), (10.0, np.linalg.LinAlgError)]
)
def test_what_goes_wrong_is_raised(doubled, number, error):
    out = np.ones((2, 3))
    with pytest.raises(error):
        doubled.call(np.ones((2, 3)), number, out)
    np.testing.assert_array_equal(out, 1)


def test_too_few_or_too_many_arguments_are_refused(doubled):
    x = np.ones((2, 3))
    for arguments in ((), (x, 1.0), (x, 1.0, x, x)):
        with pytest.raises(TypeError):
            doubled.call(*arguments)


def test_references_are_given_back(doubled):
    x, out, error = np.ones((2, 3)), np.ones((2, 3)), None
    before = sys.getrefcount(x), sys.getrefcount(out)
    for number in (1.0, 11.0) * 5:
        try:
            doubled.call(x, number, out)
        except np.linalg.LinAlgError as raised:
            error = str(raised)
    assert error == "too large"
    assert (sys.getrefcount(x), sys.getrefcount(out)) == before


def test_the_garbage_collector_does_not_free_what_python_reads_when_it_frees_a_builtin():
    owner = []
    made = builtin.made("example", _address("PyLong_FromLong"), owner)
    assert any(gc.is_tracked(x) for x in made.__self__)  # the owner: it may be part of a cycle
    assert not any(isinstance(x, ctypes.Structure) for x in made.__self__)  # whose memory is freed first


def _address(name):
    return ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value
