"""Native functions of complex numbers against NumPy: ordinary ones, signed zeros, infinities, NaN, cuts."""

from functools import cache
from itertools import product

import numpy as np
import pytest
from compiled import run

from tapejit.ir import ops
from tapejit.ir.builder import Builder
from tapejit.ir.interpreter import interpret
from tapejit.ir.modulus import modulus
from tapejit.ir.types import type_of

SPECIAL = (0.0, -0.0, 1.0, -1.0, 0.5, -3.0, np.inf, -np.inf, np.nan, 1e-30, 1e30)
UNARY = (ops.exp, ops.log, ops.sqrt, ops.sin, ops.cos, ops.tan, ops.sinh, ops.cosh, ops.tanh)
FUNCTIONS = {
    "mul": lambda z, w: z * w,
    "div": lambda z, w: z / w,
    "modulus": lambda z, w: modulus(z),
    "integer_pow": lambda z, w: ops.integer_pow(z, exponent=-3),
    **{row.name: (lambda z, w, row=row: row(z)) for row in (*UNARY, ops.arcsin, ops.arccos, ops.arctan)},
}
LEFT_OPEN = {"log": 1e-15}  # NumPy's angle at infinity is not the nearest float


def grid():
    return np.array([complex(x, y) for x, y in product(SPECIAL, SPECIAL)])


def ordinary():
    rng = np.random.default_rng(0)
    sizes = np.exp(2.0 * rng.normal(size=(2, 500)))
    spread = sizes[0] * rng.normal(size=500) + 1j * sizes[1] * rng.normal(size=500)
    near_circle = np.exp(1j * rng.uniform(-4.0, 4.0, 200)) * (1.0 + 1e-9 * rng.normal(size=200))
    return np.concatenate([spread, near_circle])


@cache
def results(dtype):
    """What all functions give natively and in NumPy, of special and then of ordinary numbers."""
    with np.errstate(all="ignore"):
        z = np.concatenate([grid(), ordinary()]).astype(dtype)
    b = Builder("functions", [type_of(z), type_of(z)])
    f = b.finish([make(*b.params) for make in FUNCTIONS.values()])
    args = z, z[::-1].copy()
    return dict(zip(FUNCTIONS, zip(run(f, *args), interpret(f, *args), strict=True), strict=True))


@pytest.mark.parametrize("dtype", [np.complex128, np.complex64])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_ordinary_numbers(name, dtype):
    found, expected = (x[len(grid()) :] for x in results(dtype)[name])
    finite = np.isfinite(expected) & np.isfinite(found)
    assert np.mean(finite) > 0.9
    error = abs(found[finite] - expected[finite]) / np.maximum(abs(expected[finite]), np.finfo(dtype).tiny)
    assert error.max() < 4.0 * np.finfo(dtype).eps


def agree(found, expected, tolerance):
    """Equal, both NaN, or (finite parts) close."""
    with np.errstate(invalid="ignore"):
        near = abs(found - expected) <= tolerance * abs(expected)
    return near | (found == expected) | (np.isnan(found) & np.isnan(expected))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_special_numbers(name):
    found, expected = (x[: len(grid())] for x in results(np.complex128)[name])
    undefined = np.isnan(expected)  # some part is NaN: which one, and the sign of the other, C leaves open
    both = zip((found.real, found.imag), (expected.real, expected.imag), strict=True)
    same = [agree(x[~undefined], y[~undefined], LEFT_OPEN.get(name, 2e-15)) for x, y in both]
    wrong = grid()[~undefined][~(same[0] & same[1])]
    assert not len(wrong), wrong
    if name not in ("integer_pow", "mul", "div"):
        assert not np.isfinite(found[undefined]).any()


@pytest.mark.parametrize(("name", "z"), [("sqrt", -4.0), ("log", -1.0)], ids=["square root", "logarithm"])
def test_the_sign_of_zero_chooses_the_side_of_a_cut(name, z):
    points = np.array([complex(z, 0.0), complex(z, -0.0)])
    b = Builder("cut", [type_of(points)])
    f = b.finish([getattr(ops, name)(*b.params)])
    (found,), (expected,) = run(f, points), interpret(f, points)
    np.testing.assert_allclose(found, expected, rtol=1e-15)
    assert found[0].imag > 0 > found[1].imag


def test_powers_at_zero_and_of_zero():
    z, w = np.array([0j, 0j, 0j, 2j]), np.array([0j, 2 - 1j, -1 + 0j, 0j])
    b = Builder("powers", [type_of(z), type_of(w)])
    f = b.finish([ops.pow_(*b.params)])
    (found,) = run(f, z, w)
    np.testing.assert_array_equal(found[[0, 1, 3]], [1.0, 0.0, 1.0])
    assert np.isnan(found[2])


def test_a_program_with_many_functions_calls_them():
    z = ordinary()[:50]
    b = Builder("many", [type_of(z)])
    (x,) = b.params
    for _ in range(40):
        x = ops.exp(ops.log(x))
    f = b.finish([x])
    (found,), (expected,) = run(f, z), interpret(f, z)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.complex128, np.complex64])
def test_sums_and_products_of_matrices(dtype):
    rng = np.random.default_rng(1)
    x, y = ((rng.normal(size=s) + 1j * rng.normal(size=s)).astype(dtype) for s in ((12, 300), (300, 9)))
    b = Builder("sums", [type_of(x), type_of(y)])
    product_ = ops.dot_general(*b.params, contract=((1,), (0,)), batch=((), ()))
    f = b.finish([product_, ops.reduce_sum(b.params[0], axes=(0, 1)), ops.reduce_sum(b.params[1], axes=(0,))])
    for found, expected in zip(run(f, x, y), interpret(f, x, y), strict=True):
        np.testing.assert_allclose(found, expected, rtol=100 * np.finfo(dtype).eps)


def test_a_long_sum_is_as_good_as_an_exact_one():
    """Each part is summed in stretches whose rounding errors are kept."""
    import math

    rng = np.random.default_rng(2)
    z = (rng.normal(size=100_000) * 10.0 ** rng.integers(0, 8, 100_000)).astype(complex)
    z += 1j * z[::-1]
    b = Builder("sum", [type_of(z)])
    (found,) = run(b.finish([ops.reduce_sum(b.params[0], axes=(0,))]), z)
    exact = complex(math.fsum(z.real), math.fsum(z.imag))
    size = np.sum(abs(z.real))
    assert abs(found - exact) < 1e-16 * np.sqrt(size / abs(exact)) * size
