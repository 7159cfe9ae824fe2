"""Probabilities of the Poisson distribution without cancellation, for real counts.

x**a exp(-x) / gamma(a + 1) is, for large a, a power of the deviance of x from a and what Stirling's formula
leaves (C. Loader, "Fast and accurate computation of binomial probabilities", 2000): no difference of large
numbers is taken.
"""

from __future__ import annotations

import math

from tapejit.codegen.lane import Lane
from tapejit.codegen.lane_control import branch, called
from tapejit.codegen.vector_exponential import exp
from tapejit.codegen.vector_gamma import lgamma
from tapejit.codegen.vector_logarithm import log

LARGE = 10.0  # from here on the terms below are exact
_NEAR = 0.4
_STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156, -3617 / 122400)
_ODD = tuple(2 / (2 * k + 3) for k in range(14))  # of log((1 + s) / (1 - s)), from s**3 on


def stirling_rest(a: Lane) -> Lane:
    """log gamma(a) - ((a - 1/2) log a - a + log(2 pi) / 2) for a >= LARGE (DLMF 5.11.1)."""
    inverse = 1.0 / a
    return inverse * (inverse * inverse).polynomial(_STIRLING)


def deviance(x: Lane, a: Lane) -> Lane:
    """u - log(1 + u) for u = (x - a) / a."""
    u = (x - a) / a
    is_near = abs(u) < _NEAR
    s = is_near.where(u / (u + 2.0), 0.0)
    square = s * s
    return is_near.where(u * s - square * s * square.polynomial(_ODD), u - log(x / a))


def log_poisson_mass(a: Lane, x: Lane) -> Lane:
    """log(x**a exp(-x) / gamma(a + 1)) for finite a > -1 and positive finite x."""
    (found,) = branch(a > LARGE, lambda: (_far(a, x),), lambda: (a * log(x) - x - lgamma(a + 1.0),))
    return found


def _far(a: Lane, x: Lane) -> Lane:
    return -(a * deviance(x, a)) - stirling_rest(a) - 0.5 * log(a * (2 * math.pi))


def poisson_mass(a: Lane, x: Lane) -> Lane:
    """x**a exp(-x) / gamma(a + 1); NaN for a <= -1 or negative x."""
    wide = called("tapejit_poisson_mass", _poisson_mass, a.to_double(), x.to_double())
    return wide.to_type_of(a)


def _poisson_mass(a: Lane, x: Lane) -> Lane:
    sensible = (a > -1.0) & (x >= 0.0)
    inside = sensible & (a < math.inf) & (x > 0.0) & (x < math.inf)
    (found,) = branch(inside, lambda: (exp(log_poisson_mass(a, x)),), lambda: (_at_edge(a, x),))
    return sensible.where(found, math.nan)


def _at_edge(a: Lane, x: Lane) -> Lane:
    at_zero = a.equals(0.0).where(1.0, (a < 0.0).where(math.inf, a.like(0.0)))
    return x.equals(0.0).where(at_zero, 0.0)
