"""The small programs whose overhead is measured, in NumPy's words."""

from __future__ import annotations

import numpy as np

OPERATIONS = 100
LAYERS = 9


def operators(x, y):
    """A hundred of Python's operators on arrays."""
    for _ in range(OPERATIONS // 4):
        x = (x * y + y - x) / y
    return x


def functions(x, y):
    """A hundred of NumPy's functions."""
    for _ in range(OPERATIONS // 4):
        x = np.tanh(np.cos(np.sin(np.maximum(x, y))))
    return x


def scalars(x, y):
    """A hundred operations between an array and a Python number."""
    for _ in range(OPERATIONS // 4):
        x = (x * 1.01 + 0.5 - 0.3) / 1.1
    return x


def small_step(w, b, x):
    """Forty operations: nine layers of four, and a loss of four."""
    h = x
    for _ in range(LAYERS):
        h = np.tanh(w * h + b) * 0.5
    error = h - x
    return np.sum(error * error) / 3.0


def ten_elements(x):
    """The decorated call at its smallest."""
    return np.sum(np.sin(x) ** 2 * np.exp(-x))


def control_flow(a):
    """The MXNet tutorial's function: the number of rounds and the branch depend on the data."""
    b = a * 2
    while np.linalg.norm(b) < 1000:
        b = b * 2
    if np.sum(b) > 0:
        return np.sum(b)
    return np.sum(100 * b)
