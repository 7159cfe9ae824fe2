"""What the Bessel functions of `ir.special` mean: series for small, expansions for large arguments.

Between them, for J, the trapezoidal rule on Bessel's integral, which converges geometrically. Formula numbers
are those of the NIST Digital Library of Mathematical Functions (dlmf.nist.gov).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

_LARGE = 30.0  # where the asymptotic expansions reach the last bit
_TERMS = 24
_POINTS = 128


def modified(order: int, *, scaled: bool) -> Callable[[np.ndarray], Any]:
    """I of integer `order`, times exp(-|x|) if `scaled`."""

    def apply(x: np.ndarray) -> Any:
        size = np.abs(np.asarray(x, np.float64))
        with np.errstate(all="ignore"):
            near, far = _series(order, np.minimum(size, _LARGE), 1.0), _scaled_expansion(order, size)
            half = np.exp(-0.5 * size if scaled else 0.5 * size)
            large = far if scaled else np.where(size == np.inf, np.inf, far * half * half)
            small = near * half * half if scaled else near
        value = np.where(size < _LARGE, small, large)
        return (np.where(x < 0, -1.0, 1.0) ** order * value).astype(x.dtype)

    return apply


def first_kind(order: int) -> Callable[[np.ndarray], Any]:
    """J of `order` 0 or 1."""

    def apply(x: np.ndarray) -> Any:
        size = np.abs(np.asarray(x, np.float64))
        with np.errstate(all="ignore"):
            near = _series(order, np.minimum(size, 2.0), -1.0)
            far = np.where(size == np.inf, 0.0, _oscillation(order, np.maximum(size, _LARGE)))
            middle = _integral(order, np.minimum(size, _LARGE))
        value = np.where(size < 2.0, near, np.where(size < _LARGE, middle, far))
        return (np.where(x < 0, -1.0, 1.0) ** order * value).astype(x.dtype)

    return apply


def _series(order: int, x: np.ndarray, sign: float) -> Any:
    """The power series, with all terms of one `sign` or alternating (10.25.2, 10.2.2)."""
    term = (0.5 * x) ** order / math.factorial(order)
    total = np.zeros_like(x)
    for k in range(1, 80):
        total = total + term
        term = term * sign * (0.5 * x) ** 2 / (k * (k + order))
    return total


def _integral(order: int, x: np.ndarray) -> Any:
    """The mean of cos(order t - x sin t) over a period (10.9.2)."""
    angles = 2 * np.pi * np.arange(_POINTS) / _POINTS
    return sum(np.cos(order * t - x * np.sin(t)) for t in angles) / _POINTS


def _expansion_coefficients(order: int) -> list[float]:
    """a_k of 10.17.1."""
    coefficients = [1.0]
    for k in range(1, _TERMS):
        coefficients.append(coefficients[-1] * (4 * order**2 - (2 * k - 1) ** 2) / (8 * k))
    return coefficients


def _scaled_expansion(order: int, x: np.ndarray) -> Any:
    """exp(-x) I(x) for large x (10.40.1)."""
    return np.polyval(_expansion_coefficients(order)[::-1], -1 / x) / (np.sqrt(2 * np.pi) * np.sqrt(x))


def _oscillation(order: int, x: np.ndarray) -> Any:
    """J for large x (10.17.3); the phase x - (2 order + 1) pi/4 through the sine and cosine of x itself."""
    a = _expansion_coefficients(order)
    even = np.polyval([c * (-1) ** k for k, c in enumerate(a[::2])][::-1], x**-2.0)
    odd = np.polyval([c * (-1) ** k for k, c in enumerate(a[1::2])][::-1], x**-2.0) / x
    plus, minus = np.cos(x) + np.sin(x), np.sin(x) - np.cos(x)
    cosine, sine = (plus, minus) if order == 0 else (minus, -plus)
    return (even * cosine - odd * sine) / np.sqrt(np.pi * x)
