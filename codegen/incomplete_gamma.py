"""The incomplete gamma functions, their derivatives in the first parameter, and their inverses.

Everything is computed over the density of y = log x, f = x**a exp(-x) / gamma(a), which keeps it in range:
`_side` gives the smaller of both integrals over f as a jet in a. Where: the power series below a + 1 (DLMF
8.7.1), Legendre's continued fraction above (8.9.2), Temme's expansion near a large a (`temme`), and for small
a and x the series of 1 - x**a / gamma(a + 1), whose leading terms are taken together (8.7.3).
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from functools import reduce

from tapejit.codegen.deviance import log_poisson_mass, stirling_rest
from tapejit.codegen.jet import Jet
from tapejit.codegen.lane import Lane
from tapejit.codegen.lane_control import Lanes, branch, called, negation, repeat
from tapejit.codegen.quantile import by_newton
from tapejit.codegen.temme import corrections, eta_over_u
from tapejit.codegen.vector_error_function import erfcx
from tapejit.codegen.vector_exponential import exp, expm1
from tapejit.codegen.vector_gamma import digamma, lgamma, lgamma_of_one_and
from tapejit.codegen.vector_inverse_error import erfcinv
from tapejit.codegen.vector_logarithm import log
from tapejit.codegen.vector_polygamma import polygamma

_EPSILON = 1e-17
_MOST = 20_000  # steps of a series or fraction; a thousand occur
_LARGE, _NEAR = 30.0, 0.3  # Temme's expansion: from this a on, at this distance of x / a from 1
_SMALL = 2.0  # the largest x for the series of the complement, a < 1
_NOTHING = -45.0  # exp of it is nothing beside 1


def gammainc(a: Lane, x: Lane) -> Lane:
    """The lower function, normalised; NaN for negative operands."""
    return _in_double("tapejit_gammainc", lambda a, x: _distribution(a, x, lower=True), a, x)


def gammaincc(a: Lane, x: Lane) -> Lane:
    """The upper function, normalised: 1 - gammainc without cancellation."""
    return _in_double("tapejit_gammaincc", lambda a, x: _distribution(a, x, lower=False), a, x)


def gammainc_ratio(a: Lane, y: Lane, n: int) -> Lane:
    """The n-th derivative of gammainc(a, exp(y)) in a, over the density of y."""
    return _in_double(f"tapejit_gammainc_ratio{n}", lambda a, y: _ratio(a, y, n), a, y)


def gammaincinv(a: Lane, p: Lane) -> Lane:
    """The x with gammainc(a, x) = p."""
    return _in_double("tapejit_gammaincinv", lambda a, p: exp(_log_inverse(a, p, 1.0 - p)), a, p)


def gammainccinv(a: Lane, q: Lane) -> Lane:
    """The x with gammaincc(a, x) = q."""
    return _in_double("tapejit_gammainccinv", lambda a, q: exp(_log_inverse(a, 1.0 - q, q)), a, q)


def log_gammaincinv(a: Lane, p: Lane) -> Lane:
    """The logarithm of gammaincinv, also where that underflows."""
    return _in_double("tapejit_log_gammaincinv", lambda a, p: _log_inverse(a, p, 1.0 - p), a, p)


def _in_double(name: str, body: Callable[..., Lane], *operands: Lane) -> Lane:
    return called(name, body, *(x.to_double() for x in operands)).to_type_of(operands[0])


# -- The functions ---------------------------------------------------------------------------------


def _distribution(a: Lane, x: Lane, *, lower: bool) -> Lane:
    inside = (a > 0.0) & (a < math.inf) & (x > 0.0) & (x < math.inf)

    def computed() -> Lanes:
        is_low, ratio = _side(a, x, log(x), 0)
        part = (ratio * a * exp(log_poisson_mass(a, x))).at_most(1.0)
        return ((is_low if lower else negation(is_low)).where(part, 1.0 - part),)

    (found,) = branch(inside, computed, lambda: (_limit(a, x, lower),))
    return found


def _limit(a: Lane, x: Lane, lower: bool) -> Lane:
    """At 0 and infinity, where one of both is 0 and the other 1."""
    senseless = (
        negation((a >= 0.0) & (x >= 0.0))
        | (a.equals(0.0) & x.equals(0.0))
        | (a.equals(math.inf) & x.equals(math.inf))
    )
    is_all = a.equals(0.0) | x.equals(math.inf)
    return senseless.where(math.nan, is_all.where(float(lower), a.like(float(not lower))))


def _ratio(a: Lane, y: Lane, n: int) -> Lane:
    sensible = (a > 0.0) & (a < math.inf) & (y < math.inf)

    def computed() -> Lanes:
        is_low, ratio = _side(a, exp(y), y, n)
        return (is_low.where(ratio, -ratio),)

    (found,) = branch(sensible, computed, lambda: (a.like(math.nan),))
    return found


def _side(a: Lane, x: Lane, y: Lane, n: int) -> tuple[Lane, Lane]:
    """Whether it is the lower function, and its n-th derivative in a over the density."""
    is_small = (a < 1.0) & (x <= _SMALL)
    complement_is_small = (x < 0.5).where((-0.4 / y) > a, x > 1.1 * a)
    is_low = is_small.where(negation(complement_is_small), x < a + 1.0)
    is_near = (a >= _LARGE) & (abs(x - a) < _NEAR * a)

    def above() -> Lanes:
        return branch(
            is_small, lambda: _of(_complement(a, x, y, n), a), lambda: _of(_fraction(a, x, y, n), a)
        )

    def apart() -> Lanes:
        return branch(is_low, lambda: _of(_series(a, x, y, n), a), above)

    (found,) = branch(is_near, lambda: _of(_near_large(a, x, is_low, n), a), apart)
    return is_low, found


def _of(jet: Jet, like: Lane) -> Lanes:
    """The derivative that is asked for: the last part."""
    return (like.coerce(jet.parts[-1] * float(math.factorial(jet.order))),)


def _parameter(a: Lane, n: int) -> Jet:
    return Jet((a, 1.0, *(0.0,) * n)[: n + 1])


def _mass_jet(a: Lane, y: Lane, n: int) -> Jet:
    """x**a / gamma(a + 1) over its value."""
    slopes = (
        (y - digamma(a + 1.0), *(-polygamma(a + 1.0, k) / float(math.factorial(k + 1)) for k in range(1, n)))
        if n
        else ()
    )
    return Jet((a, *slopes)).scaled_exp()


def _settled(term: Jet, total: Jet) -> Lane:
    """No part of the term counts any more."""
    pairs = zip(term.parts, total.parts, strict=True)
    small: list[Lane] = [abs(x) <= abs(y) * _EPSILON for x, y in pairs if isinstance(x, Lane)]
    return reduce(operator.and_, small)


def _summed(first: Jet, following: Callable[[Lane, Jet], tuple[Jet, Jet]], like: Lane) -> Jet:
    """The sum of a series: `following(k, state)` gives the next state and what it adds."""
    size = len(first.parts)

    def step(count: Lane, *state: Lane) -> tuple[Lane, Lanes]:
        term, added = following(count, Jet(state[:size]))
        total = Jet(state[size:]) + added
        return negation(_settled(added, total)), (*term.lanes(like), *total.lanes(like))

    return Jet(repeat(step, (*first.lanes(like), *first.lanes(like)), _MOST)[size:])


def _series(a: Lane, x: Lane, y: Lane, n: int) -> Jet:
    """The lower function over f."""
    parameter = _parameter(a, n)

    def following(k: Lane, term: Jet) -> tuple[Jet, Jet]:
        found = term * (parameter + k).reciprocal() * x
        return found, found

    one = Jet((1.0, *(0.0,) * n))
    return _mass_jet(a, y, n) * _summed(one, following, a) * (1.0 / a)


def _complement(a: Lane, x: Lane, y: Lane, n: int) -> Jet:
    """The upper function over f, for a < 1 and small x.

    With u = log(x**a / gamma(a + 1)) it is -expm1(u) - exp(u) a T, T the sum of (-x)**k / ((a + k) k!) over k
    > 0.
    """
    parameter, u = _parameter(a, n), a * y - lgamma_of_one_and(a)

    def following(k: Lane, term: Jet) -> tuple[Jet, Jet]:
        found = term * (-x / k)
        return found, found * (parameter + k).reciprocal()

    one = Jet((1.0, *(0.0,) * n))
    total = _summed(one, following, a) - 1.0
    power = _mass_jet(a, y, n)
    grown = Jet((exp(u), *(exp(u) * part for part in power.parts[1:])))
    less_one = Jet((expm1(u), *grown.parts[1:]))
    return (-1.0 * less_one - grown * parameter * total) * (exp(x - u) / a)


def _fraction(a: Lane, x: Lane, y: Lane, n: int) -> Jet:
    """The upper function over f, by Lentz's method as W. Thompson and A. Barnett improved it (1986)."""
    parameter = _parameter(a, n)
    first = -1.0 * parameter + (x + 1.0)
    huge = Jet((1e300, *(0.0,) * n))
    start = first.reciprocal()

    def step(count: Lane, *state: Lane) -> tuple[Lane, Lanes]:
        c, d, total = (Jet(state[k * (n + 1) : (k + 1) * (n + 1)]) for k in range(3))
        numerator, term = (parameter - count) * count, first + 2.0 * count
        d_, c_ = (numerator * d + term).reciprocal(), term + numerator / c
        factor = c_ * d_
        grown = total * factor
        return negation(_settled(grown - total, grown)), tuple(
            x for jet in (c_, d_, grown) for x in jet.lanes(a)
        )

    state = tuple(x for jet in (huge, start, start) for x in jet.lanes(a))
    scaled = Jet(repeat(step, state, _MOST)[2 * (n + 1) :])
    return scaled * _density_jet(a, y, n) if n else scaled


