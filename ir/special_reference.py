"""What the special functions of `ir.special` mean, on NumPy and the standard library alone.

Series, recurrences and integrals that converge to working precision, chosen for being plain rather than fast;
the compiled code (`codegen/vector_*.py`) uses none of them, so that the two check each other. Formula numbers
are those of the NIST Digital Library of Mathematical Functions (dlmf.nist.gov).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np

_SHIFT = 16  # recurrences lead up to here, where asymptotic series are exact to the last bit
_TERMS = 12
_NEAR = 0.3
_PI = np.longdouble("3.14159265358979323846264338327950288")
_TINY = 1e-30  # closer to 0, polygamma is its pole


def each(function: Callable[[float], float]) -> Callable[[np.ndarray], Any]:
    """A function of the standard library on every element, rounded to the operand's dtype."""

    def apply(x: np.ndarray) -> Any:
        return np.vectorize(function, otypes=[np.float64])(x).astype(x.dtype)

    return apply


def xlogy(x: np.ndarray, y: np.ndarray) -> Any:
    """x log y; 0 where x is, unless y is NaN."""
    return np.where((x == 0) & (y == y), x.dtype.type(0), x * np.log(y))


def xlog1py(x: np.ndarray, y: np.ndarray) -> Any:
    """x log(1 + y); 0 where x is, unless y is NaN."""
    return np.where((x == 0) & (y == y), x.dtype.type(0), x * np.log1p(y))


def log_gamma(x: float) -> float:
    """By the series of its zeros 1 and 2 near these, where the standard library's loses its digits."""
    if abs(x - 1.0) < _NEAR:
        return _log_gamma_from_one(x - 1.0)
    if abs(x - 2.0) < _NEAR:
        return math.log1p(x - 2.0) + _log_gamma_from_one(x - 2.0)
    try:
        return math.lgamma(x)
    except (ValueError, OverflowError):  # the poles; beyond 1e305
        return math.inf


def _log_gamma_from_one(e: float) -> float:
    """log gamma(1 + e) (5.7.3)."""
    powers = (zeta * (-e) ** k / k for k, zeta in enumerate(_zeta_values(), 2))
    return math.fsum(powers) - np.euler_gamma * e


@cache
def _zeta_values() -> tuple[float, ...]:
    """zeta(2), zeta(3), ..."""
    return tuple(float(_hurwitz_zeta(s, np.ones(()))) for s in range(2, 50))


def gamma(x: float) -> float:
    try:
        return math.gamma(x)
    except OverflowError:  # beyond 171; next to 0
        return math.copysign(math.inf, x)
    except ValueError:  # 0, the poles below, and -inf
        return math.copysign(math.inf, x) if x == 0 else math.nan


def scaled_erfc(x: float) -> float:
    """exp(x**2) erfc(x); beyond 25 by the asymptotic series 7.12.1."""
    if x < -27.0 or math.isnan(x):
        return math.inf if x < 0 else x
    if x < 25.0:
        square = Fraction(x) ** 2
        head = float(square)
        return (
            math.exp(head) * (1.0 + float(square - Fraction(head))) * math.erfc(x) if head < 709 else math.inf
        )
    term = total = 1.0
    for k in range(1, 8):
        term *= -(2 * k - 1) / (2 * x * x)
        total += term
    return total / x / math.sqrt(math.pi)


@cache
def bernoulli(n: int) -> Fraction:
    """The n-th Bernoulli number, by their recurrence (24.5.3)."""
    if n == 0:
        return Fraction(1)
    return -sum((math.comb(n + 1, k) * bernoulli(k) for k in range(n)), Fraction(0)) / (n + 1)


def digamma(x: np.ndarray) -> Any:
    """psi: reflection below 0 (5.5.4), recurrence (5.5.2), asymptotic series (5.11.2), in long double."""
    v = np.asarray(x, np.longdouble)
    low = v <= 0
    size = np.where(low, 1 - v, v)
    total = np.zeros_like(size)
    for _ in range(_SHIFT):
        near = size < _SHIFT
        total = np.where(near, total - 1 / size, total)
        size = np.where(near, size + 1, size)
    total = total + np.log(size) - 0.5 / size
    for k in range(1, _TERMS):
        total = total - np.longdouble(float(bernoulli(2 * k))) / (2 * k) / size ** (2 * k)
    rest = v - np.round(v)
    reflected = total - _PI / np.tan(_PI * np.where(low, rest, 0.25))
    at_pole = np.where(v == 0, -1 / v, np.where(v == np.floor(v), np.nan, reflected))
    return np.where(low, at_pole, total).astype(x.dtype)


