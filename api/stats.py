"""`tapejit.stats`: the usual families of distributions, by the names and parameters of `scipy.stats`.

SciPy's own `scipy.stats.norm.logpdf(x)` converts its arguments instead of asking them: write these.
NumPy arrays give NumPy arrays; inside a trace the density is part of it, with derivatives in the value and in
every parameter. Outside the support it is -inf and the derivatives are 0.

>>> import tapejit as tj
>>> round(float(tj.stats.norm.logpdf(1.0, loc=0.0, scale=2.0)), 6)
-1.737086
>>> float(tj.grad(lambda scale: tj.stats.expon.logpdf(3.0, scale=scale))(2.0))
0.25
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tapejit import linalg, special
from tapejit.density import continuous, discrete
from tapejit.stats_tails import TAILS

_LOG_2PI = math.log(2 * math.pi)
_xlogy, _xlog1py = special.NAMES["xlogy"], special.NAMES["xlog1py"]
_gammaln, _log_ndtr = special.NAMES["gammaln"], special.NAMES["log_ndtr"]
_i0e = special.NAMES["i0e"]


def _betaln(a: Any, b: Any) -> Any:
    return _gammaln(a) + _gammaln(b) - _gammaln(a + b)


def _log_choose(n: Any, k: Any) -> Any:
    return _gammaln(n + 1.0) - _gammaln(k + 1.0) - _gammaln(n - k + 1.0)


# -- Supports and parameters -------------------------------------------------------------------------


def _nowhere(z: Any, *shapes: Any) -> Any:
    return np.zeros(np.shape(z), bool)


def _negative(z: Any, *shapes: Any) -> Any:
    return z < 0.0


def _not_positive(z: Any, *shapes: Any) -> Any:
    return z <= 0.0


def _off_ray(z: Any, *shapes: Any) -> Any:
    return np.logical_or(z < 0.0, np.equal(z, np.inf))


def _off_unit(z: Any, *shapes: Any) -> Any:
    return np.logical_or(z < 0.0, z > 1.0)


def _positive(*shapes: Any) -> Any:
    """Every parameter is positive."""
    result: Any = np.True_
    for shape in shapes:
        result = np.logical_and(result, np.greater(shape, 0.0))
    return result


def _probability(p: Any) -> Any:
    return np.logical_and(np.greater_equal(p, 0.0), np.less_equal(p, 1.0))


# -- Continuous families -----------------------------------------------------------------------------


def _family(
    name: str, density: Any, valid: Any, outside: Any, interior: float, shapes: tuple[str, ...]
) -> type:
    return continuous(name, density, valid, outside, interior, shapes, TAILS.get(name))


def _t(z: Any, df: Any) -> Any:
    norm = _gammaln((df + 1.0) / 2.0) - _gammaln(df / 2.0) - 0.5 * np.log(df * math.pi)
    return norm - (df + 1.0) / 2.0 * np.log1p(z * z / df)


def _f(z: Any, dfn: Any, dfd: Any) -> Any:
    m, n = dfn / 2.0, dfd / 2.0
    return (
        m * np.log(dfn)
        + n * np.log(dfd)
        + _xlogy(m - 1.0, z)
        - (m + n) * np.log(dfd + dfn * z)
        - _betaln(m, n)
    )


def _logistic(z: Any) -> Any:
    size = np.abs(z)
    return -size - 2.0 * np.log1p(np.exp(-size))


def _truncnorm(z: Any, a: Any, b: Any) -> Any:
    """The mass between the bounds is taken in the lower tail, where its logarithm is precise."""
    flipped = np.greater(a, 0.0)
    low, high = _log_ndtr(np.where(flipped, -b, a)), _log_ndtr(np.where(flipped, -a, b))
    return -0.5 * (z * z) - _LOG_2PI / 2 - high - np.log1p(-np.exp(low - high))


def _log_normal(z: Any, s: Any) -> Any:
    log = np.log(z)
    return -0.5 * (log / s) ** 2 - np.log(s) - log - _LOG_2PI / 2


norm = _family("norm", lambda z: -0.5 * (z * z) - _LOG_2PI / 2, _positive, _nowhere, 0.0, ())
cauchy = _family("cauchy", lambda z: -math.log(math.pi) - np.log1p(z * z), _positive, _nowhere, 0.0, ())
laplace = _family("laplace", lambda z: -np.abs(z) - math.log(2), _positive, _nowhere, 0.0, ())
logistic = _family("logistic", _logistic, _positive, _nowhere, 0.0, ())
gumbel_r = _family("gumbel_r", lambda z: -z - np.exp(-z), _positive, _nowhere, 0.0, ())
gumbel_l = _family("gumbel_l", lambda z: z - np.exp(z), _positive, _nowhere, 0.0, ())
t = _family("t", _t, _positive, _nowhere, 0.0, ("df",))
gennorm = _family(
    "gennorm",
    lambda z, beta: np.log(0.5 * beta) - _gammaln(1.0 / beta) - np.abs(z) ** beta,
    _positive, _nowhere, 1.0, ("beta",),
)  # fmt: skip
vonmises = _family(
    "vonmises",
    lambda z, kappa: kappa * (np.cos(z) - 1.0) - _LOG_2PI - np.log(_i0e(kappa)),
    _positive, _nowhere, 0.0, ("kappa",),
)  # fmt: skip
uniform = _family("uniform", lambda z: z * 0.0, _positive, _off_unit, 0.5, ())
expon = _family("expon", lambda z: -z, _positive, _negative, 1.0, ())
halfnorm = _family(
    "halfnorm", lambda z: -0.5 * (z * z) + 0.5 * math.log(2 / math.pi), _positive, _negative, 1.0, ()
)
halfcauchy = _family(
    "halfcauchy", lambda z: math.log(2 / math.pi) - np.log1p(z * z), _positive, _negative, 1.0, ()
)
rayleigh = _family("rayleigh", lambda z: np.log(z) - 0.5 * (z * z), _positive, _off_ray, 1.0, ())
lognorm = _family("lognorm", _log_normal, _positive, _not_positive, 1.0, ("s",))
gamma = _family("gamma", lambda z, a: _xlogy(a - 1.0, z) - z - _gammaln(a), _positive, _negative, 1.0, ("a",))
invgamma = _family(
    "invgamma",
    lambda z, a: -(a + 1.0) * np.log(z) - _gammaln(a) - 1.0 / z,
    _positive, _not_positive, 1.0, ("a",),
)  # fmt: skip
chi2 = _family(
    "chi2",
    lambda z, df: _xlogy(df / 2.0 - 1.0, z) - z / 2.0 - _gammaln(df / 2.0) - (math.log(2) / 2) * df,
    _positive, _negative, 1.0, ("df",),
)  # fmt: skip
weibull_min = _family(
    "weibull_min",
    lambda z, c: np.log(c) + _xlogy(c - 1.0, z) - np.power(z, c),
    _positive, _negative, 1.0, ("c",),
)  # fmt: skip
f = _family("f", _f, _positive, _negative, 1.0, ("dfn", "dfd"))
pareto = _family(
    "pareto", lambda z, b: np.log(b) - (b + 1.0) * np.log(z), _positive, lambda z, b: z < 1.0, 2.0, ("b",)
)
beta = _family(
    "beta",
    lambda z, a, b: _xlog1py(b - 1.0, -z) + _xlogy(a - 1.0, z) - _betaln(a, b),
    _positive, _off_unit, 0.5, ("a", "b"),
)  # fmt: skip
truncnorm = _family(
    "truncnorm", _truncnorm, np.less, lambda z, a, b: np.logical_or(z < a, z > b), 0.0, ("a", "b")
)

# -- Discrete families -------------------------------------------------------------------------------


def _outside_count(k: Any, n: Any, *shapes: Any) -> Any:
    return np.logical_or(k < 0.0, k > n)


bernoulli = discrete(
    "bernoulli", lambda k, p: _xlogy(k, p) + _xlog1py(1.0 - k, -p), _probability, _off_unit, 0, ("p",)
)
binom = discrete(
    "binom",
    lambda k, n, p: _log_choose(n, k) + _xlogy(k, p) + _xlog1py(n - k, -p),
    lambda n, p: np.logical_and(np.greater_equal(n, 0.0), _probability(p)),
    _outside_count, 0, ("n", "p"), TAILS["binom"],
)  # fmt: skip
poisson = discrete(
    "poisson",
    lambda k, mu: _xlogy(k, mu) - _gammaln(k + 1.0) - mu,
    lambda mu: np.greater_equal(mu, 0.0), _negative, 0, ("mu",), TAILS["poisson"],
)  # fmt: skip
geom = discrete(
    "geom",
    lambda k, p: np.log(p) + _xlog1py(k - 1.0, -p),
    lambda p: np.logical_and(np.greater(p, 0.0), _probability(p)),
    lambda k, p: k < 1.0, 1, ("p",), TAILS["geom"],
)  # fmt: skip
nbinom = discrete(
    "nbinom",
    lambda k, n, p: _gammaln(n + k) - _gammaln(n) - _gammaln(k + 1.0) + n * np.log(p) + _xlog1py(k, -p),
    lambda n, p: np.logical_and(_positive(n, p), _probability(p)), _negative, 0, ("n", "p"), TAILS["nbinom"],
)  # fmt: skip
betabinom = discrete(
    "betabinom",
    lambda k, n, a, b: _log_choose(n, k) + _betaln(k + a, n - k + b) - _betaln(a, b),
    lambda n, a, b: np.logical_and(np.greater_equal(n, 0.0), _positive(a, b)),
    _outside_count, 0, ("n", "a", "b"),
)  # fmt: skip

# -- Families of vectors -----------------------------------------------------------------------------


class multivariate_normal:
    """`scipy.stats.multivariate_normal`, with derivatives."""

    @staticmethod
    def logpdf(x: Any, mean: Any, cov: Any) -> Any:
        """Of points x (..., n), with mean (n,) and a positive definite covariance (n, n); one for each point.

        LinAlgError if the covariance is not positive definite.
        """
        factor = np.linalg.cholesky(cov)
        count = factor.shape[-1]
        points = np.reshape(x - mean, (-1, count))
        z = linalg.solve_triangular(factor, np.transpose(points), lower=True)
        volume = np.sum(np.log(np.diagonal(factor)))
        found = -0.5 * np.sum(z * z, axis=0) - volume - 0.5 * count * _LOG_2PI
        return np.reshape(found, np.shape(x)[:-1])


class dirichlet:
    """`scipy.stats.dirichlet`, with derivatives."""

    @staticmethod
    def logpdf(x: Any, alpha: Any) -> Any:
        """Of points on the simplex, x (n,) or, as in SciPy, points in columns (n, m), with alpha (n,).

        That the entries are positive and sum to 1 is not checked.
        """
        powers = np.sum(np.transpose(_xlogy(alpha - 1.0, np.transpose(x))), axis=0)
        return powers + _gammaln(np.sum(alpha)) - np.sum(_gammaln(alpha))


__all__ = [
    "bernoulli", "beta", "betabinom", "binom", "cauchy", "chi2", "dirichlet", "expon", "f", "gamma",
    "gennorm", "geom", "gumbel_l", "gumbel_r", "halfcauchy", "halfnorm", "invgamma", "laplace", "logistic",
    "lognorm", "multivariate_normal", "nbinom", "norm", "pareto", "poisson", "rayleigh", "t", "truncnorm",
    "uniform", "vonmises", "weibull_min",
]  # fmt: skip
