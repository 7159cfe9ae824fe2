"""Special functions: exponentials and logarithms of other bases, error functions, gamma, polygamma, Bessel.

Rows as in `ir.elementary`. A derivative is stated in the form that loses the fewest digits: of a function
that decays, through its scaled partner, not as a difference of large terms.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tapejit.ir import bessel_reference as bessel
from tapejit.ir import special_reference as reference
from tapejit.ir.ops import abs_, eq, exp, log, log1p, logical_and, logistic, lt, select, sign
from tapejit.ir.primitive import Primitive, elementwise
from tapejit.ir.shape import float_type
from tapejit.ir.types import TensorType

if TYPE_CHECKING:
    from tapejit.ir.builder import Var

_A = np.array([0.3, -1.2, 2.5])
_B = np.array([1.7, 0.4, -0.6])
_DENSITY = 1 / math.sqrt(2 * math.pi)
_GAMMA = np.array([0.3, -1.2, 4.5])
_POS = np.array([0.2, 1.1, 3.5])
_UNIT = np.array([0.3, -0.8, 0.1])
_ROOT_PI = math.sqrt(math.pi)
_HALF_ROOT_PI = 0.5 * _ROOT_PI
_SERIES_TERMS = 9


def _row(name: str, reference: Any, partial: Any, example: np.ndarray) -> Primitive:
    """A function of one float operand, with its example in f64 and f32."""
    return elementwise(
        name,
        infer=float_type,
        reference=reference,
        source=f"{name}({{0}})",
        partials=(partial,),
        examples=(((example,), {}), ((example.astype(np.float32),), {})),
    )


# -- Powers and logarithms of other bases ----------------------------------------------------------

exp2 = _row("exp2", np.exp2, lambda r, x: math.log(2) * r, _A)
log2 = _row("log2", np.log2, lambda r, x: (1 / math.log(2)) / x, _POS)
log10 = _row("log10", np.log10, lambda r, x: (1 / math.log(10)) / x, _POS)
cbrt = _row("cbrt", np.cbrt, lambda r, x: (1 / 3) / (r * r), _A)

# -- Sums of exponentials, products with logarithms --------------------------------------------------


def _pair(name: str, reference: Any, partials: Any, x: np.ndarray, y: np.ndarray) -> Primitive:
    """A function of two float operands, with its example in f64 and f32."""
    single = (x.astype(np.float32), y.astype(np.float32))
    return elementwise(
        name,
        infer=float_type,
        reference=reference,
        source=f"{name}({{0}}, {{1}})",
        partials=partials,
        examples=(((x, y), {}), (single, {})),
    )


def _difference(x: Var, y: Var) -> Var:
    """x - y, and 0 for equal infinities; finite ties keep their slope."""
    infinite = logical_and(eq(x, y), eq(abs_(x), x.like(math.inf)))
    return select(infinite, x.like(0.0), x - y)


def over(x: Var, y: Var) -> Var:
    """x / y, and 0 for 0 / 0; elsewhere its slope in x is 1 / y, also at x = 0."""
    both = logical_and(eq(x, x.like(0.0)), eq(y, y.like(0.0)))
    return select(both, x.like(0.0), x / select(both, y.like(1.0), y))


logaddexp = _pair(
    "logaddexp",
    np.logaddexp,
    (lambda r, x, y: logistic(_difference(x, y)), lambda r, x, y: logistic(_difference(y, x))),
    _A,
    _B,
)
logaddexp2 = _pair(
    "logaddexp2",
    np.logaddexp2,
    (
        lambda r, x, y: logistic(math.log(2) * _difference(x, y)),
        lambda r, x, y: logistic(math.log(2) * _difference(y, x)),
    ),
    _A,
    _B,
)
xlogy = _pair("xlogy", reference.xlogy, (lambda r, x, y: log(y), lambda r, x, y: over(x, y)), _A, _POS)
xlog1py = _pair(
    "xlog1py", reference.xlog1py, (lambda r, x, y: log1p(y), lambda r, x, y: over(x, 1.0 + y)), _A, _POS
)

# -- Error functions -------------------------------------------------------------------------------

erfc = _row("erfc", reference.each(math.erfc), lambda r, x: (-2 / _ROOT_PI) * exp(-(x * x)), _A)
erfcx = _row("erfcx", reference.each(reference.scaled_erfc), lambda r, x: 2.0 * x * r - 2 / _ROOT_PI, _A)
erfinv = _row(
    "erfinv", reference.each(reference.inverse_erf), lambda r, x: (_ROOT_PI / 2) * exp(r * r), _UNIT
)
erfcinv = _row(
    "erfcinv",
    reference.each(reference.inverse_erfc),
    lambda r, x: -_HALF_ROOT_PI * exp(r * r),
    np.array([0.3, 1.8, 0.01]),
)
ndtr = _row(
    "ndtr", reference.each(reference.normal_distribution), lambda r, x: _DENSITY * exp(-0.5 * (x * x)), _A
)
# The logarithm of the normal distribution function: density / distribution, through erfcx.
log_ndtr = _row(
    "log_ndtr",
    reference.each(reference.log_normal_distribution),
    lambda r, x: math.sqrt(2 / math.pi) / erfcx(math.sqrt(0.5) * -x),
    _A,
)

# -- Gamma and its derivatives ---------------------------------------------------------------------

gamma = _row(
    "gamma", reference.each(reference.gamma), lambda r, x: r * digamma(x), np.array([0.3, -1.2, 4.5])
)
lgamma = _row(
    "lgamma", reference.each(reference.log_gamma), lambda r, x: digamma(x), np.array([0.3, -1.2, 4.5])
)
digamma: Primitive = _row("digamma", reference.digamma, lambda r, x: polygamma(x, n=1), _GAMMA)


def _polygamma_type(x: TensorType, *, n: int) -> TensorType:
    if not isinstance(n, int) or isinstance(n, bool) or not 1 <= n <= 60:
        raise TypeError(f"the order of polygamma must be an int from 1 to 60, got {n!r}")
    return float_type(x)


polygamma: Primitive = elementwise(
    "polygamma",
    infer=_polygamma_type,
    reference=reference.polygamma,
    source="polygamma({0}, {n})",
    partials=(lambda r, x, n: polygamma(x, n=n + 1),),
    examples=(
        ((np.array([0.3, -1.2, 4.5]),), {"n": 1}),
        ((np.array([0.6, -0.7, 14.5]),), {"n": 2}),
        ((np.array([0.8, -1.2, 4.5], np.float32),), {"n": 1}),
        ((_POS,), {"n": 5}),
    ),
)

# -- Bessel functions ------------------------------------------------------------------------------


def _over_x(r: Var, x: Var, alternate: float) -> Var:
    """r / x for r = I1 or (`alternate` = -1) J1: by the power series near 0, with all derivatives."""
    quarter = 0.25 * x * x
    series = x.like(0.0)
    for k in reversed(range(_SERIES_TERMS)):
        series = series * quarter + 0.5 * alternate**k / (math.factorial(k) * math.factorial(k + 1))
    near = lt(abs_(x), x.like(1.0))
    return select(near, series, r / select(near, x.like(1.0), x))


def _scaled_over_x(r: Var, x: Var) -> Var:
    """r / x for r = exp(-|x|) I1(x)."""
    near = lt(abs_(x), x.like(1.0))
    inside = select(near, x, x.like(0.0))
    return select(near, exp(-abs_(x)) * _over_x(inside, inside, 1.0), r / select(near, x.like(1.0), x))


i0 = _row("i0", bessel.modified(0, scaled=False), lambda r, x: i1(x), _A)
i1: Primitive = _row("i1", bessel.modified(1, scaled=False), lambda r, x: i0(x) - _over_x(r, x, 1.0), _A)
i0e = _row("i0e", bessel.modified(0, scaled=True), lambda r, x: i1e(x) - sign(x) * r, _A)
i1e: Primitive = _row(
    "i1e", bessel.modified(1, scaled=True), lambda r, x: i0e(x) - sign(x) * r - _scaled_over_x(r, x), _A
)
j0 = _row("j0", bessel.first_kind(0), lambda r, x: -j1(x), _A)
j1: Primitive = _row("j1", bessel.first_kind(1), lambda r, x: j0(x) - _over_x(r, x, -1.0), _A)
