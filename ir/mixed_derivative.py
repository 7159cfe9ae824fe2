"""Derivatives of the beta density in both parameters, over the density: one recursion for numbers, arrays,
variables of a program and values of generated code.

With t**a (1 - t)**b / B(a, b) = exp(L), derivatives of exp(L) over exp(L) are polynomials in those of L
(complete Bell polynomials of two variables). Start at `over_density`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

Slope = Callable[[int, int], Any]  # (order in a, order in b) -> that derivative of L


def slopes(log_t: Any, log_rest: Any, psi: Callable[[str, int], Any]) -> Slope:
    """Of L; psi(which, k) is polygamma of order k of "a", "b" or "sum"."""

    def slope(n: int, m: int) -> Any:
        total = psi("sum", n + m - 1)
        if n and m:
            return total
        which, first = ("a", log_t) if n else ("b", log_rest)
        rest = total - psi(which, n + m - 1)
        return first + rest if n + m == 1 else rest

    return slope


def over_density(slope: Slope, n: int, m: int) -> Any:
    """The n-th derivative in a of the m-th one in b; n + m > 0."""
    if not n:
        return over_density(lambda i, j: slope(j, i), m, 0)
    total: Any = 0.0
    for i in range(n):
        for j in range(m + 1):
            last = i == n - 1 and j == m
            rest = 1.0 if last else over_density(slope, n - 1 - i, m - j)
            total = slope(i + 1, j) * rest * float(math.comb(n - 1, i) * math.comb(m, j)) + total
    return total
