"""Each face of tapejit in a minute: imperative, decorated, MXNet's `np` and `nd`, and the stages.

python examples/tutorial.py
"""

from __future__ import annotations

import numpy

import tapejit as tj
from tapejit import autograd, nd, np


def imperative() -> None:
    """Mark variables, record what is computed from them, walk back."""
    x = tj.arange(4.0)
    x.attach_grad()
    with tj.record():
        y = 2 * (x * x).sum()
    y.backward()
    print("y =", y, " dy/dx =", x.grad)

    x -= 0.1 * x.grad  # outside record() arrays are changed in place
    print("after a step:", x)

    with tj.record():
        u = x * x
        z = (u.detach() * x).sum()  # u is a constant here
    z.backward()
    print("with u held fixed, dz/dx = u:", bool(numpy.allclose(x.grad, u)))


def decorated() -> None:
    """Turn a NumPy function into its gradient, compiled at the first call."""

    @tj.value_and_grad(argnums=(0, 1))
    def loss(weights, bias, x, y):
        error = x @ weights + bias - y
        return numpy.mean(error**2)

    rng = numpy.random.default_rng(0)
    x = rng.normal(size=(100, 3))
    y = x @ numpy.array([1.0, -2.0, 0.5]) + 3.0
    weights, bias = numpy.zeros(3), 0.0
    for _ in range(200):
        value, (d_weights, d_bias) = loss(weights, bias, x, y)
        weights, bias = weights - 0.1 * d_weights, bias - 0.1 * d_bias
    print(f"fitted {weights.round(3)} and {bias:.3f}, loss {value:.1e}")

    second = tj.grad(tj.grad(lambda x: numpy.sin(x) * x))
    print("derivatives nest:", second(1.0), "=", 2 * numpy.cos(1.0) - numpy.sin(1.0))


def mxnet_style() -> None:
    """Code written for MXNet: only the package's name is another."""
    x = np.arange(4)
    x.attach_grad()
    with autograd.record():
        y = np.dot(x, x)
    y.backward()
    print("np face:", x.grad)

    a = nd.array([[1, 2], [3, 4]])
    a.attach_grad()
    with autograd.record():
        b = (a * a).sum()
    b.backward()
    print("nd face:", a.grad)


def stages() -> None:
    """What became of a function, from the trace to machine code."""

    @tj.value_and_grad
    def f(x):
        return numpy.sum(numpy.sin(x) ** 2 * numpy.exp(-x))

    f(numpy.linspace(0.0, 1.0, 1000))
    print(f.ir())
    print(f.source())
    print(tj.cache_info())


def main() -> None:
    for face in (imperative, decorated, mxnet_style, stages):
        print(f"\n-- {face.__name__}: {face.__doc__}")
        face()


if __name__ == "__main__":
    main()
