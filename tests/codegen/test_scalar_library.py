"""The scalar library against mpmath and NumPy, compiled as emitted loops are, one kernel per dtype."""

from __future__ import annotations

import re
from functools import cache

import llvmlite.binding as llvm
import llvmlite.ir as ll
import numpy as np
import pytest
from math_reference import BINARY, UNARY, binary_operands, exact_values, ulps, unary_operands
from scipy import special

from tapejit.codegen.scalar_library import LIBRARY, ScalarFunction
from tapejit.codegen.vocabulary import VOCABULARY, Vocabulary
from tapejit.ir import special_reference as reference
from tapejit.ir.signature import Signature
from tapejit.ir.types import TensorType
from tapejit.runtime.loader import Loader, NativeProgram
from tapejit.runtime.shared_code import Registers

DTYPES = {"f64": np.float64, "f32": np.float32}
NUMPY = {
    "logistic": special.expit,
    "lgamma": reference.each(reference.log_gamma),
    "digamma": reference.digamma,
    "rsqrt": lambda x: 1 / np.sqrt(x),
    "pow": np.power,
    "erfcx": reference.each(reference.scaled_erfc),
    **{name: getattr(special, name) for name in ("erf", "erfc", "gamma")},
}
BOUNDS = {"gamma": 4.0, "lgamma": 4.0, "digamma": 4.0}  # ulps; 2 for the others
NEAR_ZEROS = {"lgamma": 64, "digamma": 16}  # between negative zeros and poles they lose digits
COUNT = 512
POINTS = 1024  # operands of every kernel; the rest of a row is filled with 0.5


class Inlined(Vocabulary):
    """The vocabulary of short programs, whatever their length."""

    def calls_in(self, source: str) -> dict[str, ScalarFunction]:
        return {}


@cache
def loader() -> Loader:
    return Loader(Inlined(VOCABULARY))


@cache
def kernel(dtype: str, names: tuple[str, ...]) -> NativeProgram:
    """Applies one function to each row: `out[k] = names[k](x[k], y[k])`."""
    lines = ["def kernel(x, y, out):", *(f"    {a} = flat({a})" for a in ("x", "y", "out"))]
    for k, name in enumerate(names):
        place = f"{k * POINTS} + i"
        operands = ", ".join(f"{a}[{place}]" for a in ("x", "y")[: LIBRARY[name].arity])
        lines += [f"    for i in range({POINTS}):", f"        out[{place}] = {name}({operands})"]
    rows = TensorType(dtype, (len(names), POINTS))
    signature = Signature((rows, rows), (False, False), (rows,), (False,))
    return loader().load("\n".join(lines) + "\n", "kernel", signature)


ALL = (*UNARY, *BINARY, "mod", "floor_div", "maximum", "minimum", "sign", "floor", "ceil")


def apply(name: str, dtype: str, *operands: np.ndarray) -> np.ndarray:
    x, y, out = (np.full((len(ALL), POINTS), 0.5, DTYPES[dtype]) for _ in range(3))
    row = ALL.index(name)
    for rows, values in zip((x, y), operands, strict=False):
        rows[row, : values.size] = values
    kernel(dtype, ALL).checked(x, y, out)
    return out[row, : operands[0].size]


# -- Accuracy ------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", UNARY)
def test_within_its_bound(name, dtype):
    x = unary_operands(name, DTYPES[dtype], COUNT)
    errors = ulps(apply(name, dtype, x), exact_values(UNARY[name], x))
    assert errors.max() <= BOUNDS.get(name, 2.0), f"{errors.max()} ulps at {x[errors.argmax()]!r}"


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", BINARY)
def test_of_two_operands_within_two_ulps(name, dtype):
    x, y = binary_operands(name, DTYPES[dtype], COUNT)
    errors = ulps(apply(name, dtype, x, y), exact_values(BINARY[name], x, y))
    assert errors.max() <= 2.0, f"{errors.max()} ulps at {x[errors.argmax()]!r}, {y[errors.argmax()]!r}"


# -- Limits --------------------------------------------------------------------------------------


