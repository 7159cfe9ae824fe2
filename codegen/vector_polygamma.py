"""polygamma without branches for positive x: the zeta function's sum with its tail by Euler and Maclaurin.

psi_n(x) = (-1)**(n + 1) n! zeta(n + 1, x), n static, so that powers are products and the sum is unrolled. All
terms have one sign. Negative x are reflected in a rare branch (DLMF 5.15.6), where the n-th derivative of the
cotangent is a polynomial in the cotangent. f32 is computed in f64.
"""

from __future__ import annotations

import math

from tapejit.codegen.lane import Lane
from tapejit.codegen.rare_path import rarely
from tapejit.codegen.scalar_arithmetic import integer_pow
from tapejit.codegen.vector_trigonometric import angle_of_pi, cotangent_of
from tapejit.ir.special_reference import bernoulli, cotangent_polynomial

_TINY = 1e-30  # closer to 0 there is only the pole
_TERMS = 9  # of the tail
_DIRECT = 9  # terms of the sum before it, and one more for every order


def polygamma(x: Lane, n: int) -> Lane:
    wide = x.to_double()
    name = f"tapejit_polygamma{n}" + x.pick("", "f")
    found = rarely(wide <= 0.0, _of_positive(wide, n), name, lambda v: _of_others(v, n), wide)
    return found.to_type_of(x)


def _of_positive(x: Lane, n: int) -> Lane:
    factor = (-1.0) ** (n + 1) * math.factorial(n)
    return (x < math.inf).where(_zeta(x, n + 1) * factor, 0.0 * (1.0 / x))


def _zeta(q: Lane, s: int) -> Lane:
    """The sum of (q + k)**-s over k >= 0, from the smallest terms to the largest."""
    count = _DIRECT + s
    total = _tail(1.0 / (q + float(count)), s)
    for k in reversed(range(count)):
        total = total + integer_pow(1.0 / (q + float(k)), s)
    return total


def _tail(inverse: Lane, s: int) -> Lane:
    """a**(1 - s) / (s - 1) + a**-s / 2 + ... for a = 1 / inverse (DLMF 25.11.5)."""
    square = inverse * inverse
    series = square.polynomial(_bernoulli_factors(s))
    head = inverse.fma(0.5, 1 / (s - 1))
    return integer_pow(inverse, s - 1) * square.fma(series, head)


def _bernoulli_factors(s: int) -> tuple[float, ...]:
    """B_2j s (s + 1) ... (s + 2j - 2) / (2j)! for j = 1, 2, ..."""
    return tuple(
        float(bernoulli(2 * j) * math.prod(range(s, s + 2 * j - 1)) / math.factorial(2 * j))
        for j in range(1, _TERMS)
    )


def _of_others(x: Lane, n: int) -> Lane:
    """(-1)**n psi_n(1 - x) - pi d**n/dx**n cot(pi x); infinite at the poles."""
    cotangent = cotangent_of(angle_of_pi(x))
    slope = cotangent.polynomial([float(c) for c in cotangent_polynomial(n)]) * math.pi ** (n + 1)
    reflected = _of_positive(1.0 - x, n) * (-1.0) ** n - slope
    near_zero = integer_pow(1.0 / x, n + 1) * ((-1.0) ** (n + 1) * math.factorial(n))
    is_pole = x.intrinsic("floor").equals(x)
    return is_pole.where((-1.0) ** (n + 1) * math.inf, (x > -_TINY).where(near_zero, reflected))
