"""Quantiles by all of NumPy's methods, bit by bit: dtypes of data and of q, rows of any count, edges."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from newest import newest_numpy

import tapejit as tj
from tapejit.engine import DECORATED
from tapejit.tracer.surface.quantile_place import BETWEEN, DISCRETE

METHODS = [*DISCRETE, *BETWEEN]
LEVELS = [0, 1, 0.5, 0.3, np.float64(0.3), np.float32(0.3), [0, 1], [0.1, 1 / 3, 0.7], np.float32([0.1, 0.7])]


def sample(dtype, size, holes=False):
    """Rows of numbers; with `holes` of NaN there are none to all of them in a row, but none in the first."""
    x = np.random.default_rng(size).standard_normal((size + 1, size)) * 9
    x = np.where(np.arange(size) < np.arange(size + 1)[:, None], np.nan, x) if holes else x
    return x.astype(dtype)


def quietly(function, *args, **kwargs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.asarray(function(*args, **kwargs))


def assert_numpys(function, x, q, **how):
    expected = quietly(function, x, q, **how)
    with tj.record():
        found = function(tj.array(x), q, **how).numpy()
    assert found.dtype == expected.dtype, (q, how)
    np.testing.assert_array_equal(found, expected, f"{q!r} {how}")


@newest_numpy
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", ["float64", "float32", "int64"])
def test_quantiles_are_numpys_to_the_last_bit(method, dtype):
    for size in (1, 2, 7, 10):
        for q in LEVELS:
            assert_numpys(np.quantile, sample(dtype, size), q, axis=1, method=method)
    assert_numpys(np.percentile, sample(dtype, 10), [10, 30, 100], method=method, keepdims=True)
    assert_numpys(np.percentile, sample(dtype, 10), np.float32(30), method=method)


@newest_numpy
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_quantiles_without_nan_are_numpys_to_the_last_bit(method, dtype):
    for q in LEVELS:
        assert_numpys(np.nanquantile, sample(dtype, 11, holes=True), q, axis=1, method=method)
        assert_numpys(np.nanquantile, sample(dtype, 3, holes=True), q, method=method)
    assert_numpys(np.nanpercentile, sample(dtype, 11, holes=True), 30, axis=1, method=method, keepdims=True)


@pytest.mark.parametrize("method", ["inverted_cdf", "averaged_inverted_cdf", "median_unbiased"])
def test_compiled_programs_choose_the_same_elements(method):
    DECORATED.tier = "compile"
    x = sample("float64", 30, holes=True)
    for q in ([0.1, 0.3, 0.7], np.float32([0.1, 0.3, 0.7])):
        found = tj.jit(lambda x, q=q: np.nanquantile(x, q, axis=1, method=method))(x)
        np.testing.assert_allclose(found, quietly(np.nanquantile, x, q, axis=1, method=method), rtol=1e-14)


@pytest.mark.parametrize("method", METHODS)
def test_derivatives_flow_to_the_elements_at_the_place(method):
    x = np.array([3.0, np.nan, -1.0, 7.0, 0.5, np.nan])
    clean = x[~np.isnan(x)]
    expected = tj.grad(lambda y: np.quantile(y, 0.4, method=method))(clean)
    step = 1e-6 * np.eye(4)
    ends = [np.quantile(clean + s * step, 0.4, axis=1, method=method) for s in (1, -1)]
    np.testing.assert_allclose(expected, (ends[0] - ends[1]) / 2e-6, atol=1e-8)
    found = tj.grad(lambda y: np.nanquantile(y, 0.4, method=method))(x)
    np.testing.assert_array_equal(found[np.isnan(x)], 0.0)
    np.testing.assert_allclose(found[~np.isnan(x)], expected, rtol=1e-15)


@newest_numpy
def test_numbers_of_equal_value_but_other_types_are_told_apart():
    x = np.float32([1, 2, 4])
    for q in (0.5, np.float64(0.5), np.float32(0.5), [0.5], np.float32([0.5])):
        assert_numpys(np.quantile, x, q)


def test_medians_are_means_of_two():
    for x in ([1.0, np.inf, np.inf, np.inf], [1e308, 1e308, 1e308], [1, 2, 3, 5], [np.nan, 1.0]):
        with tj.record():
            found = np.median(tj.array(x)).numpy(), np.nanmedian(tj.array(x)).numpy()
        np.testing.assert_array_equal(found, (quietly(np.median, x), quietly(np.nanmedian, x)))


@pytest.mark.parametrize(
    ("call", "kind", "words"),
    [
        (lambda x: np.quantile(x, 0.5, method="best"), ValueError, "not a valid method"),
        (lambda x: np.percentile(x, 101), ValueError, "from 0 to 100"),
        (lambda x: np.nanquantile(x, np.nan), ValueError, "from 0 to 1"),
        (lambda x: np.quantile(x > 0, 0.5), TypeError, "truth values"),
        (lambda x: np.quantile(x[:0], 0.5), ValueError, "no elements"),
    ],
)
def test_mistakes_name_the_line(call, kind, words):
    with tj.record(), pytest.raises(kind, match=words) as raised:
        call(tj.array([1.0, 2.0]))
    assert "test_quantile_methods.py:" in str(raised.value)


HEAVY = np.array([[0.0, 2.0, 1.0, 0.5, 3.0], [1.0, 0.0, 0.0, 4.0, 0.25], [0.5, 0.5, 0.5, 0.5, 0.5]])


@newest_numpy
@pytest.mark.parametrize("function", [np.quantile, np.nanquantile, np.percentile, np.nanpercentile])
@pytest.mark.parametrize("dtype", ["float64", "float32", "int64"])
def test_weighted_quantiles_are_numpys(function, dtype):
    whole = 100 if "percentile" in function.__name__ else 1
    x = sample(dtype, 5)[:3]
    if "nan" in function.__name__ and dtype != "int64":
        x[1, 3] = np.nan
    for level in (0, 1, 0.3, np.float32(0.5), [0.1, 0.9], [[0.0, 0.5], [0.75, 1.0]]):
        q = np.multiply(level, whole) if isinstance(level, list | np.generic) else level * whole
        for axis, weights in ((1, HEAVY), (None, HEAVY), ((0, 1), HEAVY), (0, HEAVY + 1), (1, HEAVY[0])):
            if weights.ndim == 1 and "nan" in function.__name__:
                continue  # an IndexError in NumPy 2.4
            how = {"axis": axis, "weights": weights, "method": "inverted_cdf"}
            assert_numpys(function, x, q, **how)
            assert_numpys(function, x, q, keepdims=True, **how)


def test_a_weighted_quantile_passes_its_derivative_to_the_element():
    x = np.array([3.0, 1.0, 2.0, 5.0])
    weights = np.array([1.0, 5.0, 1.0, 1.0])
    how = {"method": "inverted_cdf"}
    slopes = tj.grad(lambda x, w: np.quantile(x, 0.7, weights=w, **how), argnums=(0, 1))(x, weights)
    np.testing.assert_array_equal(slopes[0], [0.0, 0.0, 1.0, 0.0])
    np.testing.assert_array_equal(slopes[1], np.zeros(4))


@newest_numpy
@pytest.mark.parametrize(
    ("weights", "method", "message"),
    [
        (np.ones(4), "linear", "only the method 'inverted_cdf' supports weights"),
        (np.array([1.0, -1.0, 1.0, 1.0]), "inverted_cdf", "must not be negative"),
        (np.zeros(4), "inverted_cdf", "all zero"),
        (np.ones(3), "inverted_cdf", "do not fit"),
    ],
)
def test_weights_that_numpy_refuses(weights, method, message):
    x = np.arange(4.0)
    with pytest.raises((ValueError, TypeError)):
        np.quantile(x, 0.5, weights=weights, method=method)
    with tj.record(), pytest.raises(ValueError, match=message):
        np.quantile(tj.array(x), 0.5, weights=weights, method=method)
