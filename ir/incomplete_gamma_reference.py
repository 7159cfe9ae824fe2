"""What the rows of `ir.incomplete_gamma` mean: the gamma distribution function and its inverse, by
quadrature.

The density is that of y = log x, exp(a y - exp(y)) / gamma(a); integrals are divided by it, so that nothing
under- or overflows on the way. Below the sign change of log t - digamma(a) the lower integral is taken, above
it the upper one, so that the first derivative in a has no cancellation. Formulas of DLMF 8.2 differentiated
under the integral.
"""

from __future__ import annotations

import numpy as np

from tapejit.ir import special_reference as reference
from tapejit.ir.tail_integral import in_blocks, moments, outwards

_LARGE = 10.0
_STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156, -3617 / 122400)
_STEPS = 60
_NOTHING, _CLOSE = -50.0, 1e-9


def stirling_rest(a: np.ndarray) -> np.ndarray:
    """log gamma(a) - ((a - 1/2) log a - a + log(2 pi) / 2) for a >= 10 (DLMF 5.11.1)."""
    return np.polyval(_STIRLING[::-1], 1 / (a * a)) / a


def deviance(x: np.ndarray, a: np.ndarray) -> np.ndarray:
    """u - log(1 + u) for u = (x - a) / a, in long double."""
    wide = np.asarray(x, np.longdouble)
    u = (wide - a) / a
    return np.asarray(u - np.where(u < -0.5, np.log(wide / a), np.log1p(u)), np.float64)


def log_poisson_mass(a: np.ndarray, x: np.ndarray) -> np.ndarray:
    """log(x**a exp(-x) / gamma(a + 1)), for large a by the deviance of x from a.

    C. Loader, "Fast and accurate computation of binomial probabilities", 2000.
    """
    is_large = a > _LARGE
    large, small = np.where(is_large, a, _LARGE), np.where(is_large, 0.0, a)
    far = -large * deviance(x, large) - stirling_rest(large) - 0.5 * np.log(2 * np.pi * large)
    near = reference.xlogy(small, x) - x - _log_gamma(np.where(is_large, 99.0, small + 1))
    found = np.where(x == np.inf, -np.inf, np.where(is_large, far, near))
    return np.where((a > -1) & (x >= 0), found, np.nan)


def _log_gamma(a: np.ndarray) -> np.ndarray:
    """Element by element, but for large elements."""
    large = np.where(a > _LARGE, a, _LARGE)
    found = (large - 0.5) * np.log(large) - large + 0.5 * np.log(2 * np.pi) + stirling_rest(large)
    few = ~(a > _LARGE)
    found[few] = [reference.log_gamma(v) for v in a[few]]
    return found


def poisson_mass(a: np.ndarray, x: np.ndarray) -> np.ndarray:
    """x**a exp(-x) / gamma(a + 1)."""
    return in_blocks(lambda a, x: np.exp(log_poisson_mass(a, x)), a, x)


def _lower(a: np.ndarray, y: np.ndarray, slopes: list[np.ndarray], n: int) -> np.ndarray:
    """The lower integral over t = exp(y - s)."""
    x = np.exp(y)
    a_, y_, x_ = (v[:, None] for v in (a, y, x))

    def integrand(s: np.ndarray) -> np.ndarray:
        first = [y_ - s - slopes[0][:, None], *(-p[:, None] for p in slopes[1:])]
        return np.exp(-a_ * s - x_ * np.expm1(-s)) * moments(first, n)

    rate = np.where(a < 1, a, np.maximum(a - x, 0.0) + np.sqrt(np.minimum(x, a)))
    return outwards(integrand, 1 / rate)


def _upper(a: np.ndarray, y: np.ndarray, slopes: list[np.ndarray], n: int) -> np.ndarray:
    """The upper integral over t = exp(y) + s."""
    x = np.exp(y)
    a_, y_, x_ = (v[:, None] for v in (a, y, x))

    def integrand(s: np.ndarray) -> np.ndarray:
        ratio = np.log1p(s / x_)
        first = [y_ + ratio - slopes[0][:, None], *(-p[:, None] for p in slopes[1:])]
        return np.exp((a_ - 1) * ratio - s) / x_ * moments(first, n)

    rate = np.clip(1 - (a - 1) / x, 0.0, 1.0) + np.sqrt(np.maximum(a - 1, 0.0)) / x
    return outwards(integrand, 1 / rate)


