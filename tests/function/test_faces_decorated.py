"""Decorated functions written with tapejit's own names for NumPy and SciPy: their Python runs once."""

import numpy as np
import pytest

import tapejit as tj

X = np.array([0.5, 1.5, 2.5])

FUNCTIONS = {
    "tj.np": lambda x: tj.np.sum(tj.np.sin(x) * x),
    "tj.nd": lambda x: tj.nd.sum(tj.nd.sin(x) * x),
    "tj.special, a ufunc": lambda x: np.sum(tj.special.gammaln(x)),
    "tj.special, a plain function": lambda x: tj.special.logsumexp(x),
    "a function of ours as a value": lambda x: sum(map(tj.np.exp, [x[0], x[1]])),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_python_runs_once(name):
    runs, inner = [], FUNCTIONS[name]

    def function(x):
        runs.append("run")
        return inner(x)

    expected, differentiated = tj.grad(inner)(2.0 * X), tj.grad(function)
    for scale in (1.0, 1.0, 2.0):
        gradient = differentiated(scale * X)
    np.testing.assert_allclose(gradient, expected, rtol=1e-12)
    assert len(runs) == 1


def test_a_new_default_dtype_is_seen():
    """Lists become arrays of the default dtype: with another one it is another function."""

    @tj.jit
    def shifted(x):
        return tj.np.add(x, [0.1, 0.2, 0.3])

    before = [shifted(X) for _ in range(4)]
    tj.npx.set_np(dtype=True)
    try:
        exact = [shifted(X) for _ in range(4)]
    finally:
        tj.npx.reset_np()
    rounded = X + np.array([0.1, 0.2, 0.3], np.float32)
    for found in (*before, shifted(X)):
        np.testing.assert_array_equal(found, rounded)
    for found in exact:
        np.testing.assert_array_equal(found, X + np.array([0.1, 0.2, 0.3]))
