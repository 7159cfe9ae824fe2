"""Inside transforms a derivative is still known to flow through what Python has looked at."""

import numpy as np
import pytest

import tapejit as tj
from tapejit.tracer.errors import ConversionError

pytestmark = pytest.mark.usefixtures("interpreted")
X = np.array([1.0, 2.0, 3.0])


def seen(x):
    """An array that depends on x, computed from one that Python saw, and seen itself."""
    y = x * x
    assert y[0] > 0
    z = y * 2
    assert z[0] > 0
    return z


class Hundredfold(tj.autograd.Function):
    def forward(self, a):
        self.save_for_backward(a)
        return a * a

    def backward(self, ct):
        return ct * 100 * self.saved_tensors[0]


@tj.custom_vjp
def sevenfold(a):
    return np.sin(a)


sevenfold.defvjp(lambda a: (np.sin(a), a), lambda a, ct: (ct * 7 * a,))


GRADIENTS = {
    "joined": (lambda x: np.sum(tj.array([seen(x)[0], seen(x)[1]])), 4 * X * [1, 1, 0]),
    "a function with a backward": (lambda x: np.sum(Hundredfold()(seen(x))), 800 * X**3),
    "a custom rule": (lambda x: np.sum(sevenfold(seen(x))), 56 * X**3),
    "captured by a jit": (lambda x: (lambda z: tj.jit(lambda a: np.sum(a * z))(x))(seen(x)), 6 * X**2),
    "captured by a grad": (
        lambda x: (lambda z: np.sum(tj.grad(lambda a: np.sum(a**2 * z))(x)))(seen(x)),
        12 * X**2,
    ),
    "captured by a vmap": (
        lambda x: (lambda z: np.sum(tj.vmap(lambda a: a * z)(x[None])))(seen(x)),
        6 * X**2,
    ),
}

SLOPES = {
    "jvp": lambda f: np.array([tj.jvp(f, (X,), (e,))[1] for e in np.eye(3)]),
    "vjp": lambda f: tj.vjp(f, X)[1](1.0)[0],
    "jacfwd": lambda f: tj.jacfwd(f)(X),
    "jacrev": lambda f: tj.jacrev(f)(X),
    "grad": lambda f: tj.grad(f)(X),
}


@pytest.mark.parametrize("slope", SLOPES.values(), ids=SLOPES)
@pytest.mark.parametrize(("f", "expected"), GRADIENTS.values(), ids=GRADIENTS)
def test_gradients_flow_on(slope, f, expected):
    np.testing.assert_allclose(slope(f), expected)


def stored(x):
    a = np.zeros(3)
    a[0] = seen(x)[0]
    return np.sum(a)


LOSSES = {
    "an array": lambda x: np.sum(np.array(seen(x))),
    "an array of numbers": lambda x: np.sum(np.array([seen(x)[0], 1.0])),
    "stored in NumPy's array": stored,
}


@pytest.mark.parametrize("slope", SLOPES.values(), ids=SLOPES)
@pytest.mark.parametrize("f", LOSSES.values(), ids=LOSSES)
def test_what_would_lose_the_gradient_is_refused(slope, f):
    with pytest.raises((ConversionError, ValueError)) as caught:
        slope(f)
    error = caught.value
    assert isinstance(error, ConversionError) or isinstance(error.__cause__, ConversionError)
    assert "test_followed.py:" in str(error.__cause__ or error)


def sorted_by_positions(x):
    return x[np.argsort(x)] * np.arange(x.shape[0])


@pytest.mark.parametrize(
    "of_one",
    [
        tj.grad(lambda x: np.sum(np.sin(sorted_by_positions(x)))),
        lambda x: tj.jvp(sorted_by_positions, (x,), (np.cos(x),))[1],
        lambda x: tj.hvp(lambda x: np.sum(np.sin(sorted_by_positions(x))), x, np.cos(x)),
    ],
)
def test_positions_that_are_computed_are_those_of_each_example(of_one):
    examples = np.random.default_rng(0).uniform(-1, 1, (3, 4))
    np.testing.assert_allclose(tj.vmap(of_one)(examples), [of_one(x) for x in examples])


def test_positions_outside_are_found_for_every_example():
    of_one = tj.grad(lambda x, i: np.sum(x[i + np.argmin(x)] ** 2))
    examples, places = np.ones((3, 4)), np.array([0, 2, 3])
    np.testing.assert_array_equal(tj.vmap(of_one)(examples, places), 2 * np.eye(4)[places])
    with pytest.raises(IndexError, match="index 4 is out of bounds"):
        tj.vmap(of_one)(examples, places + 1)
