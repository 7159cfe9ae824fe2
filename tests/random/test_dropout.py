"""Dropout by a key: shares, scaling, derivatives, slices, and that no mask is kept."""

import numpy as np
import pytest

import tapejit as tj
from tapejit import autograd, nd, random

KEY = random.key(2)


def test_the_share_is_dropped_and_the_mean_kept():
    x = np.ones((300, 200))
    found = random.dropout(KEY, x, 0.3)
    assert abs((found == 0).mean() - 0.3) < 0.01
    np.testing.assert_allclose(found[found != 0], 1 / 0.7)
    np.testing.assert_array_equal(random.dropout(KEY, x, 0.0), x)
    np.testing.assert_array_equal(random.dropout(KEY, x, 0.3), found)


def test_the_derivative_is_that_of_what_stays_in_one_loop_without_a_mask():
    slope = tj.jit(tj.grad(lambda x, key: np.sum(random.dropout(key, x, 0.3) ** 2)))
    x = np.arange(1.0, 41.0)
    np.testing.assert_allclose(slope(x, KEY), 2 * random.dropout(KEY, x, 0.3) / 0.7)
    other = random.key(9)
    np.testing.assert_allclose(slope(x, other), 2 * random.dropout(other, x, 0.3) / 0.7)
    source = slope.source()
    assert source.count("threefry(") == 1
    assert source.count("for i in range(40)") == 1


def test_whole_slices():
    found = random.dropout(KEY, np.ones((50, 4)), 0.5, axes=(-1,))
    assert ((found == 0).all(1) | (found == 2).all(1)).all()
    assert 0 < (found == 0).mean() < 1


@pytest.mark.parametrize("x", [np.float32(3), np.ones((0, 2)), np.ones((2, 3), np.float32)[:, ::-1]])
def test_odd_arrays(x):
    found = random.dropout(KEY, x, 0.5)
    assert found.dtype == x.dtype
    assert found.shape == x.shape
    np.testing.assert_array_equal(tj.jit(lambda k: random.dropout(k, x, 0.5))(KEY), found)


def test_layers_draw_anew_and_compile_once():
    x = nd.ones((30, 40))
    x.attach_grad()
    seen = []
    for _ in range(4):
        with autograd.record():
            y = nd.Dropout(x, 0.25)
            total = (y * y).sum()
        total.backward()
        seen.append(y.asnumpy())
        np.testing.assert_allclose(x.grad.asnumpy(), 2 * seen[-1] / 0.75, rtol=1e-6)
    assert all(not np.array_equal(seen[0], other) for other in seen[1:])
    tj.random.seed(4)
    first = nd.Dropout(x, 0.5, mode="always").asnumpy()
    tj.random.seed(4)
    np.testing.assert_array_equal(nd.Dropout(x, 0.5, mode="always").asnumpy(), first)


@pytest.mark.parametrize("p", [1.0, -0.1, float("nan")])
def test_shares_that_make_no_sense(p):
    with pytest.raises(ValueError, match="p must be at least 0 and less than 1"):
        random.dropout(KEY, np.ones(3), p)
