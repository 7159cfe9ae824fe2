"""Quantiles of the Poisson and the binomial distribution: the least count with at least that probability
below.

From a start by E. Cornish's and R. Fisher's expansion (1938), where the distribution function is computed
once, it goes up or down count by count, which is a step or two (M. Giles, "Approximation of the inverse
Poisson cumulative distribution function", ACM TOMS 42, 2016, starts so too). Counts are floats;
probabilities below 1e-200 may give a count that is too small.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from tapejit.codegen.deviance import log_poisson_mass
from tapejit.codegen.incomplete_gamma import gammainc, gammaincc
from tapejit.codegen.lane import Lane
from tapejit.codegen.lane_control import Lanes, branch, called, negation, repeat
from tapejit.codegen.vector_exponential import exp
from tapejit.codegen.vector_inverse_error import erfcinv

_MOST = 1_000_000  # steps; in the tails of the smallest means dozens
_EPSILON = 1e-17

Ratio = Callable[[Lane], Lane]  # k -> mass of k over that of k - 1


def poisson_quantile(mean: Lane, p: Lane) -> Lane:
    """NaN where the mean is not in [0, inf) or p not in [0, 1]."""
    wide = called("tapejit_poisson_quantile", _poisson_quantile, mean.to_double(), p.to_double())
    return wide.to_type_of(mean)


def binomial_quantile(count: Lane, chance: Lane, p: Lane) -> Lane:
    """NaN where `count` is no count, or `chance` or p is not in [0, 1]."""
    wide = called(
        "tapejit_binomial_quantile", _binomial_quantile, *(x.to_double() for x in (count, chance, p))
    )
    return wide.to_type_of(count)


def _poisson_quantile(mean: Lane, p: Lane) -> Lane:
    sensible = (mean >= 0.0) & (mean < math.inf) & (p >= 0.0) & (p <= 1.0)
    usual = sensible & (mean > 0.0) & (p > 0.0) & (p < 1.0)
    edge = (p.equals(1.0) & (mean > 0.0)).where(math.inf, p.like(0.0))

    def computed() -> Lanes:
        root = mean.intrinsic("sqrt")
        start = _start(mean, root, 1.0 / root, p).at_least(0.0)
        excess = branch(
            p <= 0.5,
            lambda: (gammaincc(start + 1.0, mean) - p,),
            lambda: ((1.0 - p) - gammainc(start + 1.0, mean),),
        )[0]
        mass = exp(log_poisson_mass(start, mean))
        return (_walked(start, excess, mass, lambda k: mean / k, p.like(math.inf)),)

    return branch(usual, computed, lambda: (sensible.where(edge, math.nan),))[0]


def _binomial_quantile(count: Lane, chance: Lane, p: Lane) -> Lane:
    is_count = (count >= 0.0) & (count < 2.0**53) & count.intrinsic("floor").equals(count)
    sensible = is_count & (chance >= 0.0) & (chance <= 1.0) & (p >= 0.0) & (p <= 1.0)
    usual = sensible & (count > 0.0) & (chance > 0.0) & (chance < 1.0) & (p > 0.0) & (p < 1.0)
    edge = ((chance.equals(1.0) & (p > 0.0)) | p.equals(1.0) & (chance > 0.0)).where(count, 0.0)
    return branch(
        usual, lambda: (_binomial_inside(count, chance, p),), lambda: (sensible.where(edge, math.nan),)
    )[0]


def _binomial_inside(count: Lane, chance: Lane, p: Lane) -> Lane:
    mean, odds = count * chance, chance / (1.0 - chance)
    deviation = (mean * (1.0 - chance)).intrinsic("sqrt")
    start = _start(mean, deviation, (1.0 - 2.0 * chance) / deviation, p).at_least(0.0)
    start = (start > count).where(count, start)
    mass = _binomial_mass(start, count, chance)

    def ratio(k: Lane) -> Lane:
        return (count - k + 1.0) / k * odds

    excess = branch(
        start < mean,
        lambda: (_lower_sum(start, mass, ratio) - p,),
        lambda: ((1.0 - p) - (_upper_sum(start, mass, ratio) - mass),),
    )[0]
    return _walked(start, excess, mass, ratio, count)


def _binomial_mass(k: Lane, count: Lane, chance: Lane) -> Lane:
    """By three Poisson probabilities (C. Loader, 2000)."""
    parts = log_poisson_mass(k, count * chance) + log_poisson_mass(count - k, count * (1.0 - chance))
    return exp(parts - log_poisson_mass(count, count))


def _start(mean: Lane, deviation: Lane, skewness: Lane, p: Lane) -> Lane:
    z = -math.sqrt(2.0) * erfcinv(2.0 * p)
    return (mean + deviation * (z + skewness * (z * z - 1.0) * (1 / 6))).intrinsic("floor")


def _lower_sum(k: Lane, mass: Lane, ratio: Ratio) -> Lane:
    """The masses of k, k - 1, ..., 0."""

    def step(_: Lane, j: Lane, term: Lane, total: Lane) -> tuple[Lane, Lanes]:
        following = (j > 0.0).where(term / ratio((j > 0.0).where(j, 1.0)), 0.0)
        return following > total * _EPSILON, (j - 1.0, following, total + following)

    return repeat(step, (k, mass, mass), _MOST)[2]


def _upper_sum(k: Lane, mass: Lane, ratio: Ratio) -> Lane:
    """The masses of k, k + 1, ..."""

    def step(_: Lane, j: Lane, term: Lane, total: Lane) -> tuple[Lane, Lanes]:
        following = term * ratio(j + 1.0)
        return following > total * _EPSILON, (j + 1.0, following, total + following)

    return repeat(step, (k, mass, mass), _MOST)[2]


def _walked(start: Lane, excess: Lane, mass: Lane, ratio: Ratio, most: Lane) -> Lane:
    """The least k whose distribution function reaches p; at `start` it exceeds p by `excess`."""

    def down(_: Lane, k: Lane, excess: Lane, mass: Lane) -> tuple[Lane, Lanes]:
        can = (k > 0.0) & (excess >= mass)
        return can, (can.where(k - 1.0, k), excess - mass, mass / ratio((k > 0.0).where(k, 1.0)))

    def up(_: Lane, k: Lane, excess: Lane, mass: Lane) -> tuple[Lane, Lanes]:
        following = mass * ratio(k + 1.0)
        missing = (excess + following < 0.0) & (k + 1.0 < most) & (following > 0.0)
        return missing, (k + 1.0, excess + following, following)

    state = (start, excess, mass)
    is_enough = (excess >= 0.0) | negation(start < most)
    return branch(is_enough, lambda: repeat(down, state, _MOST), lambda: repeat(up, state, _MOST))[0]