def _density_jet(a: Lane, y: Lane, n: int) -> Jet:
    """x**a / gamma(a) over its value."""
    slopes = (y - digamma(a), *(-polygamma(a, k) / float(math.factorial(k + 1)) for k in range(1, n)))
    return Jet((a, *slopes)).scaled_exp()


def _near_large(a: Lane, x: Lane, is_low: Lane, n: int) -> Jet:
    """Temme's expansion over f: the error function and a sum of powers of 1 / a."""
    parameter = _parameter(a, n)
    inverse = parameter.reciprocal()
    u = inverse * x - 1.0
    u = Jet(((x - a) / a, *u.parts[1:]))
    eta = u * u.polynomial(eta_over_u())
    root = _root(parameter * 0.5)
    z = eta * root
    total = _temme_sum(eta, inverse)
    sign = is_low.where(-1.0, a.like(1.0))
    bell = (-1.0 * (z * z)).scaled_exp()
    half = z.through(-(erfcx(sign * z.value) * (math.sqrt(math.pi) / 2) * sign), bell) * (
        -1 / math.sqrt(math.pi)
    )
    upper = half + bell * total * _root(parameter * (2 * math.pi)).reciprocal()
    return upper * (
        sign * exp(stirling_rest(a)) * a.like(2 * math.pi).intrinsic("sqrt") / a.intrinsic("sqrt")
    )


