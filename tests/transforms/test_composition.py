"""Every transform of every other: against nested differences, in both precisions.

A transform takes a function of one array to a function of one array, of any shapes, so that all pairs fit.
"""

import itertools
import random

import numerical
import numpy as np
import pytest

import tapejit as tj

SHIFT = np.array([[0.5, -0.25], [1.0, 0.125]])


def wave(x):
    return np.sin(x) * np.exp(0.5 * x)


def quadratic(x):
    return np.dot(SHIFT.astype(x.dtype), x) * x[0]


def normalised(x):
    return x / np.sqrt(np.sum(x * x) + 1.0)


def chosen(x):
    return np.where(x > 0.0, x**3, x) * np.tanh(x[::-1])


def ruled(x):
    """What `_with_rules` is, in plain NumPy."""
    return np.sin(x) * x[::-1]


def looped(x):
    for _ in range(3):
        x = x * 0.75 + np.sin(x) * 0.25
    return x


def until(x):
    """A loop whose end depends on the values; the same number of rounds near every point that is tried."""
    n = 0
    while np.sum(x * x) < 40.0 and n < 4:
        x, n = x * 1.5 + 0.1, n + 1
    return x * x


def branched(x):
    return x**3 * 0.5 if np.sum(x * x) > 0.05 else x * 2.0


def written(x):
    y = x * 1.0
    y[0] = y[1] * np.sin(y[0])
    y[1:] *= y[0] + 2.0
    return y * y


def powered(x):
    return (x * x + 0.5) ** 0.75 + np.log1p(x * x)


def softmaxed(x):
    e = np.exp(x - np.max(x))
    return e / np.sum(e) * np.array([1.0, -2.0], x.dtype)


def matrix_like(x):
    m = np.stack([x, x[::-1] * 0.5])
    return np.dot(m, np.dot(m.T, x))


FUNCTIONS = (
    wave,
    quadratic,
    normalised,
    chosen,
    ruled,
    looped,
    until,
    branched,
    written,
    powered,
    softmaxed,
    matrix_like,
)


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


def _with_rules(f):
    """`f`, with the derivative that it has, stated by a rule."""
    g = tj.custom_vjp(f)

    def backward(x, ct):
        return tj.vjp(f, x)[1](ct)

    g.defvjp(lambda x: (f(x), x), backward)
    return g


def _in_a_loop(f):
    """Once through a `while` on a value."""

    def loop(x):
        n, y = np.sum(x * x) * 0.0, f(x)
        while n < 0.5:
            n = n + 1.0
        return y * n

    return loop


def _in_place(f):
    def write(x):
        z = x * 1.0
        z[0] += x[1]
        y = f(z) * 1.0
        y *= 0.5
        return y

    return write


TRANSFORMS = {
    "grad": lambda f: tj.grad(_total(f)),
    "jvp": lambda f: lambda x: tj.jvp(f, (x,), (_weights(x).astype(x.dtype),))[1],
    "vjp": _pulled,
    "vmap": lambda f: lambda x: tj.vmap(f)(_stacked(x)),
    "jit": tj.jit,
    "checkpoint": tj.checkpoint,
    "hessian": lambda f: tj.hessian(_total(f)),
    "custom_vjp": _with_rules,
    "while": _in_a_loop,
    "in_place": _in_place,
    "jacfwd": tj.jacfwd,
    "jacrev": tj.jacrev,
}
JUDGES = {
    "grad": lambda f: numerical.jacobian(_total(f)),
    "jvp": lambda f: lambda x: numerical.along(f, x, _weights(x)),
    "vjp": lambda f: lambda x: numerical.jacobian(lambda z: np.sum(f(z) * _weights(f(z))))(x),
    "vmap": lambda f: lambda x: np.stack([f(z) for z in _stacked(x)]),
    "jit": lambda f: f,
    "checkpoint": lambda f: f,
    "custom_vjp": lambda f: f,
    "while": lambda f: f,
    "in_place": _in_place,
    "hessian": lambda f: numerical.jacobian(numerical.jacobian(_total(f))),
    "jacfwd": numerical.jacobian,
    "jacrev": numerical.jacobian,
}
ORDER = {"grad": 1, "jvp": 1, "vjp": 1, "hessian": 2, "jacfwd": 1, "jacrev": 1}
POINT = np.array([0.4, -0.7])
PAIRS = list(itertools.product(TRANSFORMS, repeat=2))
TRIPLES = random.Random(0).sample(
    [t for t in itertools.product(TRANSFORMS, repeat=3) if sum(ORDER.get(name, 0) for name in t) <= 3], 60
)
SAMPLE = random.Random(1).sample(list(itertools.product(PAIRS, FUNCTIONS)), 150)


def _composed(table, names, f):
    for name in reversed(names):
        f = table[name](f)
    return f


def _check(names, f, dtype, tolerance):
    expected = _composed(JUDGES, names, f)(POINT.astype(np.longdouble))
    found = _composed(TRANSFORMS, names, f)(POINT.astype(dtype))
    np.testing.assert_allclose(found, expected.astype(float), rtol=tolerance, atol=tolerance)
    assert found.dtype == dtype


def _named(value):
    return "-".join(value) if isinstance(value, tuple) else getattr(value, "__name__", None)


@pytest.mark.usefixtures("interpreted")
@pytest.mark.parametrize(("names", "f"), SAMPLE, ids=_named)
def test_pair(names, f):
    _check(names, f, np.float64, 1e-6)


@pytest.mark.usefixtures("interpreted")
@pytest.mark.parametrize("names", PAIRS[::3], ids="-".join)
def test_pair_in_single_precision(names):
    _check(names, wave, np.float32, 2e-4)


@pytest.mark.usefixtures("interpreted")
@pytest.mark.parametrize("names", TRIPLES[::4], ids="-".join)
def test_triple(names):
    _check(names, wave, np.float64, 1e-6)


@pytest.mark.parametrize("names", [("vmap", "grad"), ("hessian", "vmap"), ("vjp", "jvp")], ids="-".join)
def test_pair_compiled(names):
    _check(names, quadratic, np.float64, 1e-7)


@pytest.mark.slow
@pytest.mark.usefixtures("interpreted")
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("f", FUNCTIONS)
@pytest.mark.parametrize("names", PAIRS, ids="-".join)
def test_every_pair(names, f, dtype):
    _check(names, f, dtype, 1e-6 if dtype is np.float64 else 2e-3)


@pytest.mark.slow
@pytest.mark.usefixtures("interpreted")
@pytest.mark.parametrize("names", TRIPLES, ids="-".join)
@pytest.mark.parametrize("f", [wave, until, written, ruled])
def test_every_triple(names, f):
    _check(names, f, np.float64, 1e-5)


@pytest.mark.slow
@pytest.mark.parametrize(("names", "f"), SAMPLE[::5], ids=_named)
def test_compiled(names, f):
    _check(names, f, np.float64, 1e-6)
