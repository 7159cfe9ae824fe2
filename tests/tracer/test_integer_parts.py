"""`gcd`, `lcm`, `ldexp` and `frexp`: NumPy's values and dtypes; derivatives where there are floats."""

import numpy as np
import pytest

import tapejit as tj
from tapejit.engine import DECORATED

INTEGERS = np.array([0, 1, -1, 6, -15, 40, 63, 2**40, -(2**61), 3**30])
FLOATS = np.array(
    [0.0, -0.0, 1.0, -0.3, 5e-324, -3e-310, 1e300, 1.7e308, np.inf, -np.inf, np.nan, 1 - 2**-53]
)


@pytest.fixture(params=["interpret", "compile"])
def tier(request, interpreted):
    DECORATED.tier = request.param


@pytest.mark.parametrize("dtype", [np.int64, np.int32])
@pytest.mark.parametrize("function", [np.gcd, np.lcm])
def test_divisors(function, dtype, tier):
    x = INTEGERS[:7].astype(dtype) if dtype == np.int32 else INTEGERS
    for a, b in ((x[:, None], x), (x, dtype(12)), (x[:0], x[:0]), (x[3], x[5])):
        found = tj.jit(function)(a, b)
        assert found.dtype == dtype
        np.testing.assert_array_equal(found, function(a, b))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_powers_of_two(dtype, tier):
    powers = np.array([-2000, -1100, -150, -60, -1, 0, 3, 127, 900, 2000])
    with np.errstate(all="ignore"):
        x = FLOATS.astype(dtype)[:, None]
        expected = np.ldexp(x, powers)
    found = tj.jit(np.ldexp)(x, powers)
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_fractions_and_exponents(dtype, tier):
    with np.errstate(all="ignore"):
        x = np.concatenate([FLOATS, 2.0 ** np.arange(-1070, 1020, 7), 0.7 * 3.0 ** np.arange(-90, 90)])
        x = x.astype(dtype)
    fraction, power = tj.jit(np.frexp)(x)
    assert (fraction.dtype, power.dtype) == (dtype, np.int32)
    np.testing.assert_array_equal(fraction, np.frexp(x)[0])
    np.testing.assert_array_equal(power, np.where(np.isfinite(x), np.frexp(x)[1], 0))


def test_derivatives():
    x, n = np.array([0.3, -5.0, 1e-3]), np.array([2, -1, 7])
    np.testing.assert_array_equal(tj.grad(lambda x: np.sum(np.ldexp(x, n)))(x), 2.0**n)
    np.testing.assert_array_equal(tj.grad(lambda x: np.sum(np.frexp(x)[0]))(x), 2.0 ** -np.frexp(x)[1])
    np.testing.assert_array_equal(tj.grad(lambda x: np.sum(np.gcd(n * 6, 9) * x))(x), np.gcd(n * 6, 9))


@pytest.mark.parametrize(
    "call",
    [lambda: tj.jit(np.gcd)(np.ones(2), 2), lambda: tj.jit(np.ldexp)(np.ones(2), np.ones(2)),
     lambda: tj.jit(np.frexp)(np.ones(2) * 1j)],
)  # fmt: skip
def test_other_dtypes_are_refused(call):
    with pytest.raises(TypeError, match=r"test_integer_parts\.py:\d+"):
        call()