def specials(dtype: type) -> np.ndarray:
    info = np.finfo(dtype)
    sizes = [0, 1, 2, 3, 0.5, 2.5, 1e-5, 1e10, 1e30, 800, np.inf, info.max, info.tiny]
    sizes += [info.smallest_subnormal, 1 - info.epsneg, 1 + info.eps]
    return np.array([*sizes, *(-np.array(sizes)), np.nan], dtype)


def assert_agrees(found, expected, *operands, tolerance=4):
    """Equal to a few ulps; NaN, inf and the signs of zeros as they should be."""
    with np.errstate(all="ignore"):
        same = (found == expected) & (np.signbit(found) == np.signbit(expected))
        near = np.abs(found - expected) <= tolerance * np.spacing(np.abs(expected))
    agrees = (np.isnan(found) & np.isnan(expected)) | same | (near & (expected != 0))
    wrong = [(*row, f, e) for *row, f, e, a in zip(*operands, found, expected, agrees, strict=True) if not a]
    assert not wrong


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", [n for n in ALL if LIBRARY[n].arity == 1])
def test_limits(name, dtype):
    x = specials(DTYPES[dtype])
    with np.errstate(all="ignore"):
        expected = (NUMPY.get(name) or getattr(np, name))(x)
    assert_agrees(apply(name, dtype, x), expected, x, tolerance=NEAR_ZEROS.get(name, 4))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["pow", "arctan2", "maximum", "minimum", "mod", "floor_div"])
def test_limits_of_two_operands(name, dtype):
    values = specials(DTYPES[dtype])
    x, y = (v.ravel()[:POINTS] for v in np.meshgrid(values[:32], values[-32:]))
    function = {"pow": np.power, "floor_div": np.floor_divide}.get(name) or getattr(np, name)
    with np.errstate(all="ignore"):
        expected = function(x, y)
    if name in ("maximum", "minimum"):  # which of two zeros wins is nowhere promised
        x, y, expected = x + 0.0, y + 0.0, expected + 0.0
    assert_agrees(apply(name, dtype, x, y), expected, x, y)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["mod", "floor_div"])
def test_division_is_exact(name, dtype):
    """Also next to multiples, where the rounded quotient is the next integer."""
    rng = np.random.default_rng(3)
    y = rng.normal(size=POINTS).astype(DTYPES[dtype])
    x = (rng.integers(-(10**4), 10**4, POINTS) * y).astype(DTYPES[dtype])
    x[::2] = np.nextafter(x[::2], np.inf, dtype=x.dtype)
    expected = {"mod": np.mod, "floor_div": np.floor_divide}[name](x, y)
    np.testing.assert_array_equal(apply(name, dtype, x, y), expected)


# -- Integers, choice, powers --------------------------------------------------------------------


def run_once(source: str, dtype: str, x: np.ndarray, y: np.ndarray, result: str | None = None) -> np.ndarray:
    """`source` for every pair of elements."""
    result = result or dtype
    text = f"def f(x, y, out):\n    for i in range({x.size}):\n        out[i] = {source}\n"
    type_, out_type = TensorType(dtype, x.shape), TensorType(result, x.shape)
    out = np.empty(x.shape, out_type.numpy_dtype)
    signature = Signature((type_, type_), (False, False), (out_type,), (False,))
    loader().load(text, "f", signature).checked(x, y, out)
    return out


@pytest.mark.parametrize("dtype", ["i64", "i32"])
@pytest.mark.parametrize("name", ["floor_div", "mod"])
def test_integer_division_never_traps(name, dtype):
    info = np.iinfo({"i64": np.int64, "i32": np.int32}[dtype])
    values = np.array([0, 1, -1, 2, -2, 7, -7, info.min, info.max], info.dtype)
    x, y = (v.ravel() for v in np.meshgrid(values, values))
    with np.errstate(all="ignore"):
        expected = {"floor_div": np.floor_divide, "mod": np.mod}[name](x, y)
    np.testing.assert_array_equal(run_once(f"{name}(x[i], y[i])", dtype, x, y), expected)


