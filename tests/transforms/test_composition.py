"""Every transform of every other: against nested differences, in both precisions.

A transform takes a function of one array to a function of one array, of any shapes, so that all pairs fit.
"""

import itertools

import numerical
import numpy as np
import pytest

import tapejit as tj

SHIFT = np.array([[0.5, -0.25], [1.0, 0.125]])


def wave(x):
    return np.sin(x) * np.exp(0.5 * x)


def quadratic(x):
    return np.dot(SHIFT, x) * x[0]


def normalised(x):
    return x / np.sqrt(np.sum(x * x) + 1.0)


def chosen(x):
    return np.where(x > 0.0, x**3, x) * np.tanh(x[::-1])


FUNCTIONS = (wave, quadratic, normalised, chosen)


def _total(f):
    return lambda x: np.sum(f(x))


def _weights(like):
    """Fixed numbers of this shape, to weigh or to move something by."""
    return np.cos(np.arange(np.size(like)) + 1.0).reshape(np.shape(like))


def _pulled(f):
    def pull(x):
        value, pullback = tj.vjp(f, x)
        return pullback(_weights(value).astype(x.dtype))[0]

    return pull


def _stacked(x):
    return np.stack([x, x * 0.5, x - 0.25])


TRANSFORMS = {
    "grad": lambda f: tj.grad(_total(f)),
    "jvp": lambda f: lambda x: tj.jvp(f, (x,), (_weights(x).astype(x.dtype),))[1],
    "vjp": _pulled,
    "vmap": lambda f: lambda x: tj.vmap(f)(_stacked(x)),
    "jit": tj.jit,
    "hessian": lambda f: tj.hessian(_total(f)),
    "jacfwd": tj.jacfwd,
    "jacrev": tj.jacrev,
}
JUDGES = {
    "grad": lambda f: numerical.jacobian(_total(f)),
    "jvp": lambda f: lambda x: numerical.along(f, x, _weights(x)),
    "vjp": lambda f: lambda x: numerical.jacobian(lambda z: np.sum(f(z) * _weights(f(z))))(x),
    "vmap": lambda f: lambda x: np.stack([f(z) for z in _stacked(x)]),
    "jit": lambda f: f,
    "hessian": lambda f: numerical.jacobian(numerical.jacobian(_total(f))),
    "jacfwd": numerical.jacobian,
    "jacrev": numerical.jacobian,
}
POINT = np.array([0.4, -0.7])
PAIRS = list(itertools.product(TRANSFORMS, repeat=2))
TRIPLES = [PAIRS[k * 7 % len(PAIRS)] + (list(TRANSFORMS)[k % 5],) for k in range(20)]


def _composed(table, names, f):
    for name in reversed(names):
        f = table[name](f)
    return f


def _check(names, f, dtype, tolerance):
    expected = _composed(JUDGES, names, f)(POINT.astype(np.longdouble))
    found = _composed(TRANSFORMS, names, f)(POINT.astype(dtype))
    np.testing.assert_allclose(found, expected.astype(float), rtol=tolerance, atol=tolerance)
    assert found.dtype == dtype


@pytest.mark.usefixtures("interpreted")
@pytest.mark.parametrize("f", FUNCTIONS)
@pytest.mark.parametrize("names", PAIRS, ids="-".join)
def test_pair(names, f):
    _check(names, f, np.float64, 1e-7)


@pytest.mark.usefixtures("interpreted")
@pytest.mark.parametrize("names", PAIRS, ids="-".join)
def test_pair_in_single_precision(names):
    _check(names, wave, np.float32, 2e-4)


@pytest.mark.usefixtures("interpreted")
@pytest.mark.parametrize("names", TRIPLES, ids="-".join)
def test_triple(names):
    if sum(2 if name == "hessian" else name not in ("vmap", "jit") for name in names) > 4:
        pytest.skip("more derivatives than differences can judge")
    _check(names, wave, np.float64, 1e-6)


@pytest.mark.parametrize("names", [("vmap", "grad"), ("hessian", "vmap"), ("vjp", "jvp")], ids="-".join)
def test_pair_compiled(names):
    _check(names, quadratic, np.float64, 1e-7)