def _root(x: Jet) -> Jet:
    """The square root, part by part."""
    root = x.value.intrinsic("sqrt")
    parts = [root]
    for k in range(1, len(x.parts)):
        known = Jet((0.0, *parts[1:k], *(0.0,) * (x.order - k + 1)))
        parts.append((Jet(x.parts) - known * known).parts[k] / (2.0 * root))
    return Jet(tuple(parts))


def _temme_sum(eta: Jet, inverse: Jet) -> Jet:
    total = eta.polynomial(corrections()[-1])
    for coefficients in reversed(corrections()[:-1]):
        total = total * inverse + eta.polynomial(coefficients)
    return total


# -- The inverse -------------------------------------------------------------------------------------


def _log_inverse(a: Lane, p: Lane, q: Lane) -> Lane:
    """log x from both probabilities, of which the smaller one is exact."""
    inside = (a > 0.0) & (a < math.inf) & (p > 0.0) & (q > 0.0)
    edge = p.equals(0.0).where(-math.inf, q.equals(0.0).where(math.inf, a.like(math.nan)))
    outside = ((a > 0.0) & (a < math.inf)).where(edge, math.nan)
    (found,) = branch(inside, lambda: (_log_inverse_inside(a, p, q),), lambda: (outside,))
    return found


def _log_inverse_inside(a: Lane, p: Lane, q: Lane) -> Lane:
    tail = (log(p) + lgamma(a + 1.0)) / a  # where x is nothing beside 1 (DLMF 8.7.1)

    def evaluate(x: Lane, y: Lane) -> tuple[Lane, Lane, Lane, Lane]:
        is_low, ratio = _side(a, x, y, 0)
        return is_low, ratio, log(a) + log_poisson_mass(a, x), a - x

    def solved() -> Lanes:
        return (by_newton(evaluate, _start(a, p, q, tail), p, q, (a + 1.0).intrinsic("sqrt")),)

    (found,) = branch(tail < _NOTHING, lambda: (tail,), solved)
    return found


def _start(a: Lane, p: Lane, q: Lane, tail: Lane) -> Lane:
    """log x by E. Wilson and M. Hilferty (1931), or by the leading term of the series."""
    low = (p < q).where(p, q)
    z = erfcinv(2.0 * low) * (p < q).where(-math.sqrt(2.0), a.like(math.sqrt(2.0)))
    ninth = 1.0 / (9.0 * a)
    cube_root = 1.0 - ninth + z * ninth.intrinsic("sqrt")
    is_plain = (cube_root > 0.3) & (a > 0.2)
    normal = log(a) + 3.0 * log(is_plain.where(cube_root, 1.0))
    return is_plain.where(normal, tail.at_most(2.0))
