"""`linearize`, `vhp`, `elementwise_grad`, and transforms on the spot of functions that come back."""

import numpy as np
import pytest

import tapejit as tj
from tapejit.spot import MOST, SPOTS

pytestmark = pytest.mark.usefixtures("interpreted")
X = np.array([0.4, -0.7, 1.1])
V = np.array([1.0, 0.5, -2.0])


def total(x):
    return np.sum(np.sin(x) * x[::-1] ** 2)


def test_vhp_is_hvp_is_the_hessian_times_the_vector():
    expected = tj.hessian(total)(X) @ V
    for product in (tj.hvp, tj.vhp):
        np.testing.assert_allclose(product(total, X, V), expected)
        np.testing.assert_allclose(product(total, (X,), (V,))[0], expected)
        np.testing.assert_allclose(tj.jit(lambda x, v, p=product: p(total, x, v))(X, V), expected)
        np.testing.assert_allclose(product(total, X.astype("f4"), V.astype("f4")), expected, rtol=1e-5)


def test_products_of_trees():
    def f(p, y):
        return np.sum(p["w"] ** 2 * y) * p["b"]

    primals, directions = ({"w": X, "b": 3.0}, V), ({"w": V, "b": 1.0}, X)
    first, second = (product(f, primals, directions) for product in (tj.hvp, tj.vhp))
    for a, b in ((first[0]["w"], second[0]["w"]), (first[0]["b"], second[0]["b"]), (first[1], second[1])):
        np.testing.assert_allclose(a, b)
    np.testing.assert_allclose(first[0]["w"], 2 * V * V * 3 + 2 * X * V + 2 * X * X * 3)


def test_linearize():
    value, slope = tj.linearize(lambda x, y: {"a": np.sin(x) * y, "n": 2.0 * y}, X, V)
    np.testing.assert_allclose(value["a"], np.sin(X) * V)
    for dots in ((V, X), (X, V)):
        np.testing.assert_allclose(slope(*dots)["a"], np.cos(X) * V * dots[0] + np.sin(X) * dots[1])
        np.testing.assert_allclose(slope(*dots)["n"], 2 * dots[1])
    rows = tj.vmap(lambda d: slope(d, 0.0 * d)["a"])(np.eye(3))
    np.testing.assert_allclose(rows, np.diag(np.cos(X) * V))
    twice = tj.grad(lambda x: np.sum(tj.linearize(np.sin, x)[1](V)))(X)
    np.testing.assert_allclose(twice, -np.sin(X) * V)
    value, slope, aux = tj.linearize(lambda x: (x[0], {"sum": x.sum(), "text": "s"}), X, has_aux=True)
    assert (slope(V), aux) == (1.0, {"sum": X.sum(), "text": "s"})


def test_linearize_follows_the_branch():
    for sign in (1.0, -1.0):
        _, slope = tj.linearize(lambda x: x**2 if x[0] > 0 else x**3, sign * X)
        np.testing.assert_allclose(slope(V), 2 * X * V if sign > 0 else 3 * X**2 * V)


def test_elementwise_grad():
    def f(x):
        return np.where(x > 0, x**3, np.exp(x))

    slope = tj.elementwise_grad(f)
    np.testing.assert_allclose(slope(X), np.where(X > 0, 3 * X**2, np.exp(X)))
    np.testing.assert_allclose(tj.elementwise_grad(slope)(X), np.where(X > 0, 6 * X, np.exp(X)))
    matrix = np.outer(X, V)
    np.testing.assert_allclose(tj.elementwise_grad(np.tanh)(matrix), 1 - np.tanh(matrix) ** 2)
    found, aux = tj.elementwise_grad(lambda x, y: (x * y, "aux"), argnums=(0, 1), has_aux=True)(X, V)
    np.testing.assert_allclose(found, (V, X))
    assert aux == "aux"
    assert float(tj.elementwise_grad(np.sin)(0.0)) == 1.0


def test_functions_that_come_back_are_compiled_and_stay_right():
    scale = [1.0]

    def f(x):
        return scale[0] * np.sum(x**3) if x[0] > 0 else np.sum(x**2)

    for k in range(4):
        for x in (X, -X, X.astype("f4"), np.append(X, 2.0)):
            scale[0] = float(k)
            expected = 6 * k * x if x[0] > 0 else 2 * np.ones_like(x)
            np.testing.assert_allclose(tj.hvp(f, x, np.ones_like(x)), expected, rtol=1e-5)
            assert tj.hvp(f, x, np.ones_like(x)).dtype == x.dtype
            np.testing.assert_allclose(tj.jvp(f, (x,), (x,))[0], f(x), rtol=1e-5)
    with pytest.raises(TypeError, match="f32"):
        tj.jvp(f, (X,), (X.astype("f4"),))


def test_few_functions_are_remembered():
    for k in range(MOST + 10):
        tj.jvp(lambda x, k=k: x * k, (1.0,), (1.0,))
    assert len(SPOTS._known) <= MOST


BAD = [
    (lambda: tj.linearize(3, X), TypeError, "expected a function"),
    (lambda: tj.linearize(total), TypeError, "no primals"),
    (lambda: tj.linearize(total, X)[1](V, V), TypeError, "1 primals need a tuple of as many tangents, got 2"),
    (lambda: tj.linearize(total, X)[1](V[:2]), ValueError, r"tangent 0 has an array of shape \(2,\)"),
    (lambda: tj.vhp(np.sin, X, V), ValueError, "vhp of sin.*needs a scalar result"),
    (lambda: tj.hvp(total, (), ()), TypeError, "no primals"),
    (lambda: tj.vhp(total, X, V.astype("f4")), TypeError, r"f32\[3\] where its primal has f64\[3\]"),
    (lambda: tj.elementwise_grad(3), TypeError, "expected a function"),
]


@pytest.mark.parametrize(("call", "kind", "message"), BAD, ids=[message for _, _, message in BAD])
def test_refused(call, kind, message):
    with pytest.raises(kind, match=message):
        call()
