"""The incomplete gamma functions with derivatives in both operands, and their inverses.

The derivative of gammainc(a, x) in a has no closed form. Divided by the density of y = log x it is a function
of its own, `gammainc_ratio`, whose derivatives are of the same kind; minus it is how fast a quantile y moves
with a: the implicit reparameterisation gradient (M. Figurnov, S. Mohamed, A. Mnih, NeurIPS 2018). Start at
`gammainc`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from tapejit.ir import incomplete_gamma_reference as reference
from tapejit.ir.ops import eq, exp, gt, log, select
from tapejit.ir.primitive import Primitive, elementwise
from tapejit.ir.shape import float_type
from tapejit.ir.special import digamma, over, polygamma
from tapejit.ir.types import TensorType

if TYPE_CHECKING:
    from tapejit.ir.builder import Var

_A, _X = np.array([0.4, 2.5, 7.0]), np.array([0.7, 1.3, 6.2])
_PART = np.array([0.8, 0.3, 0.55])


def _row(name: str, meaning: Callable[..., Any], partials: tuple[Any, ...], y: np.ndarray) -> Primitive:
    return elementwise(
        name,
        infer=float_type,
        reference=meaning,
        source=f"{name}({{0}}, {{1}})",
        partials=partials,
        examples=(((_A, y), {}), ((_A.astype(np.float32), y.astype(np.float32)), {})),
    )


def _density(a: Var, x: Var) -> Var:
    """Of log x: x**a exp(-x) / gamma(a)."""
    return a * poisson_mass(a, x)


def density_derivatives(slopes: list[Var], n: int) -> Var:
    """f**(n) / f, n > 0, for log f with these derivatives, the first of them first (complete Bell
    polynomials).
    """
    found: list[Any] = [1.0]
    for m in range(1, n + 1):
        terms = [math.comb(m - 1, k) * found[m - 1 - k] * slopes[k] for k in range(m)]
        found.append(sum(terms[1:], terms[0]))
    result: Var = found[n]
    return result


def _one_fewer(r: Var, a: Var, x: Var) -> Var:
    """poisson_mass(a - 1, x); of r = poisson_mass(a, x) for a <= 0, where that is not defined."""
    positive = gt(a, a.like(0.0))
    return select(positive, poisson_mass(select(positive, a, a.like(1.0)) - 1.0, x), over(r * a, x))


# x**a exp(-x) / gamma(a + 1); at whole a the probability of a events where x are expected.
poisson_mass: Primitive = _row(
    "poisson_mass",
    reference.poisson_mass,
    (
        lambda r, a, x: r * (log(x) - digamma(a + 1.0)),
        lambda r, a, x: _one_fewer(r, a, x) - r,
    ),
    _X,
)


def _ratio_type(a: TensorType, y: TensorType, *, n: int) -> TensorType:
    if not isinstance(n, int) or isinstance(n, bool) or not 1 <= n <= 8:
        raise TypeError(f"the order of the derivative in a must be an int from 1 to 8, got {n!r}")
    return float_type(a, y)


def _ratio_slope(r: Var, a: Var, y: Var, n: int) -> Var:
    """In y: the quotient rule, where the numerator's derivative is that of the density in a."""
    slopes = [y - digamma(a), *(-polygamma(a, n=k) for k in range(1, n))]
    return density_derivatives(slopes, n) - r * (a - exp(y))


# The n-th derivative of gammainc(a, exp(y)) in a, over the density of y.
gammainc_ratio: Primitive = elementwise(
    "gammainc_ratio",
    infer=_ratio_type,
    reference=reference.gammainc_ratio,
    source="gammainc_ratio({0}, {1}, {n})",
    partials=(
        lambda r, a, y, n: gammainc_ratio(a, y, n=n + 1) - r * (y - digamma(a)),
        _ratio_slope,
    ),
    examples=(
        ((_A, np.array([-0.7, 0.2, 1.9])), {"n": 1}),
        ((_A.astype(np.float32), np.array([-0.7, 0.2, 1.9], np.float32)), {"n": 1}),
        ((_A, np.array([-3.0, -1.0, 0.5])), {"n": 2}),
    ),
)


def _shifted(weight: Var, a: Var, x: Var) -> Var:
    """weight * gammainc_ratio(a, log(x)); where the weight is 0, as at x = 0 and infinity, nothing moves."""
    gone = eq(weight, weight.like(0.0))
    ratio = gammainc_ratio(a, log(select(gone, x.like(1.0), x)), n=1)
    return select(gone, weight.like(0.0), weight * ratio)


gammainc = _row(
    "gammainc",
    reference.gammainc,
    (lambda r, a, x: _shifted(_density(a, x), a, x), lambda r, a, x: poisson_mass(a - 1.0, x)),
    _X,
)
gammaincc = _row(
    "gammaincc",
    reference.gammaincc,
    (lambda r, a, x: -_shifted(_density(a, x), a, x), lambda r, a, x: -poisson_mass(a - 1.0, x)),
    _X,
)

# -- Inverses: the quantile moves so that the probability stays ----------------------------------------

gammaincinv = _row(
    "gammaincinv",
    reference.gammaincinv,
    (lambda r, a, p: -_shifted(r, a, r), lambda r, a, p: 1.0 / poisson_mass(a - 1.0, r)),
    _PART,
)
gammainccinv = _row(
    "gammainccinv",
    reference.gammainccinv,
    (lambda r, a, q: -_shifted(r, a, r), lambda r, a, q: -1.0 / poisson_mass(a - 1.0, r)),
    _PART,
)
log_gammaincinv = _row(
    "log_gammaincinv",
    reference.log_gammaincinv,
    (lambda r, a, p: -gammainc_ratio(a, r, n=1), lambda r, a, p: 1.0 / _density(a, exp(r))),
    _PART,
)
