"""Differences of functions of complex numbers, along the real and along the imaginary direction."""

import numpy as np

STEP = 1e-6


def numbers(*shape, seed=0):
    """Complex numbers away from zero and from the cuts."""
    rng = np.random.default_rng([seed, *shape])
    return rng.normal(size=shape) + 1j * rng.normal(size=shape)


def reals(*shape, seed=1):
    return np.random.default_rng([seed, *shape]).normal(size=shape)


def numerical_gradient(function, z):
    """df/dx - i df/dy for each element of z, by central differences; df/dx where z is real."""
    gradient = np.zeros(z.shape, z.dtype)
    for index in np.ndindex(z.shape):
        unit = np.zeros(z.shape)
        unit[index] = 1.0
        gradient[index] = slope(function, z, unit)
        if z.dtype.kind == "c":
            gradient[index] -= 1j * slope(function, z, 1j * unit)
    return gradient


def slope(function, z, direction):
    return (function(z + STEP * direction) - function(z - STEP * direction)) / (2 * STEP)


def gradients_by_difference(function, args):
    return [
        numerical_gradient(lambda x, i=i: function(*args[:i], x, *args[i + 1 :]), np.asarray(a))
        for i, a in enumerate(args)
    ]
