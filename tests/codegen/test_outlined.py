"""Programs with many transcendental functions call them; shorter ones inline them. The bits are the same."""

import re
from functools import cache

import numpy as np
import pytest

from tapejit.codegen.outlined import MANY, VERY_MANY, outlined, pairs_pay
from tapejit.codegen.scalar_library import LIBRARY, ScalarFunction
from tapejit.codegen.vocabulary import VOCABULARY, Vocabulary
from tapejit.ir.signature import Signature
from tapejit.ir.types import TensorType
from tapejit.runtime.loader import Loader, NativeProgram

DTYPES = {"f64": np.float64, "f32": np.float32}
# Of `threefry` the operands are integers.
NAMES = [name for name, function in LIBRARY.items() if function.long and name != "threefry"]


class Called(Vocabulary):
    """The vocabulary of long programs, whatever their length."""

    def calls_in(self, source: str) -> dict[str, ScalarFunction]:
        return outlined(self, source + " exp(x)" * (VERY_MANY + 1))


@cache
def inlining() -> Loader:
    return Loader(VOCABULARY)


@cache
def calling() -> Loader:
    return Loader(Called(VOCABULARY))


def loaded(loader: Loader, source: str, dtype: str, size: int) -> NativeProgram:
    row = TensorType(dtype, (size,))
    return loader.load(source, "f", Signature((row, row), (False, False), (row,), (False,)))


def applied(loader: Loader, name: str, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, str]:
    """The function of all pairs of elements, and the program's LLVM IR."""
    operands = "x[i], y[i]" if LIBRARY[name].arity == 2 else "x[i]"
    source = f"def f(x, y, out):\n    for i in range({x.size}):\n        out[i] = {name}({operands})\n"
    program = loaded(loader, source, {8: "f64", 4: "f32"}[x.itemsize], x.size)
    out = np.empty_like(x)
    program.call(x, y, out)
    return out, program.llvm()


def operands(dtype: str, size: int) -> np.ndarray:
    """Of all sizes and signs, with limits; huge ones in no more than a lane here and there."""
    rng = np.random.default_rng(11)
    x = np.concatenate([rng.normal(size=size) * 2, np.exp(rng.normal(size=size) * 8), rng.uniform(size=size)])
    x[::37] *= 1e30
    x[1::41] = rng.choice([0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan], x[1::41].size)
    return rng.permutation(x).astype(DTYPES[dtype])


@pytest.mark.slow
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_a_called_function_gives_the_bits_of_the_inlined_one(name, dtype):
    assert_same_bits(name, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["sin", "exp", "pow"])
def test_bits_of_called_functions(name, dtype):
    assert_same_bits(name, dtype)


def assert_same_bits(name: str, dtype: str) -> None:
    """In whole vectors and in what is left over at the end of a loop."""
    x = operands(dtype, 333)
    y = np.roll(x, 1)
    (found, code), (expected, _) = (applied(loader, name, x, y) for loader in (calling(), inlining()))
    np.testing.assert_array_equal(found.view(f"u{x.itemsize}"), expected.view(f"u{x.itemsize}"))
    assert re.search(rf"call .*@tapejit_shared_{dtype}_{name}_x\d+\(", code)


@pytest.mark.parametrize("size", range(1, 20))
def test_loops_of_every_length(size):
    x = np.linspace(-3.0, 1e12, size)
    for dtype in DTYPES.values():
        (found, _), (expected, _) = (
            applied(loader, "cos", x.astype(dtype), x.astype(dtype)) for loader in (calling(), inlining())
        )
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("size", [1, 7, 500])
@pytest.mark.parametrize("dtype", DTYPES)
def test_sine_and_cosine_of_one_angle_are_one_call(dtype, size):
    source = f"""def f(x, y, out):
    for i in range({size}):
        t = x[i]
        s = sin(t)
        c = cos(t)
        out[i] = s * {dtype}(2.0) + c
"""
    x = operands(dtype, 200)[:size]
    found, expected = np.empty_like(x), np.empty_like(x)
    program = loaded(calling(), source, dtype, size)
    program.call(x, x, found)
    loaded(inlining(), source, dtype, size).call(x, x, expected)
    np.testing.assert_array_equal(found, expected)
    called = set(re.findall(r"call .*@tapejit_shared_f\d\d_(\w+?)(?:_x\d+)?\(", program.llvm()))
    assert called == {"sin_cos"}


def test_pairs_pay_where_most_angles_need_both():
    pair, sine = " sin(t1) cos(t1)", "".join(f" sin(u{k})" for k in range(9))
    assert pairs_pay(pair)
    assert not pairs_pay(pair + sine)
    assert not pairs_pay(" sin(t1) cos(t2)")


def test_complex_numbers_are_called_too():
    row = TensorType("c128", (50,))
    source = "def f(x, y, out):\n    for i in range(50):\n        out[i] = exp(sin(x[i])) * y[i]\n"
    signature = Signature((row, row), (False, False), (row,), (False,))
    x = np.linspace(-1.0, 1.0, 50) * (1 + 2j)
    out = np.empty_like(x)
    program = calling().load(source, "f", signature)
    program.call(x, x, out)
    np.testing.assert_allclose(out, np.exp(np.sin(x)) * x, rtol=1e-13)
    assert '@"tapejit.sin.' in program.llvm()


def chain(length: int) -> str:
    lines = ["def f(x, y, out):", "    for i in range(9):", "        t = x[i]"]
    lines += ["        t = sin(t) * f64(1.01)", "        t = exp(t)"] * (length // 2)
    return "\n".join([*lines, "        out[i] = t"]) + "\n"


def test_only_long_programs_call():
    assert "@tapejit_shared_f64_exp" in loaded(inlining(), chain(MANY + 2), "f64", 9).llvm()
    assert "@tapejit_shared_f64_exp" not in loaded(inlining(), chain(MANY), "f64", 9).llvm()
