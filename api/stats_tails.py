"""The distribution functions and quantiles of the families of `tapejit.stats`, on standardised values.

Formulas are those of N. Johnson, S. Kotz, N. Balakrishnan, "Continuous Univariate Distributions" (1994,
1995). Both tails are stated apart, each in the form that keeps its relative precision.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tapejit import special
from tapejit.random_count import counts_of
from tapejit.stats_beta_tails import BETA_TAILS
from tapejit.stats_interval_tails import INTERVAL_TAILS
from tapejit.tails import Tails
from tapejit.tracer.surface.count import poisson_quantile

_expit, _logit, _softplus = special.NAMES["expit"], special.NAMES["logit"], special.NAMES["softplus"]
_ndtr, _ndtri, _log_ndtr = special.NAMES["ndtr"], special.NAMES["ndtri"], special.NAMES["log_ndtr"]
_erf, _erfc = special.NAMES["erf"], special.NAMES["erfc"]
_erfinv, _erfcinv = special.NAMES["erfinv"], special.NAMES["erfcinv"]
_low, _high = special.NAMES["gammainc"], special.NAMES["gammaincc"]
_low_inverse, _high_inverse = special.NAMES["gammaincinv"], special.NAMES["gammainccinv"]
_ROOT_2 = math.sqrt(2.0)


def _tail_log(q: Any) -> Any:
    """-log of the probability above, given that below."""
    return -np.log1p(-q)


def _laplace_below(z: Any) -> Any:
    half = 0.5 * np.exp(-np.abs(z))
    return np.where(z < 0.0, half, 1.0 - half)


def _laplace_quantile(q: Any) -> Any:
    return np.where(q < 0.5, np.log(2.0 * q), -np.log(2.0 * (1.0 - q)))


def _tangent(q: Any) -> Any:
    """tan(pi (q - 1/2)), by the angle from the nearer pole."""
    size = 1.0 / np.tan(math.pi * np.minimum(q, 1.0 - q))
    return np.where(q < 0.5, -size, size)


def _half_tangent(q: Any) -> Any:
    """tan(pi q / 2), by the angle from the pole where that is nearer."""
    near = q > 0.5
    angle = np.tan((math.pi / 2) * np.where(near, 1.0 - q, q))
    return np.where(near, 1.0 / np.where(near, angle, 1.0), angle)


def _gennorm_below(z: Any, beta: Any) -> Any:
    half = 0.5 * _high(1.0 / beta, np.abs(z) ** beta)
    return np.where(z < 0.0, half, 1.0 - half)


def _gennorm_quantile(q: Any, beta: Any) -> Any:
    size = _high_inverse(1.0 / beta, 2.0 * np.minimum(q, 1.0 - q)) ** (1.0 / beta)
    return np.where(q < 0.5, -size, size)


def _poisson_quantile(q: Any, mu: Any) -> Any:
    return np.where(q > 0.0, counts_of(poisson_quantile, mu, q), -1.0)


def _geometric_quantile(q: Any, p: Any) -> Any:
    """The least k with at least q at or below it: the quotient, or one less where that was rounded up."""
    rate = np.log1p(-p)
    count = np.ceil(np.log1p(-q) / rate)
    return np.where(-np.expm1((count - 1.0) * rate) >= q, count - 1.0, count)


TAILS: dict[str, Tails] = {
    **BETA_TAILS,
    **INTERVAL_TAILS,
    "norm": Tails(
        _ndtr, lambda z: _ndtr(-z), _ndtri, lambda q: -_ndtri(q), _log_ndtr, lambda z: _log_ndtr(-z)
    ),
    "cauchy": Tails(
        lambda z: np.arctan2(1.0, -z) / math.pi,
        lambda z: np.arctan2(1.0, z) / math.pi,
        _tangent,
        lambda q: -_tangent(q),
    ),
    "laplace": Tails(
        _laplace_below, lambda z: _laplace_below(-z), _laplace_quantile, lambda q: -_laplace_quantile(q)
    ),
    "logistic": Tails(
        _expit, lambda z: _expit(-z), _logit, lambda q: -_logit(q),
        lambda z: -_softplus(-z), lambda z: -_softplus(z),
    ),
    "gumbel_r": Tails(
        lambda z: np.exp(-np.exp(-z)), lambda z: -np.expm1(-np.exp(-z)),
        lambda q: -np.log(-np.log(q)), lambda q: -np.log(_tail_log(q)),
        logcdf=lambda z: -np.exp(-z),
    ),
    "gumbel_l": Tails(
        lambda z: -np.expm1(-np.exp(z)), lambda z: np.exp(-np.exp(z)),
        lambda q: np.log(_tail_log(q)), lambda q: np.log(-np.log(q)),
        logsf=lambda z: -np.exp(z),
    ),
    "gennorm": Tails(
        _gennorm_below, lambda z, beta: _gennorm_below(-z, beta),
        _gennorm_quantile, lambda q, beta: -_gennorm_quantile(q, beta),
    ),
    "uniform": Tails(lambda z: z, lambda z: 1.0 - z, lambda q: q * 1.0, lambda q: 1.0 - q),
    "expon": Tails(
        lambda z: -np.expm1(-z), lambda z: np.exp(-z), _tail_log, lambda q: -np.log(q), logsf=lambda z: -z
    ),
    "halfnorm": Tails(
        lambda z: _erf(z / _ROOT_2), lambda z: _erfc(z / _ROOT_2),
        lambda q: _ROOT_2 * _erfinv(q), lambda q: _ROOT_2 * _erfcinv(q),
    ),
    "halfcauchy": Tails(
        lambda z: (2 / math.pi) * np.arctan(z), lambda z: (2 / math.pi) * np.arctan2(1.0, z),
        _half_tangent, lambda q: 1.0 / np.tan((math.pi / 2) * q),
    ),
    "rayleigh": Tails(
        lambda z: -np.expm1(-0.5 * z * z), lambda z: np.exp(-0.5 * z * z),
        lambda q: np.sqrt(2.0 * _tail_log(q)), lambda q: np.sqrt(-2.0 * np.log(q)),
        logsf=lambda z: -0.5 * z * z,
    ),
    "lognorm": Tails(
        lambda z, s: _ndtr(np.log(z) / s), lambda z, s: _ndtr(-np.log(z) / s),
        lambda q, s: np.exp(s * _ndtri(q)), lambda q, s: np.exp(-s * _ndtri(q)),
        lambda z, s: _log_ndtr(np.log(z) / s), lambda z, s: _log_ndtr(-np.log(z) / s),
    ),
    "gamma": Tails(
        lambda z, a: _low(a, z), lambda z, a: _high(a, z),
        lambda q, a: _low_inverse(a, q), lambda q, a: _high_inverse(a, q),
    ),
    "invgamma": Tails(
        lambda z, a: _high(a, 1.0 / z), lambda z, a: _low(a, 1.0 / z),
        lambda q, a: 1.0 / _high_inverse(a, q), lambda q, a: 1.0 / _low_inverse(a, q),
    ),
    "chi2": Tails(
        lambda z, df: _low(0.5 * df, 0.5 * z), lambda z, df: _high(0.5 * df, 0.5 * z),
        lambda q, df: 2.0 * _low_inverse(0.5 * df, q), lambda q, df: 2.0 * _high_inverse(0.5 * df, q),
    ),
    "weibull_min": Tails(
        lambda z, c: -np.expm1(-np.power(z, c)), lambda z, c: np.exp(-np.power(z, c)),
        lambda q, c: np.power(_tail_log(q), 1.0 / c), lambda q, c: np.power(-np.log(q), 1.0 / c),
        logsf=lambda z, c: -np.power(z, c),
    ),
    "pareto": Tails(
        lambda z, b: -np.expm1(-b * np.log(z)), lambda z, b: np.exp(-b * np.log(z)),
        lambda q, b: np.exp(_tail_log(q) / b), lambda q, b: np.exp(-np.log(q) / b),
        logsf=lambda z, b: -b * np.log(z),
    ),
    "poisson": Tails(
        lambda k, mu: _high(k + 1.0, mu), lambda k, mu: _low(k + 1.0, mu),
        _poisson_quantile, lambda q, mu: _poisson_quantile(1.0 - q, mu),
    ),
    "geom": Tails(
        lambda k, p: -np.expm1(k * np.log1p(-p)), lambda k, p: np.exp(k * np.log1p(-p)),
        _geometric_quantile, lambda q, p: _geometric_quantile(1.0 - q, p),
        logsf=lambda k, p: k * np.log1p(-p),
    ),
}  # fmt: skip
