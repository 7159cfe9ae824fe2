"""Quantiles of distributions of counts, which draws are made of."""

from __future__ import annotations

from typing import Any

import numpy as np

from tapejit.ir import discrete_quantile as rows
from tapejit.ir.builder import Var
from tapejit.tracer.operation import Operand, aligned, float_dtype
from tapejit.tracer.surface.function import traced
from tapejit.tracer.surface.scipy_function import by_name


def _least(above: Any, distribution: Any, p: Any) -> Any:
    """The least count: the one that SciPy's continuous inverse is below, or the one before it."""
    count = np.ceil(above)
    before = np.maximum(count - 1.0, 0.0)
    return np.where(distribution(before) >= p, before, count)


def _is_probability(p: Any) -> Any:
    return np.greater_equal(p, 0.0) & np.less_equal(p, 1.0)


def _numpy_poisson(mean: Any, p: Any) -> Any:
    with np.errstate(all="ignore"):
        positive = np.where(np.greater(mean, 0.0), mean, 1.0)
        found = _least(by_name("pdtrik")(p, positive), lambda k: by_name("pdtr")(k, positive), p)
        found = np.where(np.equal(p, 1.0), np.inf, np.where(np.equal(p, 0.0), 0.0, found))
        sensible = _is_probability(p) & np.greater_equal(mean, 0.0) & np.isfinite(mean)
        return np.where(sensible, np.where(np.equal(mean, 0.0), 0.0, found), np.nan)


@traced(name="poisson_quantile", numpy=_numpy_poisson)
def poisson_quantile(mean: Operand, p: Operand) -> Var:
    """The least count with at least the probability `p` at or below it."""
    return rows.poisson_quantile(*aligned(mean, p, dtype=float_dtype(mean, p)))


def _numpy_binomial(count: Any, chance: Any, p: Any) -> Any:
    with np.errstate(all="ignore"):
        count, chance = np.asarray(count, float), np.asarray(chance, float)
        is_count = (count >= 0) & (count < 2.0**53) & (np.floor(count) == count)
        sensible = is_count & _is_probability(chance) & _is_probability(p)
        usual = sensible & (count > 0) & (chance > 0) & (chance < 1) & np.greater(p, 0) & np.less(p, 1)
        n, q = np.where(usual, count, 1.0), np.where(usual, chance, 0.5)
        above, whole = by_name("bdtrik")(p, n, q), n.astype(np.int64)
        found = np.minimum(_least(above, lambda k: by_name("bdtr")(k, whole, q), p), n)
        is_all = (np.equal(chance, 1) & np.greater(p, 0)) | (np.equal(p, 1) & (chance > 0))
        return np.where(usual, found, np.where(sensible, np.where(is_all, count, 0.0), np.nan))


@traced(name="binomial_quantile", numpy=_numpy_binomial)
def binomial_quantile(count: Operand, chance: Operand, p: Operand) -> Var:
    """The least number of successes in `count` trials with at least the probability `p` at or below it."""
    operands = aligned(count, chance, p, dtype=float_dtype(count, chance, p))
    return rows.binomial_quantile(*operands)
