"""Coefficients of Temme's uniform expansion of the incomplete gamma functions.

N. M. Temme, "The asymptotic expansion of the incomplete gamma functions", SIAM J. Math. Anal. 10 (1979); DLMF
8.12. With x = a (1 + u) and eta**2 / 2 = u - log(1 + u), the functions are those of the normal distribution
plus exp(-a eta**2 / 2) / sqrt(2 pi a) times the sum of c_k(eta) a**-k. Here eta is a power series in u, and
each c_k one in eta, found by exact arithmetic when they are first asked for.
"""

from __future__ import annotations

from fractions import Fraction
from functools import cache

Series = list[Fraction]
_TERMS_OF_U = 30
_TERMS_OF_ETA = 15
TERMS_OF_A = 10


@cache
def eta_over_u() -> tuple[float, ...]:
    """eta / u, in powers of u, for |u| < 0.3."""
    halves = [Fraction(2 * (-1) ** k, k + 2) for k in range(_TERMS_OF_U)]  # eta**2 / u**2
    return tuple(map(float, _root(halves)))


@cache
def corrections() -> tuple[tuple[float, ...], ...]:
    """c_0, c_1, ..., each in powers of eta."""
    length = _TERMS_OF_ETA + 2 * TERMS_OF_A + 2
    inverse = _over_eta(length)  # eta / u, in powers of eta
    stirling = _gamma_coefficients(TERMS_OF_A)
    current = inverse[1:]  # 1 / u - 1 / eta
    found = [current]
    for k in range(1, TERMS_OF_A):
        factor = (-1) ** k * stirling[k]
        current = [(n + 2) * current[n + 2] + factor * inverse[n + 1] for n in range(len(current) - 2)]
        found.append(current)
    return tuple(tuple(map(float, series[:_TERMS_OF_ETA])) for series in found)


def _root(series: Series) -> Series:
    """The square root of a power series that starts with 1."""
    root = [Fraction(1)]
    for k in range(1, len(series)):
        root.append((series[k] - sum(root[j] * root[k - j] for j in range(1, k))) / 2)
    return root


def _over_eta(length: int) -> Series:
    """eta / u in powers of eta: from u u' = eta (1 + u), coefficient by coefficient."""
    u = [Fraction(0), Fraction(1)]
    for n in range(2, length + 2):
        # the coefficient of eta**n in u u' is (n + 1) u_n plus what is known
        known = sum(u[j] * (n + 1 - j) * u[n + 1 - j] for j in range(2, n))
        u.append((u[n - 1] - known) / (n + 1))
    return _inverse(u[1 : length + 2])


def _inverse(series: Series) -> Series:
    """1 / series, which starts with 1."""
    found = [Fraction(1)]
    for k in range(1, len(series)):
        found.append(-sum((series[j] * found[k - j] for j in range(1, k + 1)), Fraction(0)))
    return found


def _gamma_coefficients(count: int) -> Series:
    """g_k of gamma(a) ~ sqrt(2 pi) a**(a - 1/2) exp(-a) sum g_k a**-k (DLMF 5.11.6).

    g_k = 1 * 3 * ... * (2k + 1) times the coefficient 2k + 1 of u in powers of eta.
    """
    u_over_eta = _inverse(_over_eta(2 * count + 1))
    found, double_factorial = [], 1
    for k in range(count):
        double_factorial *= 2 * k + 1
        found.append(double_factorial * u_over_eta[2 * k])
    return found
