"""Functions of arrays of any size, written for NumPy; `CASES` says with which arguments to call them."""

from __future__ import annotations

import numpy as np


def chain(x):
    return np.sum(np.sin(x) * np.exp(-x * x) + x)


def variance(x):
    return np.mean(x * x) + np.var(x)


def softmax(x):
    e = np.exp(x - np.max(x, axis=1, keepdims=True))
    p = e / np.sum(e, axis=1, keepdims=True)
    return np.sum(p * p * np.log(p))


def perceptron(hidden, output, x, y):
    error = np.tanh(x @ hidden) @ output - y
    return np.mean(error * error)


def stencil(x):
    return np.sum((x[2:] - 2 * x[1:-1] + x[:-2]) ** 2 * x[1:-1])


def running(x):
    return np.sum(np.cumsum(x) ** 2) / x.size


def joined(x):
    return np.sum(np.concatenate([x, x[::-1], 2 * x]) ** 3)


def ordered(x):
    return np.sum(np.sort(x) ** 2 * np.sort(-x))


def halving(x):
    y = x
    while np.sum(y * y) > 0.01:
        y = y * 0.5
    return np.sum(y * x)


def ramp(x):
    return np.sum(np.where(x > 0, x, 0.1 * x) * np.arange(x.size))


def largest(x):
    return x[np.argmax(x)] * np.sum(x)


def standardised(x):
    return np.sum(((x - x.mean(axis=0)) / (x.std(axis=0) + 1.0)) ** 3)


def gram(x):
    return np.sum((x.T @ x) ** 2)


def padded(x):
    return np.sum(np.pad(x, 2)[1:] * np.reshape(np.concatenate([x, x, x])[: x.size + 3], -1))


def windows(x):
    return np.sum(np.stack([x[k : x.size - 2 + k] for k in range(3)]).T @ np.array([1.0, 2.0, 3.0]) * x[2:])


def vector(rng, n):
    return (rng.normal(size=n),)


def apart(rng, n):
    """No two elements so close that a difference quotient changes their order."""
    return (rng.permutation(n) / n - 0.3,)


def rows(rng, n):
    return (rng.normal(size=(n, 6)),)


def batch(rng, n):
    return tuple(rng.normal(size=shape) for shape in ((5, 7), (7, 2), (n, 5), (n, 2)))


CASES = {
    "chain": (chain, vector),
    "softmax": (softmax, rows),
    "perceptron": (perceptron, batch),
    "stencil": (stencil, vector),
    "running": (running, vector),
    "joined": (joined, vector),
    "ordered": (ordered, apart),
}
MORE_CASES = {
    "variance": (variance, vector),
    "ramp": (ramp, vector),
    "largest": (largest, apart),
    "standardised": (standardised, rows),
    "gram": (gram, rows),
    "padded": (padded, vector),
    "windows": (windows, vector),
}
