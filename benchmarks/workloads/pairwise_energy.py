"""The energy of softened charges, each with each: N² terms from N points, so fusion saves all the memory."""

from __future__ import annotations

import numpy as np

from workloads.native import kernel, plus, rsqrt
from workloads.workload import Workload

SOFTENING = 0.01


def energy(points):
    offsets = points[:, None, :] - points[None, :, :]
    squares = np.sum(offsets * offsets, axis=2)
    return 0.5 * np.sum(1.0 / np.sqrt(squares + SOFTENING))


def draw(rng, n):
    return (rng.normal(size=(n, 3)),)


@kernel
def _forces_on(i, x, y, z, d_x, d_y, d_z):
    """The energy of point i with all before it; what it feels, they feel reversed."""
    total = sum_x = sum_y = sum_z = 0.0
    for j in range(i):
        u, v, w = x[i] - x[j], y[i] - y[j], z[i] - z[j]
        inverse = rsqrt(u * u + v * v + w * w + SOFTENING)
        cube = inverse * inverse * inverse
        total = plus(total, inverse)
        sum_x, sum_y, sum_z = plus(sum_x, cube * u), plus(sum_y, cube * v), plus(sum_z, cube * w)
        d_x[j] += cube * u
        d_y[j] += cube * v
        d_z[j] += cube * w
    d_x[i] -= sum_x
    d_y[i] -= sum_y
    d_z[i] -= sum_z
    return total


@kernel
def _energy(points, gradient):
    """Coordinates are copied apart, so that neighbours in memory are neighbours in a vector."""
    n = len(points)
    place, force = np.empty((3, n)), np.zeros((3, n))
    for i in range(n):
        for axis in range(3):
            place[axis, i] = points[i, axis]
    total = 0.5 * n / np.sqrt(SOFTENING)
    for i in range(n):
        total += _forces_on(i, place[0], place[1], place[2], force[0], force[1], force[2])
    for i in range(n):
        for axis in range(3):
            gradient[i, axis] = force[axis, i]
    return total


def limit(points):
    gradient = np.empty_like(points)
    return _energy(points, gradient), (gradient,)


PAIRWISE_ENERGY = Workload("pairwise energy", energy, limit, draw, sizes=((30,), (300,), (1_000,)))