@pytest.mark.parametrize("exponent", [0, 1, 5, -3])
def test_integer_pow_has_its_exponent_at_compile_time(exponent):
    x = np.array([1.5, -2.0, 0.0, 3.25])
    with np.errstate(divide="ignore"):
        expected = x ** float(exponent)
    found = run_once(f"integer_pow(x[i], {exponent})", "f64", x, x)
    np.testing.assert_allclose(found, expected, rtol=1e-15)


@pytest.mark.parametrize("name", ["wins_max", "wins_min"])
def test_the_first_nan_stays(name):
    x, best = np.array([np.nan, np.nan, 1.0, 2.0, 1.0]), np.array([np.nan, 1.0, np.nan, 2.0, 2.0])
    found = run_once(f"{name}(x[i], y[i])", "f64", x, best, "bool")
    assert found.tolist() == [False, True, False, False, name == "wins_min"]


def test_select_and_plus():
    x, y = np.array([1.0, -1.0]), np.array([5.0, 7.0])
    assert run_once("select(x[i] > 0.0, plus(x[i], y[i]), y[i])", "f64", x, y).tolist() == [6.0, 7.0]


# -- The code ------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_loop_is_vectorised_without_library_calls(dtype):
    """A vectorised loop for each function, and no function of libm, which all give and take floats."""
    text = kernel(dtype, ALL).llvm()
    stores = re.findall(r"store <\d+ x (?:double|float)>", text)
    assert len(stores) >= len(ALL)
    declared = re.findall(r"declare .*?(?:double|float) @([\w.]+)\(", text)
    assert [name for name in declared if not name.startswith(("llvm.", "tapejit_shared_"))] == []


def test_sine_and_cosine_share_their_work():
    def operations(source: str) -> int:
        text = f"def f(x, out):\n    for i in range(1024):\n        out[i] = {source}\n"
        row = TensorType("f64", (1024,))
        program = loader().load(text, "f", Signature((row,), (False,), (row,), (False,)))
        return len(re.findall(r"llvm\.fma\.v", program.llvm()))

    assert operations("sin(x[i]) + cos(x[i])") <= operations("sin(x[i])") + 2


@pytest.mark.parametrize("name", sorted(set(LIBRARY) - {"select"}))
def test_plain_llvm_for_other_processors(name):
    """The IR names no instruction of one architecture: it verifies, and becomes AArch64 code if LLVM can."""
    module = ll.Module("m")
    module.triple = "aarch64-unknown-linux-gnu"
    function = LIBRARY[name]
    of_integers = name.startswith("shift") or name == "threefry"
    number = ll.IntType(64) if of_integers else ll.DoubleType()
    result = number if function.result_like is not None else ll.IntType(1)
    caller = ll.Function(module, ll.FunctionType(result, [number] * function.arity), "caller")
    builder = ll.IRBuilder(caller.append_basic_block("entry"))
    arguments = [2 if k == function.literal else x for k, x in enumerate(caller.args)]
    builder.ret(function.build(builder, *arguments))
    parsed = llvm.parse_assembly(str(module))
    parsed.verify()
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    machine = llvm.Target.from_triple(module.triple).create_target_machine()
    assert "caller:" in machine.emit_assembly(parsed)


@pytest.mark.parametrize("name", ["exp", "sin_cos", "arctan2"])
def test_shared_functions_for_other_processors(name):
    """Registers of 16 bytes: wider variants call that of one register, and all become AArch64 code."""
    home = f"tapejit_shared_f64_{name}"
    module = VOCABULARY.definition(home, Registers(16, 32))
    module.triple = "aarch64-unknown-linux-gnu"
    parsed = llvm.parse_assembly(str(module))
    parsed.verify()
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    code = llvm.Target.from_triple(module.triple).create_target_machine().emit_assembly(parsed)
    assert all(f"{home}{variant}:" in code for variant in ("", "_x2", "_x4", "_x8"))
    assert VOCABULARY.home(f"{home}_x4") == home
    assert code.count(f"\tbl\t{home}_x2") >= 2 + 4
