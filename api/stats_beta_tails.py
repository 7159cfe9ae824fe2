"""The distribution functions and quantiles that the incomplete beta function gives, on standardised values.

Formulas are those of DLMF 8.17 and of N. Johnson, S. Kotz, N. Balakrishnan, "Continuous Univariate
Distributions" (1995). Of x and 1 - x = 1 / (1 + odds) the smaller one is the operand, which keeps the
relative precision of both tails.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tapejit import special
from tapejit.random_count import counts_of
from tapejit.tails import Tails
from tapejit.tracer.surface.count import binomial_quantile

_low, _high = special.NAMES["betainc"], special.NAMES["betaincc"]
_low_inverse, _high_inverse = special.NAMES["betaincinv"], special.NAMES["betainccinv"]


def _split(odds: Any) -> tuple[Any, Any, Any]:
    """Whether x is the smaller one, x, and 1 - x; where it is not what is asked for, a third."""
    near = odds < 1.0
    small, large = np.where(near, odds, 0.5), np.where(near, 2.0, odds)
    return near, small / (1.0 + small), 1.0 / (1.0 + large)


def _below(odds: Any, a: Any, b: Any) -> Any:
    """The probability that x / (1 - x) is less."""
    near, x, rest = _split(odds)
    return np.where(near, _low(a, b, x), _high(b, a, rest))


def _above(odds: Any, a: Any, b: Any) -> Any:
    near, x, rest = _split(odds)
    return np.where(near, _high(a, b, x), _low(b, a, rest))


def _joined(near: Any, x: Any, rest: Any) -> Any:
    return np.where(near, x, 1.0 - rest) / np.where(near, 1.0 - x, rest)


def _odds_below(q: Any, a: Any, b: Any) -> Any:
    """The inverse of `_below`."""
    near = q < _low(a, b, 0.5)
    x, rest = _low_inverse(a, b, np.where(near, q, 0.5)), _high_inverse(b, a, np.where(near, 0.5, q))
    return _joined(near, x, rest)


def _odds_above(q: Any, a: Any, b: Any) -> Any:
    near = q > _high(a, b, 0.5)
    x, rest = _high_inverse(a, b, np.where(near, q, 0.5)), _low_inverse(b, a, np.where(near, 0.5, q))
    return _joined(near, x, rest)


def _t_below(z: Any, df: Any) -> Any:
    """With odds df / (|z| + sqrt(z**2 + df))**2, which are smooth at 0."""
    size = np.where(z < 0.0, -z, z)
    root = size + np.sqrt(size * size + df)
    half = _low(0.5 * df, 0.5 * df, df / (df + root * root))
    return np.where(z < 0.0, half, 1.0 - half)


def _t_quantile(q: Any, df: Any) -> Any:
    x = _low_inverse(0.5 * df, 0.5 * df, np.where(q < 0.5, q, 1.0 - q))
    size = (0.5 - x) * np.sqrt(df / (x * (1.0 - x)))
    return np.where(q < 0.5, -size, size)


def _at_most(k: Any, n: Any, p: Any) -> Any:
    """The probability of at most k successes (DLMF 8.17.5); all of n are no integral."""
    every = k >= n
    return np.where(every, 1.0, _high(k + 1.0, np.where(every, 1.0, n - k), p))


def _more(k: Any, n: Any, p: Any) -> Any:
    every = k >= n
    return np.where(every, 0.0, _low(k + 1.0, np.where(every, 1.0, n - k), p))


def _successes(q: Any, n: Any, p: Any) -> Any:
    return np.where(q > 0.0, counts_of(binomial_quantile, n, p, q), -1.0)


BETA_TAILS: dict[str, Tails] = {
    "beta": Tails(
        lambda z, a, b: _low(a, b, z), lambda z, a, b: _high(a, b, z),
        lambda q, a, b: _low_inverse(a, b, q), lambda q, a, b: _high_inverse(a, b, q),
    ),
    "t": Tails(
        _t_below, lambda z, df: _t_below(-z, df), _t_quantile, lambda q, df: -_t_quantile(q, df)
    ),
    "f": Tails(
        lambda z, dfn, dfd: _below(z * (dfn / dfd), 0.5 * dfn, 0.5 * dfd),
        lambda z, dfn, dfd: _above(z * (dfn / dfd), 0.5 * dfn, 0.5 * dfd),
        lambda q, dfn, dfd: _odds_below(q, 0.5 * dfn, 0.5 * dfd) * (dfd / dfn),
        lambda q, dfn, dfd: _odds_above(q, 0.5 * dfn, 0.5 * dfd) * (dfd / dfn),
    ),
    "binom": Tails(_at_most, _more, _successes, lambda q, n, p: _successes(1.0 - q, n, p)),
    "nbinom": Tails(
        lambda k, n, p: _low(n, k + 1.0, p), lambda k, n, p: _high(n, k + 1.0, p)
    ),
}  # fmt: skip
