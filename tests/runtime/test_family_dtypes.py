"""A program that serves several sizes serves one dtype only."""

import numpy as np
import pytest

import tapejit as tj
from tapejit.engine import ENGINE


@pytest.mark.parametrize(
    "function", [lambda x: -x, lambda x: (x * 2.5).astype("float32")], ids=["neg", "cast"]
)
def test_dtypes_stay_apart(monkeypatch, function):
    monkeypatch.setattr(ENGINE, "tier", "compile")
    for size, dtype in (
        (3, "float64"),
        (5, "float64"),
        (3, "float32"),
        (7, "float32"),
        (3, "int64"),
        (6, "int32"),
    ):
        x = tj.array(np.arange(size), dtype=dtype)
        with tj.record():
            y = function(x)
        expected = function(np.arange(size).astype(dtype))
        np.testing.assert_array_equal(y.asnumpy(), expected)
        assert y.dtype == expected.dtype
