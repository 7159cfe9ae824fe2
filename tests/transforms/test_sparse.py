"""Sparse Jacobians and Hessians: exact, in as few sweeps as the structure allows."""

import numpy as np
import pytest

import tapejit as tj
from tapejit.colouring import apart, matrix_of
from tapejit.ir.sparsity import of_pairs
from tapejit.tracer.errors import UnsupportedError

pytestmark = pytest.mark.usefixtures("interpreted")
X = np.linspace(0.1, 1.0, 30)
MATRIX = np.random.default_rng(0).normal(size=(4, 30))
INDEX = np.array([3, 3, 0, 29])

# Function, number of entries its pattern may have.
MAPS = {
    "elementwise": (lambda x: np.sin(x) * x, 30),
    "where": (lambda x: np.where(x > 0.5, x**2, x), 30),
    "neighbours": (lambda x: x[1:] * x[:-1], 58),
    "pieces": (lambda x: np.concatenate([x[:5] * 2, x[5:] ** 2]), 30),
    "padded": (lambda x: np.pad(x, 2)[1:] * 3, 30),
    "reversed and strided": (lambda x: x[::-1][::3] ** 2, 10),
    "gathered": (lambda x: x[INDEX] ** 2, 4),
    "scattered": (lambda x: _written(x), 32),
    "rows": (lambda x: x.reshape(5, 6).sum(axis=1) ** 2, 30),
    "columns": (lambda x: x.reshape(5, 6).T @ np.ones((5, 2)), 60),
    "batched product": (lambda x: np.einsum("bi,bi->b", x.reshape(5, 6), np.ones((5, 6))), 30),
    "broadcast": (lambda x: x.reshape(5, 6) * x[:6], 5 * 6 * 2 - 6),
    "matrix": (lambda x: MATRIX @ x, 120),
    "normalised": (lambda x: x / np.sum(x), 900),
    "running": (lambda x: np.cumsum(x), 900),
    "sorted": (lambda x: np.sort(x) * x, 900),
    "constant": (lambda x: np.ones(3), 0),
    "rounded": (lambda x: np.floor(x * 9), 0),
    "stopped": (lambda x: x * tj.stop_gradient(x.sum()), 30),
}


def _written(x):
    y = x * 1.0
    y[np.array([4, 2, 4])] = x[:3] ** 2
    return y


def chain(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


@pytest.mark.parametrize("name", MAPS)
def test_jacobian(name):
    f, most = MAPS[name]
    for x in (X, -X):
        dense = tj.jacobian(f)(x).reshape(-1, 30)
        found = tj.jacobian(f, sparse=True)(x)
        np.testing.assert_allclose(found.toarray(), dense, rtol=1e-12, atol=1e-14)
        assert found.shape == dense.shape
        assert found.nnz <= most
    single = tj.jacobian(f, sparse=True)(X.astype("f4"))
    np.testing.assert_allclose(single.toarray(), tj.jacobian(f)(X).reshape(-1, 30), rtol=2e-4, atol=1e-5)


def test_the_pattern_follows_branch_and_index():
    sparse = tj.jacobian(lambda x, i: x[i] * x[0] if x[1] > 0 else x**2, sparse=True)
    assert sparse(X, np.array([0, 5, 9])).nnz == 5
    assert sparse(-X, np.array([0, 5, 9])).nnz == 30
    found = sparse(X, np.array([7, 1, 1])).toarray()
    np.testing.assert_allclose(found, tj.jacobian(lambda x: x[np.array([7, 1, 1])] * x[0])(X))


def test_hessian():
    found = tj.hessian(chain, sparse=True)(X)
    np.testing.assert_allclose(found.toarray(), tj.hessian(chain)(X), atol=1e-12)
    assert found.nnz == 88
    cubes = tj.hessian(lambda x, s: np.sum(x**3) * s, sparse=True)(X, 2.0)
    np.testing.assert_allclose(cubes.toarray(), np.diag(12 * X))
    assert cubes.nnz == 30


def test_few_sweeps():
    pairs = [(i, j) for i in range(500) for j in (i - 1, i, i + 1) if 0 <= j < 500]
    rows, columns = np.array(pairs).T
    banded = matrix_of(of_pairs(rows, columns, 500), 500)
    assert apart(banded).max() + 1 == 3
    colours = apart(banded)
    for row in range(500):
        assert len(set(colours[banded[row].indices])) == banded[row].nnz


def test_decorators_argnums_aux():
    @tj.jacobian(argnums=1, has_aux=True, sparse=True)
    def f(a, x):
        return a * x**2, {"sum": x.sum(), "name": "f"}

    found, aux = f(3.0, X)
    np.testing.assert_allclose(found.toarray(), np.diag(6 * X))
    assert aux == {"sum": pytest.approx(X.sum()), "name": "f"}


def test_hessian_diag():
    for f in (chain, lambda x: np.sum(np.sin(x)), lambda x: np.sum(x) ** 3, lambda x: np.prod(x)):
        diagonal = tj.hessian_diag(f)
        for x in (X, -X):
            np.testing.assert_allclose(diagonal(x), np.diag(tj.hessian(f)(x)), rtol=1e-10)
    trees = tj.hessian_diag(lambda p, y: np.sum(p["a"] ** 3) * p["b"] ** 2 * y, argnums=(0, 1))
    tree, other = trees({"a": X.reshape(5, 6), "b": 2.0}, 3.0)
    np.testing.assert_allclose(tree["a"], 6 * X.reshape(5, 6) * 4 * 3)
    assert tree["b"] == pytest.approx(np.sum(X**3) * 2 * 3)
    assert other == 0.0
    found = tj.vmap(tj.hessian_diag(chain))(np.stack([X, -X]))
    np.testing.assert_allclose(found[1], np.diag(tj.hessian(chain)(-X)))
    third = tj.grad(lambda x: np.sum(tj.hessian_diag(lambda z: np.sum(z**4))(x)))(X)
    np.testing.assert_allclose(third, 24 * X)


def test_empty():
    assert tj.jacobian(np.sin, sparse=True)(np.zeros(0)).shape == (0, 0)
    assert tj.hessian_diag(lambda x: np.sum(x**2))(np.zeros(0)).shape == (0,)


BAD = [
    (lambda: tj.jit(tj.jacobian(np.sin, sparse=True))(X), UnsupportedError, "SciPy matrix"),
    (lambda: tj.jacobian(lambda x: (x, x), sparse=True)(X), TypeError, "1 arrays to 2"),
    (lambda: tj.jacobian(lambda d: d["a"] * d["b"], sparse=True)({"a": X, "b": X}), TypeError, "2 arrays to"),
    (lambda: tj.hessian(np.sin, sparse=True)(X), ValueError, "a Hessian needs a scalar"),
    (lambda: tj.hessian_diag(np.sin)(X), ValueError, "needs a scalar result"),
    (lambda: tj.jacobian(3, sparse=True), TypeError, "expected a function, got int"),
]


@pytest.mark.parametrize(("call", "kind", "message"), BAD, ids=[message for _, _, message in BAD])
def test_refused(call, kind, message):
    with pytest.raises(kind, match=message):
        call()
    assert not tj.is_recording()
