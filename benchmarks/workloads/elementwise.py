"""Elementwise chains, short and long: the cost of fusion, and of transcendental functions."""

from __future__ import annotations

import numpy as np

from workloads.native import cos, exp, kernel, plus, sin
from workloads.workload import Workload

ROUNDS = 16
BLOCK = 512  # two rows of it stay in the first-level cache


def short_chain(x):
    return np.sum(np.sin(x) ** 2 * np.exp(-x))


def long_chain(x):
    for _ in range(ROUNDS):
        x = np.sin(x) + 0.5 * x
    return np.sum(x)


def draw(rng, n):
    return (rng.uniform(-1.0, 2.0, n),)


@kernel
def _short(x, gradient):
    total = 0.0
    for i in range(x.size):
        s, c, e = sin(x[i]), cos(x[i]), exp(-x[i])
        total = plus(total, s * s * e)
        gradient[i] = e * s * (2.0 * c - s)
    return total


def short_limit(x):
    gradient = np.empty_like(x)
    return _short(x, gradient), (gradient,)


@kernel
def _long(x, gradient, row):
    """The derivative of a chain in one variable is a product: it is kept beside the value."""
    total = 0.0
    for start in range(0, x.size, BLOCK):
        width = min(BLOCK, x.size - start)
        slope = gradient[start : start + width]
        for i in range(width):
            row[i] = x[start + i]
            slope[i] = 1.0
        for _ in range(ROUNDS):
            for i in range(width):
                v = row[i]
                row[i] = sin(v) + 0.5 * v
                slope[i] *= cos(v) + 0.5
        for i in range(width):
            total = plus(total, row[i])
    return total


def long_limit(x):
    gradient = np.empty_like(x)
    return _long(x, gradient, np.empty(BLOCK)), (gradient,)


SHORT = Workload(
    "short chain",
    short_chain,
    short_limit,
    draw,
    sizes=((10,), (1_000,), (100_000,), (10_000_000,)),
    elementwise=True,
)
LONG = Workload(
    "long chain",
    long_chain,
    long_limit,
    draw,
    sizes=((10,), (10_000,), (1_000_000,)),
    elementwise=True,
)
