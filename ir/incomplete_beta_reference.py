"""What the rows of `ir.incomplete_beta` mean: the beta distribution function and its inverse, by quadrature.

The density is that of the log odds y of x, x**a (1 - x)**b / B(a, b); integrals are divided by it
(DLMF 8.17). The smaller of both sides is integrated, outwards from y.
"""

from __future__ import annotations

import numpy as np

from tapejit.ir import special_reference as reference
from tapejit.ir.incomplete_gamma_reference import log_poisson_mass
from tapejit.ir.mixed_derivative import over_density, slopes
from tapejit.ir.tail_integral import in_blocks, outwards

_STEPS = 60
_NOTHING, _CLOSE = -50.0, 1e-9
_APART = 3.0  # log odds, for scales of 1, from which small parameters are integrated on their own side


def expit(y: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-y))


def log_density(a: np.ndarray, b: np.ndarray, x: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """Of the log odds, where rest = 1 - x, by three Poisson probabilities (C. Loader, 2000)."""
    n = a + b
    parts = log_poisson_mass(a, n * x) + log_poisson_mass(b, n * rest) - log_poisson_mass(n, n)
    return parts + np.log(a) + np.log(b / n)


def tail(a: np.ndarray, b: np.ndarray, y: np.ndarray, n: int = 0, m: int = 0) -> np.ndarray:
    """The integral below y of the n-th derivative in a of the m-th in b of the density, over the density."""
    x, rest = expit(y), expit(-y)
    a_, b_, y_, x_, rest_ = (v[:, None] for v in (a, b, y, x, rest))

    def integrand(s: np.ndarray) -> np.ndarray:
        fall, share = x_ * np.expm1(-s), rest_ + x_ * np.exp(-s)
        of_rest = -np.where(fall < -0.5, np.log(share), np.log1p(fall))  # log of (1 - t) / (1 - x)
        of_x = -np.where(s < 1, np.log1p(rest_ * np.expm1(np.minimum(s, 1.0))), s - of_rest)  # log t / x
        value = np.exp(a_ * of_x + b_ * of_rest)
        if not n + m:
            return value
        log_t, log_rest = of_x - np.log1p(np.exp(-y_)), of_rest - np.log1p(np.exp(y_))
        return value * over_density(slopes(log_t, log_rest, psi), n, m)

    of = {"a": a_, "b": b_, "sum": a_ + b_}

    def psi(which: str, k: int) -> np.ndarray:
        return reference.polygamma(of[which], n=k) if k else reference.digamma(of[which])

    drift, spread = np.maximum(a * rest - b * x, 0.0), np.sqrt(np.minimum((a + b) * x * rest, a))
    rate = np.where(a < 1, a, drift + spread)
    return outwards(integrand, 1 / rate)


def _side(a: np.ndarray, b: np.ndarray, y: np.ndarray, n: int, m: int) -> tuple[np.ndarray, np.ndarray]:
    """Whether it is the lower integral, and that derivative of it over the density."""
    low = (y < reference.digamma(a) - reference.digamma(b)) | ((y < -_APART - np.log1p(b)) & (a < 1))
    low &= ~((y > _APART + np.log1p(a)) & (b < 1))
    found = np.empty_like(y)
    found[low] = tail(a[low], b[low], y[low], n, m)
    found[~low] = tail(b[~low], a[~low], -y[~low], m, n)
    return low, found


def _atoms(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of parameters of 0 or infinity: whether all probability is at 0, at 1, and whether that is known."""
    at_zero, at_one = (a == 0) | (b == np.inf), (b == 0) | (a == np.inf)
    return at_zero, at_one, (a >= 0) & (b >= 0) & ~(at_zero & at_one)


def _both(a: np.ndarray, b: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The lower and the upper integral, normalised: their sum is 1."""
    finite = (a > 0) & (b > 0) & (a < np.inf) & (b < np.inf)
    inside = finite & (x > 0) & (x < 1)
    a_, b_, x_ = (np.where(inside, v, w) for v, w in ((a, 1.0), (b, 1.0), (x, 0.5)))
    low, ratio = _side(a_, b_, np.log(x_) - np.log1p(-x_), 0, 0)
    part = np.minimum(ratio * np.exp(log_density(a_, b_, x_, 1 - x_)), 1.0)
    at_zero, at_one, known = _atoms(a, b)
    edge = np.where(at_zero, 1.0 * (x > 0), np.where(at_one, 1.0 * (x == 1), x))
    edge = np.where(known & (x >= 0) & (x <= 1), edge, np.nan)
    below = np.where(inside, np.where(low, part, 1 - part), edge)
    above = np.where(inside, np.where(low, 1 - part, part), 1 - edge)
    return below, above


def betainc(a: np.ndarray, b: np.ndarray, x: np.ndarray) -> np.ndarray:
    return in_blocks(lambda *xs: _both(*xs)[0], a, b, x)


def betaincc(a: np.ndarray, b: np.ndarray, x: np.ndarray) -> np.ndarray:
    return in_blocks(lambda *xs: _both(*xs)[1], a, b, x)


def beta_density(a: np.ndarray, b: np.ndarray, x: np.ndarray) -> np.ndarray:
    """x**(a - 1) (1 - x)**(b - 1) / B(a, b)."""
    return in_blocks(_density, a, b, x)


def _density(a: np.ndarray, b: np.ndarray, x: np.ndarray) -> np.ndarray:
    at_zero, at_one, known = _atoms(a, b)
    sensible, spread_out = known & (x >= 0) & (x <= 1), known & ~at_zero & ~at_one
    inside = sensible & spread_out & (x > 0) & (x < 1)
    a_, b_, x_ = (np.where(inside, v, w) for v, w in ((a, 1.0), (b, 1.0), (x, 0.5)))
    found = np.exp(log_density(a_, b_, x_, 1 - x_) - np.log(x_) - np.log1p(-x_))
    near, other = np.where(x == 0, a, b), np.where(x == 0, b, a)
    edge = np.where(near == 1, other, np.where(near < 1, np.inf, 0.0))
    atom = np.where(at_zero, x == 0, x == 1)
    edge = np.where(spread_out, edge, np.where(atom, np.inf, 0.0))
    return np.where(inside, found, np.where(sensible, edge, np.nan))


def betainc_ratio(a: np.ndarray, b: np.ndarray, y: np.ndarray, *, orders: int) -> np.ndarray:
    """That derivative of the lower integral up to log odds y, over the density of y."""
    n, m = divmod(orders, 10)

    def of_rows(a: np.ndarray, b: np.ndarray, y: np.ndarray) -> np.ndarray:
        sensible = (a > 0) & (b > 0) & (a < np.inf) & (b < np.inf) & (np.abs(y) < np.inf)
        a_, b_, y_ = (np.where(sensible, v, w) for v, w in ((a, 1.0), (b, 1.0), (y, 0.0)))
        low, ratio = _side(a_, b_, y_, n, m)
        at_zero, at_one, known = _atoms(a, b)
        moves = (a == 0) & (n > 0) | (b == 0) & (m > 0)  # there a slope has one side
        limit = np.where(known & (at_zero | at_one) & ~moves & (np.abs(y) < np.inf), 0.0, np.nan)
        return np.where(sensible, np.where(low, ratio, -ratio), limit)

    return in_blocks(of_rows, a, b, y)


def betaincinv(a: np.ndarray, b: np.ndarray, p: np.ndarray) -> np.ndarray:
    return in_blocks(lambda a, b, p: expit(_log_odds(a, b, p, 1 - p)), a, b, p)


def betainccinv(a: np.ndarray, b: np.ndarray, q: np.ndarray) -> np.ndarray:
    return in_blocks(lambda a, b, q: expit(_log_odds(a, b, 1 - q, q)), a, b, q)


def _log_odds(a: np.ndarray, b: np.ndarray, p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Newton's method on the log of the smaller of p and q: concave in y, it converges from anywhere."""
    finite = (a > 0) & (b > 0) & (a < np.inf) & (b < np.inf)
    inside = finite & (p > 0) & (q > 0)
    a_, b_, p_, q_ = (np.where(inside, v, w) for v, w in ((a, 1.0), (b, 1.0), (p, 0.5), (q, 0.5)))
    half = np.full_like(a_, 0.5)
    constant = (a_ + b_) * np.log(0.5) - log_density(a_, b_, half, half)  # log B(a, b)
    low, high = (np.log(p_) + np.log(a_) + constant) / a_, -(np.log(q_) + np.log(b_) + constant) / b_
    y = np.where(low < _NOTHING, low, np.where(high > -_NOTHING, high, np.log(a_) - np.log(b_)))
    moving = np.flatnonzero((low >= _NOTHING) & (high <= -_NOTHING))
    for _ in range(_STEPS):
        step = _newton_step(*(v[moving] for v in (a_, b_, y, p_, q_)))
        y[moving] += step
        moving = moving[np.abs(step) * (1 + np.sqrt(np.minimum(a_, b_)[moving])) > _CLOSE]
        if not moving.size:
            break
    edge = np.where(p == 0, -np.inf, np.where(q == 0, np.inf, np.nan))
    return np.where(inside, y, np.where(finite, edge, np.nan))


def _newton_step(a: np.ndarray, b: np.ndarray, y: np.ndarray, p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """log(goal / found) * found / density, on the side of the smaller goal."""
    low, ratio = _side(a, b, y, 0, 0)
    log_f = log_density(a, b, expit(y), expit(-y))
    by_lower = p <= 0.5
    other = np.maximum((1 - ratio * np.exp(log_f)) * np.exp(-log_f), 0.0)
    found = np.where(low == by_lower, ratio, other)
    step = (np.log(np.where(by_lower, p, q)) - np.log(found) - log_f) * found
    return np.clip(np.where(by_lower, step, -step), -3.0, 3.0)