def _side(a: np.ndarray, y: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Which integral is taken (True: the lower one), and its n-th derivative in a over the density."""
    slopes = [reference.digamma(a), *(reference.polygamma(a, n=k) for k in range(1, max(n, 1)))]
    low = (y < slopes[0]) | ((y < -3) & (a < 1))
    found = np.empty_like(a)
    for side, integral in ((low, _lower), (~low, _upper)):
        found[side] = integral(a[side], y[side], [v[side] for v in slopes], n)
    return low, found


def _both(a: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The lower and the upper integral, normalised: their sum is 1."""
    inside = (x > 0) & (x < np.inf) & (a > 0) & (a < np.inf)
    a_, x_ = np.where(inside, a, 1.0), np.where(inside, x, 1.0)
    low, ratio = _side(a_, np.log(x_), 0)
    part = np.minimum(ratio * a_ * np.exp(log_poisson_mass(a_, x_)), 1.0)
    senseless = ~((a >= 0) & (x >= 0)) | ((a == 0) & (x == 0)) | ((a == np.inf) & (x == np.inf))
    below = np.where(inside, np.where(low, part, 1 - part), (a == 0) | (x == np.inf))
    above = np.where(inside, np.where(low, 1 - part, part), (a > 0) & (x < np.inf))
    return np.where(senseless, np.nan, below), np.where(senseless, np.nan, above)


def gammainc(a: np.ndarray, x: np.ndarray) -> np.ndarray:
    return in_blocks(lambda a, x: _both(a, x)[0], a, x)


def gammaincc(a: np.ndarray, x: np.ndarray) -> np.ndarray:
    return in_blocks(lambda a, x: _both(a, x)[1], a, x)


def gammainc_ratio(a: np.ndarray, y: np.ndarray, *, n: int) -> np.ndarray:
    """The n-th derivative in a of gammainc(a, exp(y)), n > 0, over the density of y."""

    def of_rows(a: np.ndarray, y: np.ndarray) -> np.ndarray:
        sensible = (a > 0) & (a < np.inf) & (y < np.inf)
        low, ratio = _side(np.where(sensible, a, 1.0), np.where(sensible, y, 0.0), n)
        return np.where(sensible, np.where(low, ratio, -ratio), np.nan)

    return in_blocks(of_rows, a, y)


def log_gammaincinv(a: np.ndarray, p: np.ndarray) -> np.ndarray:
    """The y with gammainc(a, exp(y)) = p."""
    return in_blocks(lambda a, p: _log_inverse(a, p, 1 - p), a, p)


def gammaincinv(a: np.ndarray, p: np.ndarray) -> np.ndarray:
    return in_blocks(lambda a, p: np.exp(_log_inverse(a, p, 1 - p)), a, p)


def gammainccinv(a: np.ndarray, q: np.ndarray) -> np.ndarray:
    return in_blocks(lambda a, q: np.exp(_log_inverse(a, 1 - q, q)), a, q)


def _log_inverse(a: np.ndarray, p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Newton's method on the log of the smaller of p and q: concave in y, it converges from anywhere."""
    inside = (a > 0) & (a < np.inf) & (p > 0) & (q > 0)
    a_, p_, q_ = (np.where(inside, v, w) for v, w in ((a, 1.0), (p, 0.5), (q, 0.5)))
    tail = (np.log(p_) + _log_gamma(a_ + 1)) / a_  # where exp(y) is nothing beside 1 (DLMF 8.7.1)
    y = np.where(
        tail < _NOTHING, tail, np.minimum(np.maximum(tail, np.log(a_) - 20 / np.sqrt(a_)), np.log(a_ + 1))
    )
    moving = np.flatnonzero(tail >= _NOTHING)
    for _ in range(_STEPS):
        step = _newton_step(*(v[moving] for v in (a_, y, p_, q_)))
        y[moving] += step
        moving = moving[np.abs(step) * np.sqrt(1 + a_[moving]) > _CLOSE]
        if not moving.size:
            break
    edge = np.where(p == 0, -np.inf, np.where(q == 0, np.inf, np.nan))
    return np.where(inside, y, np.where((a > 0) & (a < np.inf), edge, np.nan))


def _newton_step(a: np.ndarray, y: np.ndarray, p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """log(goal / found) * found / density, on the side of the smaller goal."""
    low, ratio = _side(a, y, 0)
    log_density = np.log(a) + log_poisson_mass(a, np.exp(y))
    by_lower = p <= 0.5
    other = np.maximum((1 - ratio * np.exp(log_density)) * np.exp(-log_density), 0.0)
    found = np.where(low == by_lower, ratio, other)
    step = (np.log(np.where(by_lower, p, q)) - np.log(found) - log_density) * found
    return np.clip(np.where(by_lower, step, -step), -3.0, 3.0)
