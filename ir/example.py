"""Operands on which the tests run the rules of the rows: the examples of the elementary primitives.

Asymmetric on purpose (shapes that are not square, numbers that differ), since symmetry hides wrong rules.
"""

from __future__ import annotations

from typing import Any

import numpy as np

A = np.array([0.3, -1.2, 2.5])
B = np.array([1.7, 0.4, -0.6])
POS = np.array([0.2, 1.0, 3.5])
UNIT = np.array([0.3, -0.8, 0.1])
INTS = np.array([7, -3, 2])
MORE_INTS = np.array([2, 5, -4])
P = np.array([True, False, True])
Q = np.array([False, False, True])
M = np.arange(6.0).reshape(2, 3) - 2.2
N = np.array([[0.5, 1.5, -0.7, 0.2], [1.1, -0.3, 0.9, 2.0], [0.4, 0.8, -1.6, 0.6]])
T = np.sin(np.arange(24.0)).reshape(2, 3, 4)
SINGLE = np.array([0.3, -1.2, 2.5], np.float32)
CUBE = np.cos(np.arange(24.0)).reshape(4, 3, 2)
BLOCK = np.cos(np.arange(30.0)).reshape(5, 2, 3)
Z = np.array([0.3 - 1.7j, -1.2 + 0.4j, 2.5 + 0.6j])
W = np.array([1.1 + 0.2j, -0.4 - 0.9j, 0.7 + 1.3j])
ZM, ZN, ZT = M + 1j * M[::-1, ::-1] ** 2, N + 1j * N[::-1], T + 1j * np.cos(T * 7.0)


def both(*operands: np.ndarray) -> tuple[Any, ...]:
    """The same example in f64 and in f32."""
    return ((operands, {}), (tuple(x.astype(np.float32) for x in operands), {}))


def both_complex(*operands: np.ndarray) -> tuple[Any, ...]:
    """The same example in c128 and in c64."""
    return ((operands, {}), (tuple(x.astype(np.complex64) for x in operands), {}))