def polygamma(x: np.ndarray, *, n: int) -> Any:
    """The n-th derivative of digamma, (-1)**(n + 1) n! zeta(n + 1, x) (5.15.1)."""
    v = np.asarray(x, np.float64)
    low = (v < -_TINY) & (v != np.floor(v))
    sign = (-1.0) ** (n + 1)
    above = sign * math.factorial(n) * _hurwitz_zeta(n + 1, np.where(low, 1 - v, v))
    reflected = (-1.0) ** n * above - np.pi * _cotangent_derivative(n, np.where(low, v, 0.25))
    pole = (v <= 0) & (v == np.floor(v))
    return np.where(low, reflected, np.where(pole, sign * np.inf, above)).astype(x.dtype)


def _hurwitz_zeta(s: int, q: np.ndarray) -> np.ndarray:
    """The sum of (q + k)**-s over k >= 0 by Euler and Maclaurin's formula (25.11.5)."""
    total, count = np.zeros_like(q), _SHIFT + s
    for k in range(count):
        total = total + (q + k) ** -float(s)
    a = q + count
    total = total + a ** (1.0 - s) / (s - 1) + 0.5 * a ** -float(s)
    for j in range(1, _TERMS):
        rising = math.prod(range(s, s + 2 * j - 1))
        factor = bernoulli(2 * j) * rising / math.factorial(2 * j)
        total = total + float(factor) * a ** (1.0 - s - 2 * j)
    return np.where(q == np.inf, 0.0, total)


def cotangent_polynomial(n: int) -> tuple[int, ...]:
    """P with d**n/dx**n cot x = P(cot x), constant term first: P' (-1 - c**2) from one to the next."""
    coefficients = [0, 1]
    for _ in range(n):
        slope = [k * c for k, c in enumerate(coefficients)][1:]
        coefficients = [
            -(slope[k] if k < len(slope) else 0) - (slope[k - 2] if k >= 2 else 0)
            for k in range(len(slope) + 2)
        ]
    return tuple(coefficients)


def _cotangent_derivative(n: int, x: np.ndarray) -> Any:
    """d**n/dx**n cot(pi x)."""
    cotangent = 1 / np.tan(np.pi * (x - np.round(x)))
    return np.pi**n * np.polyval(cotangent_polynomial(n)[::-1], cotangent)


def inverse_erfc(q: float) -> float:
    """The x with erfc(x) = q, by Newton's method on the logarithm, which is nearly a parabola."""
    if not 0.0 < q < 2.0:
        return {0.0: math.inf, 2.0: -math.inf}.get(q, math.nan)
    if 0.5 < q < 1.5:
        return inverse_erf(1.0 - q)
    target = math.log(min(q, 2.0 - q))
    x = math.sqrt(max(-target - 0.5 * math.log(max(-math.pi * target, 1.0)), 0.01))
    for _ in range(30):
        scaled = scaled_erfc(x)
        x += (math.log(scaled) - x * x - target) * scaled * math.sqrt(math.pi) / 2
    return x if q < 1.0 else -x


def inverse_erf(u: float) -> float:
    """The x with erf(x) = u, by Newton's method."""
    if not abs(u) < 1.0:
        return math.copysign(math.inf, u) if abs(u) == 1.0 else math.nan
    if abs(u) > 0.5:
        return math.copysign(inverse_erfc(1.0 - abs(u)), u)
    x = u * math.sqrt(math.pi) / 2
    for _ in range(8):
        x -= (math.erf(x) - u) * math.sqrt(math.pi) / 2 * math.exp(x * x)
    return x


def normal_distribution(x: float) -> float:
    """The standard normal distribution function."""
    if not -45.0 < x < -1.0:
        return 0.5 * math.erfc(-x / math.sqrt(2.0))
    square = Fraction(x) ** 2 / 2
    shrunk = math.exp(-float(square)) * (1.0 - float(square - Fraction(float(square))))
    return 0.5 * scaled_erfc(-x / math.sqrt(2.0)) * shrunk


def log_normal_distribution(x: float) -> float:
    """The logarithm of the standard normal distribution function."""
    if x > -1.0 or math.isnan(x):
        return math.log1p(-normal_distribution(-x))
    return -math.inf if x < -1e160 else math.log(0.5 * scaled_erfc(-x / math.sqrt(2.0))) - 0.5 * x * x
