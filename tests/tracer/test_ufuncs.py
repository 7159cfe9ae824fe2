"""NumPy's elementwise ufuncs, all of them: values, dtypes and edges exactly as NumPy's, or an error by name.

`tests/tracer/test_special_functions.py` has SciPy's; accuracy is measured in `tests/codegen`.
"""

import numpy as np
import pytest

import tapejit as tj
from tapejit.tracer.errors import TapejitError

FLOATS = np.array(
    [0.0, -0.0, 1.0, -1.0, 0.5, 1.5, -2.5, 2.5, 7.0, -7.3, 1e300, 5e-324, np.inf, -np.inf, np.nan]
)
INTEGERS = np.array([0, 1, -1, 2, 3, -7, 8, 40, 63, 64, 2**62, -(2**63)])
BOOLS = np.array([True, False])
OPERANDS = {"f8": FLOATS, "f4": FLOATS.astype("f4"), "i8": INTEGERS, "?": BOOLS}
UFUNCS = sorted({u.__name__ for u in vars(np).values() if isinstance(u, np.ufunc) and u.signature is None})
# What is not there: the dtype of its results, or data-dependent errors.
ABSENT = {
    "bitwise_count": "uint8",
    "isnat": "of dates",
}
ELSEWHERE = ("gcd", "lcm", "ldexp")  # in test_integer_parts
TRANSLATED = 8  # ulps that compiled or composed functions may be away from NumPy's


def operands(ufunc, dtype):
    x = OPERANDS[dtype]
    return (x,) if ufunc.nin == 1 else tuple(v.ravel() for v in np.meshgrid(x, x))


def expected(ufunc, xs):
    """NumPy's results; None where it refuses, or answers in a dtype that is not ours."""
    with np.errstate(all="ignore"):
        try:
            found = ufunc(*xs)
        except (TypeError, ValueError):
            return None
    results = found if isinstance(found, tuple) else (found,)
    return results if all(r.dtype.char in "dflqi?" for r in results) else None


@pytest.mark.parametrize("dtype", OPERANDS)
@pytest.mark.parametrize("name", [n for n in UFUNCS if n not in (*ABSENT, *ELSEWHERE)])
def test_values_and_dtypes(name, dtype):
    ufunc = getattr(np, name)
    xs = operands(ufunc, dtype)
    wanted = expected(ufunc, xs)
    if wanted is None or (name == "power" and dtype == "i8"):
        return
    found = tj.jit(ufunc)(*xs)
    for a, b in zip(found if ufunc.nout > 1 else (found,), wanted, strict=True):
        assert a.dtype == b.dtype
        agree(np.asarray(a), b, xs)


def agree(a, b, xs):
    if b.dtype.kind != "f":
        np.testing.assert_array_equal(a, b)
        return
    with np.errstate(all="ignore"):
        near = np.abs(a - b) <= TRANSLATED * np.spacing(np.abs(b))
    same = (a == b) | (np.isnan(a) & np.isnan(b)) | near
    assert same.all(), [(*(x[~same][:3] for x in xs), a[~same][:3], b[~same][:3])]


@pytest.mark.parametrize("name", sorted(ABSENT))
def test_what_is_absent_says_so(name):
    ufunc = getattr(np, name)
    with pytest.raises(TapejitError, match=f"np.{name}.*test_ufuncs.py"):
        tj.jit(ufunc)(*(INTEGERS,) * ufunc.nin)


SIGNED = ("fmod", "copysign", "modf", "rint", "trunc", "nextafter", "spacing", "cbrt", "sinh")


@pytest.mark.parametrize("name", SIGNED)
def test_zeros_keep_their_signs(name):
    ufunc = getattr(np, name)
    xs = operands(ufunc, "f8")
    found, wanted = tj.jit(ufunc)(*xs), expected(ufunc, xs)
    for a, b in zip(found if ufunc.nout > 1 else (found,), wanted, strict=True):
        zero = b == 0
        np.testing.assert_array_equal(np.signbit(a)[zero], np.signbit(b)[zero])


X, Y = np.array([0.7, -1.3, 2.6]), np.array([1.9, 0.4, -1.1])
SLOPES = {
    "copysign": (np.sign(X) * np.sign(Y), np.zeros(3)),
    "fmod": (np.ones(3), -np.trunc(X / Y)),
    "nextafter": (np.ones(3), np.zeros(3)),
    "logaddexp2": (2.0**X / (2.0**X + 2.0**Y), 2.0**Y / (2.0**X + 2.0**Y)),
    "rint": (np.zeros(3),),
    "spacing": (np.zeros(3),),
}


@pytest.mark.parametrize("name", SLOPES)
def test_slopes(name):
    ufunc, wanted = getattr(np, name), SLOPES[name]
    f = lambda *xs: np.sum(ufunc(*xs))  # noqa: E731
    found = tj.grad(f, argnums=tuple(range(ufunc.nin)))(*(X, Y)[: ufunc.nin])
    np.testing.assert_allclose(found, wanted, rtol=1e-14)


def test_the_fraction_has_the_slope_one_and_the_integer_none():
    np.testing.assert_array_equal(tj.grad(lambda x: np.sum(np.modf(x)[0]))(X), np.ones(3))
    np.testing.assert_array_equal(tj.grad(lambda x: np.sum(np.modf(x)[1] * x))(X), np.trunc(X))
    np.testing.assert_array_equal(tj.grad(lambda x: np.sum(np.divmod(x, 0.7)[1]))(X), np.ones(3))


@pytest.mark.parametrize(
    "f",
    [
        lambda i, m: (i << 2) | (i & 5) ^ ~i,
        lambda i, m: (3 << (i & 3)) + (i >> 1) + (1000 >> (i & 7)),
        lambda i, m: divmod(i, 3)[0] * 10 + divmod(100, i * i + 1)[1],
        lambda i, m: m * m,
        lambda i, m: m + ~m,
        lambda i, m: m + 1,
        lambda i, m: m * 2.5,
        lambda i, m: (m & True) | (m ^ (i > 2)),
        lambda i, m: i * m + np.maximum(m, ~m),
        lambda i, m: np.minimum(m, i > 0) & m,
    ],
)
def test_operators_of_integers_and_truth_values(f):
    i, m = np.array([1, -2, 3, 40]), np.array([True, False, False, True])
    found, wanted = tj.jit(f)(i, m), f(i, m)
    np.testing.assert_array_equal(found, wanted)
    assert found.dtype == wanted.dtype
