"""Keywords of ufuncs and other functions that people pass: `where` with `out`, `dtype`, `stable`, `min`."""

import numpy as np
import pytest

import tapejit as tj

X = np.array([0.5, -1.2, 0.0, 2.5])
BITS = np.array([[True, False], [True, True]])
WINDOWS = np.lib.stride_tricks.sliding_window_view
TABLE = np.arange(12.0).reshape(3, 4) ** 1.5

LIKE_NUMPY = {
    "divide where": lambda x: np.divide(1.0, x, where=x != 0, out=np.zeros_like(x)),
    "add where": lambda x: np.add(x, 1, where=x > 0, out=x.copy()),
    "sqrt of f32": lambda x: np.sqrt(np.abs(x), dtype="f4"),
    "dtype and out": lambda x: np.multiply(x, x, dtype="f4", out=np.zeros_like(x)),
    "complex": lambda x: np.exp(x, dtype=complex),
    "clip": lambda x: np.clip(x, min=0, max=1) + np.clip(x, max=0.1) + np.clip(x, 0.1, None),
    "stable": lambda x: np.sort(x, stable=True) + np.argsort(x, stable=True) + np.sort(x, kind="stable"),
    "i0": lambda x: np.i0(x),
    "windows": lambda x: WINDOWS(x, 3) @ np.array([1.0, 2.0, 4.0]),
    "period": lambda x: np.interp(x, [0, 1, 2], [1.0, 2.0, 5.0], period=3),
    "logaddexp.reduce": lambda x: np.logaddexp.reduce(x),
    "average": lambda x: np.average(x, weights=[1, 2, 3, 4], returned=True)[1],
    "edges in f32": lambda x: np.histogram(x.astype("f4"), 4, (0, 1))[1],
    "product of truth values": lambda x: (BITS @ (x[:2] > 0)).astype(float),
}


@pytest.mark.parametrize("name", LIKE_NUMPY)
def test_values_and_dtypes_are_numpys(name):
    function = LIKE_NUMPY[name]
    with np.errstate(all="ignore"):
        expected = function(X)
    found = tj.jit(function)(X)
    np.testing.assert_allclose(found, expected, rtol=1e-14)
    assert found.dtype == expected.dtype


def test_nothing_flows_to_what_was_not_chosen():
    def total(x, rest):
        out = rest * 1.0
        np.sqrt(x, where=x > 0, out=out)
        return np.sum(out * np.array([1.0, 2.0, 4.0, 8.0]))

    slopes, rest = tj.grad(total, argnums=(0, 1))(X, np.ones(4))
    np.testing.assert_allclose(slopes, [0.5 / np.sqrt(0.5), 0.0, 0.0, 4.0 / np.sqrt(2.5)])
    np.testing.assert_array_equal(rest, [0.0, 2.0, 4.0, 0.0])


@pytest.mark.parametrize("how", [{"axis": 0}, {"axis": (0, 1)}, {"axis": (0, 0)}, {}])
def test_windows_slide_as_in_numpy(how):
    shape = 2 if how.get("axis") == 0 else (2, 2)
    expected = WINDOWS(TABLE, shape, **how)
    with tj.record():
        found = WINDOWS(tj.array(TABLE), shape, **how)
    np.testing.assert_array_equal(found.numpy(), expected)
    weights = np.cos(np.arange(expected.size)).reshape(expected.shape)
    slope = tj.grad(lambda x: np.sum(WINDOWS(x, shape, **how) * weights))(TABLE)
    counts = np.zeros_like(TABLE)
    np.add.at(counts.reshape(-1), WINDOWS(np.arange(12).reshape(3, 4), shape, **how), weights)
    np.testing.assert_allclose(slope, counts)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: np.sqrt(x, where=x > 0), "out=np.zeros_like"),
        (lambda x: np.add(x, 1, dtype=int), "cannot be converted to int64"),
        (lambda x: np.less(x, 1, dtype=float), "leave `dtype` out"),
        (lambda x: np.clip(x, 0, min=1), "given twice"),
        (lambda x: WINDOWS(x, 9), "does not fit dimension 0"),
        (lambda x: WINDOWS(x, 2, writeable=True), "not written through"),
    ],
)
def test_what_cannot_be_says_why_and_where(function, message):
    with pytest.raises((TypeError, ValueError), match=rf"test_ufunc_keyword\.py:\d+.*{message}"):
        tj.jit(function)(X)


@pytest.mark.parametrize(
    "function",
    [lambda a, b: np.tensordot(a, b, 1), np.outer, np.kron, np.dot, lambda a, b: np.einsum("ij,jk", a, b)],
)
def test_products_of_truth_values(function):
    expected = function(BITS, BITS.T)
    with tj.record():
        found = function(tj.array(BITS), tj.array(BITS.T)).numpy()
    np.testing.assert_array_equal(found, expected)
    assert found.dtype == bool
