"""What the rows of `ir.discrete_quantile` mean: counts found by bisection of distribution functions."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tapejit.ir import incomplete_gamma_reference as gamma
from tapejit.ir.incomplete_beta_reference import tail
from tapejit.ir.tail_integral import in_blocks


def poisson_quantile(mean: np.ndarray, p: np.ndarray) -> np.ndarray:
    """The least k with at least the probability p of at most k events."""
    return in_blocks(_poisson_quantile, mean, p)


def _poisson_quantile(mean: np.ndarray, p: np.ndarray) -> np.ndarray:
    sensible = (mean >= 0) & (mean < np.inf) & (p >= 0) & (p <= 1)
    usual = sensible & (mean > 0) & (p > 0) & (p < 1)
    mean_, p_ = np.where(usual, mean, 1.0), np.where(usual, p, 0.5)
    reach = np.ceil(mean_ + 12 * np.sqrt(mean_) + 40)
    found = _bisected(lambda k: _poisson_excess(k, mean_, p_), reach)
    edge = np.where((p == 1) & (mean > 0), np.inf, 0.0)
    return np.where(usual, found, np.where(sensible, edge, np.nan))


def _poisson_excess(k: np.ndarray, mean: np.ndarray, p: np.ndarray) -> np.ndarray:
    """The distribution function less p, from the smaller tail."""
    low = p <= 0.5
    lower, upper = (f(k + 1, mean) for f in (gamma.gammaincc, gamma.gammainc))
    return np.where(low, lower - p, (1 - p) - upper)


def binomial_quantile(count: np.ndarray, chance: np.ndarray, p: np.ndarray) -> np.ndarray:
    """The least k with at least the probability p of at most k successes in `count` trials."""
    return in_blocks(_binomial_quantile, count, chance, p)


def _binomial_quantile(count: np.ndarray, chance: np.ndarray, p: np.ndarray) -> np.ndarray:
    is_count = (count >= 0) & (count < 2.0**53) & (np.floor(count) == count)
    sensible = is_count & (chance >= 0) & (chance <= 1) & (p >= 0) & (p <= 1)
    usual = sensible & (count > 0) & (chance > 0) & (chance < 1) & (p > 0) & (p < 1)
    count_, chance_, p_ = (np.where(usual, v, w) for v, w in ((count, 1.0), (chance, 0.5), (p, 0.5)))
    found = _bisected(lambda k: _binomial_excess(k, count_, chance_, p_), count_)
    edge = np.where(((chance == 1) & (p > 0)) | ((p == 1) & (chance > 0)), count, 0.0)
    return np.where(usual, found, np.where(sensible, edge, np.nan))


def _bisected(excess: Callable[[np.ndarray], np.ndarray], reach: np.ndarray) -> np.ndarray:
    """The least whole number from 0 up to `reach` where the excess is not negative."""
    below, above = np.full_like(reach, -1.0), reach
    while np.any(above - below > 1):
        middle = np.floor((below + above) / 2)
        enough = excess(np.maximum(middle, 0.0)) >= 0
        between = above - below > 1
        below = np.where(between & ~enough, middle, below)
        above = np.where(between & enough, middle, above)
    return above


def _binomial_excess(k: np.ndarray, count: np.ndarray, chance: np.ndarray, p: np.ndarray) -> np.ndarray:
    """The distribution function less p, for k < count: integrals over the chance (DLMF 8.17.5)."""
    low = chance * (count + 1) < k + 1
    failures = count - k
    odds = np.log(chance) - np.log1p(-chance)
    inner = np.where(low, tail(k + 1, failures, odds), tail(failures, k + 1, -odds))
    part = np.minimum(inner * failures * chance * _binomial_mass(k, count, chance), 1.0)
    below, above = np.where(low, 1 - part, part), np.where(low, part, 1 - part)
    return np.where(p <= 0.5, below - p, (1 - p) - above)


def _binomial_mass(k: np.ndarray, count: np.ndarray, chance: np.ndarray) -> np.ndarray:
    """By three Poisson probabilities (C. Loader, 2000)."""
    parts = gamma.log_poisson_mass(k, count * chance) + gamma.log_poisson_mass(
        count - k, count * (1 - chance)
    )
    return np.exp(parts - gamma.log_poisson_mass(count, count))
