"""In-place writes between values that Python looks at, inside transforms: what was recorded stays."""

import numpy as np
import pytest

import tapejit as tj

pytestmark = pytest.mark.usefixtures("interpreted")
POINTS = [np.random.default_rng(seed).uniform(-1, 1, 5) for seed in range(3)]
DIRECTION = np.array([0.3, -0.7, 1.1, 0.2, -0.4])


def twice_by_mask(x):
    y = x * 1.0
    y[y > 0.5] += 0.25
    y[y > x[0]] *= 0.25
    return np.sum(np.sin(y))


def positions_that_move(x):
    y, c = x * 1.0, np.argsort(x)
    if c[0] > 0:
        c[0] = 1
    c += 1
    c %= 5
    if c[1] > 1:
        c[1] = 2
    z = y[c]
    z[z > 0] *= 2
    y += z
    return np.sum(np.sin(y) * np.arange(5))


def views_of_views(x):
    y = x * 1.0
    v = y[1:4]
    v *= 2
    if v[0] > 0:
        v += y[:3]
    w = v[::-1]
    w[w > 0] -= v[0]
    y[0] = w.sum()
    if y[0] > -9:
        v[:] *= y[1]
    return np.sum(np.sin(y))


def in_a_nested_function(x):
    def doubled(a):
        a[a > 0] *= 2
        a[a > 1] -= a[0]
        return a.sum()

    y = np.sin(x) * 2
    return tj.jit(doubled)(y) + np.sum(y**2)


@pytest.mark.parametrize("f", [twice_by_mask, positions_that_move, views_of_views, in_a_nested_function])
@pytest.mark.parametrize("x", POINTS)
def test_all_orders_of_differentiation_agree(f, x):
    gradient, step = tj.grad(f), 1e-6 * DIRECTION
    slope = tj.jvp(f, (x,), (DIRECTION,))[1]
    np.testing.assert_allclose(slope, (f(x + step) - f(x - step)) / 2e-6, rtol=1e-5)
    np.testing.assert_allclose(gradient(x) @ DIRECTION, slope)
    second = tj.hvp(f, x, DIRECTION)
    differences = (gradient(x + step) - gradient(x - step)) / 2e-6
    np.testing.assert_allclose(second, differences, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(tj.grad(lambda a: np.sum(gradient(a) * DIRECTION))(x), second)
    np.testing.assert_allclose(tj.grad(lambda a: tj.jvp(f, (a,), (DIRECTION,))[1])(x), second)
