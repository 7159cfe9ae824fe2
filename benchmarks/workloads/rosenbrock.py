"""Rosenbrock's function: neighbours in one array, little arithmetic; of two variables, all call overhead."""

from __future__ import annotations

import numpy as np

from workloads.native import kernel, plus
from workloads.workload import Workload


def rosenbrock(x):
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def draw(rng, n):
    return (rng.normal(size=n),)


@kernel
def _rosenbrock(x, gradient):
    """Each element gathers from both neighbours: differences are worked out twice, no store waits."""
    last = x.size - 1
    total = 0.0
    before = x[1] - x[0] * x[0]
    gradient[0] = -400.0 * x[0] * before - 2.0 * (1.0 - x[0])
    total += 100.0 * before * before + (1.0 - x[0]) * (1.0 - x[0])
    for i in range(1, last):
        before = x[i] - x[i - 1] * x[i - 1]
        after = x[i + 1] - x[i] * x[i]
        rest = 1.0 - x[i]
        total = plus(total, 100.0 * after * after + rest * rest)
        gradient[i] = 200.0 * before - 400.0 * x[i] * after - 2.0 * rest
    gradient[last] = 200.0 * (x[last] - x[last - 1] * x[last - 1])
    return total


def limit(x):
    gradient = np.empty_like(x)
    return _rosenbrock(x, gradient), (gradient,)


ROSENBROCK = Workload("Rosenbrock", rosenbrock, limit, draw, sizes=((2,), (100,), (1_000_000,)))
