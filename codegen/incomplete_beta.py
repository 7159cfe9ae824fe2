"""The incomplete beta functions, their derivatives in the parameters, and their inverses.

Values are continued fractions over the density of the log odds (`_fraction`), derivatives in the parameters
integrals by quadrature (`_integral`), inverses are found by Newton's method in the log odds.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from tapejit.codegen.deviance import log_poisson_mass
from tapejit.codegen.lane import Lane
from tapejit.codegen.lane_control import Lanes, branch, called, negation, repeat
from tapejit.codegen.node import spread, sum_over_nodes
from tapejit.codegen.quantile import by_newton
from tapejit.codegen.vector_exponential import exp, expm1
from tapejit.codegen.vector_gamma import digamma
from tapejit.codegen.vector_inverse_error import erfcinv
from tapejit.codegen.vector_logarithm import log, log1p
from tapejit.codegen.vector_polygamma import polygamma
from tapejit.ir.mixed_derivative import over_density, slopes

_EPSILON = 1e-17
_MOST = 20_000  # steps of a fraction
_APART, _LITTLE = 3.0, 0.05  # log odds, and about the share, where small parameters end a side of their own
_NOTHING = -45.0  # exp of it is nothing beside 1
_STEP, _REACH = 1 / 16, 4.5  # of the trapezoidal rule
_NODES = int(2 * _REACH / _STEP)


def betainc(a: Lane, b: Lane, x: Lane) -> Lane:
    """The lower function, normalised; NaN outside of its domain (`_atoms` says what its limits are)."""
    return _in_double("tapejit_betainc", lambda *xs: _distribution(*xs, lower=True), a, b, x)


def betaincc(a: Lane, b: Lane, x: Lane) -> Lane:
    """The upper function: 1 - betainc without cancellation."""
    return _in_double("tapejit_betaincc", lambda *xs: _distribution(*xs, lower=False), a, b, x)


def beta_density(a: Lane, b: Lane, x: Lane) -> Lane:
    """x**(a - 1) (1 - x)**(b - 1) / B(a, b)."""
    return _in_double("tapejit_beta_density", _density, a, b, x)


def betainc_ratio(a: Lane, b: Lane, y: Lane, orders: int) -> Lane:
    """The derivative of order 10 n + m, n in a, m in b, of betainc at log odds y, over the density of y."""
    n, m = divmod(orders, 10)
    return _in_double(f"tapejit_betainc_ratio{orders}", lambda a, b, y: _ratio(a, b, y, n, m), a, b, y)


def betaincinv(a: Lane, b: Lane, p: Lane) -> Lane:
    """The x with betainc(a, b, x) = p."""
    return _in_double("tapejit_betaincinv", lambda a, b, p: _share(_log_odds(a, b, p, 1.0 - p)), a, b, p)


def betainccinv(a: Lane, b: Lane, q: Lane) -> Lane:
    """The x with betaincc(a, b, x) = q."""
    return _in_double("tapejit_betainccinv", lambda a, b, q: _share(_log_odds(a, b, 1.0 - q, q)), a, b, q)


def _in_double(name: str, body: Callable[..., Lane], *operands: Lane) -> Lane:
    return called(name, body, *(x.to_double() for x in operands)).to_type_of(operands[0])


def _share(y: Lane) -> Lane:
    return 1.0 / (1.0 + exp(-y))


def _are_finite(a: Lane, b: Lane) -> Lane:
    return (a > 0.0) & (a < math.inf) & (b > 0.0) & (b < math.inf)


def _atoms(a: Lane, b: Lane) -> tuple[Lane, Lane, Lane]:
    """Of parameters of 0 or infinity: whether all probability is at 0, at 1, and whether that is known."""
    at_zero, at_one = a.equals(0.0) | b.equals(math.inf), b.equals(0.0) | a.equals(math.inf)
    return at_zero, at_one, (a >= 0.0) & (b >= 0.0) & negation(at_zero & at_one)


# -- The functions ---------------------------------------------------------------------------------


def _distribution(a: Lane, b: Lane, x: Lane, *, lower: bool) -> Lane:
    def computed() -> Lanes:
        is_low, ratio = _side(a, b, x, 1.0 - x)
        part = (ratio * exp(_log_density(a, b, x, 1.0 - x))).at_most(1.0)
        return ((is_low if lower else negation(is_low)).where(part, 1.0 - part),)

    def at_edge() -> Lanes:
        at_zero, at_one, known = _atoms(a, b)
        one, zero = x.like(1.0), x.like(0.0)
        below = at_zero.where((x > 0.0).where(one, zero), at_one.where((x < 1.0).where(zero, one), x))
        sensible = known & (x >= 0.0) & (x <= 1.0)
        return (sensible.where(below if lower else 1.0 - below, math.nan),)

    return branch(_are_finite(a, b) & (x > 0.0) & (x < 1.0), computed, at_edge)[0]


def _log_density(a: Lane, b: Lane, x: Lane, rest: Lane) -> Lane:
    """Of the log odds, where rest = 1 - x, by three Poisson probabilities (C. Loader, 2000)."""
    n = a + b
    parts = log_poisson_mass(a, n * x) + log_poisson_mass(b, n * rest) - log_poisson_mass(n, n)
    return parts + log(a) + log(b / n)


def _density(a: Lane, b: Lane, x: Lane) -> Lane:
    at_zero, at_one, known = _atoms(a, b)
    atom = at_zero.where(x.equals(0.0), at_one & x.equals(1.0))
    sensible = known & (x >= 0.0) & (x <= 1.0)

    def computed() -> Lanes:
        return (exp(_log_density(a, b, x, 1.0 - x) - log(x) - log1p(-x)),)

    def at_edge() -> Lanes:
        near, other = x.equals(0.0).where(a, b), x.equals(0.0).where(b, a)
        edge = near.equals(1.0).where(other, (near < 1.0).where(math.inf, x.like(0.0)))
        edge = (at_zero | at_one).where(atom.where(math.inf, x.like(0.0)), edge)
        return (sensible.where(edge, math.nan),)

    return branch(_are_finite(a, b) & (x > 0.0) & (x < 1.0), computed, at_edge)[0]


def _side(a: Lane, b: Lane, x: Lane, rest: Lane) -> tuple[Lane, Lane]:
    """Whether it is the lower function, and that over the density; about the smaller of both."""
    mean, edge = a / (a + b), (a + 1.0) / (a + b + 2.0)
    early, late = mean.at_least(_LITTLE), mean.at_most(1.0 - _LITTLE)
    edge = ((a < 1.0) & (early < edge)).where(early, edge)
    edge = ((b < 1.0) & (late > edge)).where(late, edge)
    is_low = x < edge
    return is_low, _fraction(
        is_low.where(a, b), is_low.where(b, a), is_low.where(x, rest), is_low.where(rest, x)
    )


def _fraction(a: Lane, b: Lane, x: Lane, rest: Lane) -> Lane:
    """The lower function over the density: the even part of DLMF 8.17.22 (A. DiDonato, A. Morris, 1992)."""
    excess = a * rest - b * x + 1.0
    first = a * excess / (a + 1.0)

    def step(k: Lane, c: Lane, d: Lane, total: Lane) -> tuple[Lane, Lanes]:
        odd = a + 2.0 * k - 1.0
        part = k * (b - k) * x / odd
        numerator = (a + k - 1.0) / odd * (a + b + k - 1.0) * x * part
        term = k + part + (a + k) * (excess + k * (1.0 + rest)) / (odd + 2.0)
        d_, c_ = 1.0 / (term + numerator * d), term + numerator / c
        grown = total * c_ * d_
        return abs(grown - total) > _EPSILON * grown, (c_, d_, grown)

    return 1.0 / repeat(step, (first, first.like(0.0), first), _MOST)[2]


# -- Derivatives in the parameters -------------------------------------------------------------------


def _ratio(a: Lane, b: Lane, y: Lane, n: int, m: int) -> Lane:
    sensible = _are_finite(a, b) & (abs(y) < math.inf)

    def computed() -> Lanes:
        is_low = (y < digamma(a) - digamma(b)) | ((y < -_APART - log1p(b)) & (a < 1.0))
        is_low = is_low & negation((y > _APART + log1p(a)) & (b < 1.0))
        return branch(is_low, lambda: (_integral(a, b, y, n, m),), lambda: (-_integral(b, a, -y, m, n),))

    return branch(sensible, computed, lambda: (_ratio_of_limits(a, b, y, n, m),))[0]


def _ratio_of_limits(a: Lane, b: Lane, y: Lane, n: int, m: int) -> Lane:
    """Where all probability is at one end: 0, and NaN in a parameter of 0, where the slope has one side."""
    at_zero, at_one, known = _atoms(a, b)
    moves = a.equals(0.0) if n else b.equals(0.0)
    moves = moves | b.equals(0.0) if m else moves
    sensible = known & (at_zero | at_one) & negation(moves) & (abs(y) < math.inf)
    return sensible.where(y.like(0.0), math.nan)


def _integral(a: Lane, b: Lane, y: Lane, n: int, m: int) -> Lane:
    """Below y, over the density, by the rule of `ir.tail_integral` (H. Takahasi, M. Mori, 1974)."""
    x, rest = _share(y), _share(-y)
    drift = (a * rest - b * x).at_least(0.0)
    variance = (a + b) * x * rest
    rate = drift + (variance < a).where(variance, a).intrinsic("sqrt")
    scale = 1.0 / (a < 1.0).where(a, rate)
    known = {
        (which, k): spread(polygamma(v, k) if k else digamma(v))
        for which, v in (("a", a), ("b", b), ("sum", a + b))
        for k in range(n + m)
    }
    a_, b_, x_, rest_, scale_ = map(spread, (a, b, x, rest, scale))
    log_x, log_rest = (spread(-log1p(exp(v))) for v in (-y, y))

    def term(v: Lane) -> Lane:
        inverse = exp(-v)
        node = exp(v - inverse)
        of_x, of_rest = _logs(node * scale_, x_, rest_)
        slope = slopes(of_x + log_x, of_rest + log_rest, lambda which, k: known[which, k])
        value = exp(a_ * of_x + b_ * of_rest) * node * (1.0 + inverse)
        ratio: Lane = over_density(slope, n, m)
        return value * ratio

    return sum_over_nodes(term, y, -_REACH, _STEP, _NODES) * scale * _STEP


def _logs(s: Lane, x: Lane, rest: Lane) -> tuple[Lane, Lane]:
    """How far log t and log(1 - t) are from those of x where the log odds are s lower."""
    fall = x * expm1(-s)
    of_rest = -(fall < -0.5).where(log(rest + x * exp(-s)), log1p(fall))
    near = log1p(rest * expm1((s < 1.0).where(s, 1.0)))
    return -((s < 1.0).where(near, s - of_rest)), of_rest


# -- The inverse -------------------------------------------------------------------------------------


def _log_odds(a: Lane, b: Lane, p: Lane, q: Lane) -> Lane:
    """From both probabilities, of which the smaller one is exact."""
    finite = _are_finite(a, b)
    edge = p.equals(0.0).where(-math.inf, q.equals(0.0).where(math.inf, p.like(math.nan)))
    return branch(
        finite & (p > 0.0) & (q > 0.0),
        lambda: (_log_odds_inside(a, b, p, q),),
        lambda: (finite.where(edge, math.nan),),
    )[0]


def _log_odds_inside(a: Lane, b: Lane, p: Lane, q: Lane) -> Lane:
    half = a.like(0.5)
    log_beta = (a + b) * math.log(0.5) - _log_density(a, b, half, half)
    low, high = (log(p) + log(a) + log_beta) / a, -(log(q) + log(b) + log_beta) / b

    def evaluate(odds: Lane, y: Lane) -> tuple[Lane, Lane, Lane, Lane]:
        rest = 1.0 / (1.0 + odds)
        x = odds * rest
        is_low, ratio = _side(a, b, x, rest)
        return is_low, ratio, _log_density(a, b, x, rest), a * rest - b * x

    def solved() -> Lanes:
        precision = (a * (b / (a + b))).intrinsic("sqrt") + 1.0
        return (by_newton(evaluate, _start(a, b, p, q, low, high), p, q, precision),)

    far = low < _NOTHING
    return branch(far | (high > -_NOTHING), lambda: (far.where(low, high),), solved)[0]


def _start(a: Lane, b: Lane, p: Lane, q: Lane, low: Lane, high: Lane) -> Lane:
    """Log odds as if they were normal, or by the leading term where x or 1 - x is small (DLMF 8.17.7)."""
    less = (p < q).where(p, q)
    z = erfcinv(2.0 * less) * (p < q).where(-math.sqrt(2.0), p.like(math.sqrt(2.0)))
    deviation = (polygamma(a, 1) + polygamma(b, 1)).intrinsic("sqrt")
    normal = digamma(a) - digamma(b) + z * deviation
    found = ((a < 1.0) & (low < -1.0)).where(low, normal)
    return ((b < 1.0) & (high > 1.0)).where(high, found)
