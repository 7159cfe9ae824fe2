"""The incomplete beta functions with derivatives in all operands, and their inverses.

As in `ir.incomplete_gamma` derivatives in the parameters are stated over the density of a variable in which
it is log-concave, here the log odds y of x: `betainc_ratio`. Start at `betainc`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from tapejit.ir import incomplete_beta_reference as reference
from tapejit.ir.mixed_derivative import over_density, slopes
from tapejit.ir.ops import gt, log, log1p, logical_and, logistic, lt, select
from tapejit.ir.primitive import Primitive, elementwise
from tapejit.ir.shape import float_type
from tapejit.ir.special import digamma, logaddexp, over, polygamma
from tapejit.ir.types import TensorType

if TYPE_CHECKING:
    from tapejit.ir.builder import Var

_A, _B, _X = np.array([0.4, 2.5, 17.0]), np.array([1.6, 0.7, 12.0]), np.array([0.2, 0.75, 0.55])
_ODDS = np.array([-0.7, 1.4, 0.3])
_MOST = 8  # the highest order


def _row(name: str, meaning: Callable[..., Any], partials: tuple[Any, ...]) -> Primitive:
    xs = (_A, _B, _X)
    return elementwise(
        name,
        infer=float_type,
        reference=meaning,
        source=f"{name}({{0}}, {{1}}, {{2}})",
        partials=partials,
        examples=((xs, {}), (tuple(x.astype(np.float32) for x in xs), {})),
    )


def _in_parameters(a: Var, b: Var, log_x: Var, log_rest: Var) -> Any:
    """Derivatives of the log density."""

    def psi(which: str, k: int) -> Var:
        operand = {"a": a, "b": b, "sum": a + b}[which]
        return polygamma(operand, n=k) if k else digamma(operand)

    return slopes(log_x, log_rest, psi)


def _by_parameter(r: Var, a: Var, b: Var, x: Var, n: int, m: int) -> Var:
    """Of the density; nothing where that is 0."""
    some = gt(r, r.like(0.0))
    inside = select(some, x, x.like(0.5))
    return select(some, r * _in_parameters(a, b, log(inside), log1p(-inside))(n, m), r)


# x**(a - 1) (1 - x)**(b - 1) / B(a, b).
beta_density: Primitive = _row(
    "beta_density",
    reference.beta_density,
    (
        lambda r, a, b, x: _by_parameter(r, a, b, x, 1, 0),
        lambda r, a, b, x: _by_parameter(r, a, b, x, 0, 1),
        lambda r, a, b, x: r * (over(a - 1.0, x) - over(b - 1.0, 1.0 - x)),
    ),
)


def _ratio_type(a: TensorType, b: TensorType, y: TensorType, *, orders: int) -> TensorType:
    n, m = divmod(orders, 10)
    if not 1 <= n + m <= _MOST:
        raise TypeError(f"the order of a derivative in a and b must be from 1 to {_MOST}, got {n} + {m}")
    return float_type(a, b, y)


def _parts(y: Var) -> tuple[Var, Var]:
    """log x and log(1 - x)."""
    zero = y.like(0.0)
    return -logaddexp(zero, -y), -logaddexp(zero, y)


def _ratio_in(a: Var, b: Var, y: Var, n: int, m: int) -> Var:
    return _in_parameters(a, b, *_parts(y))(n, m)


def _ratio_slope(r: Var, a: Var, b: Var, y: Var, orders: int) -> Var:
    """In y: the quotient rule, where the numerator's derivative is that of the density."""
    derivative: Var = over_density(_in_parameters(a, b, *_parts(y)), *divmod(orders, 10))
    return derivative - r * (a * logistic(-y) - b * logistic(y))


# A derivative of betainc(a, b, logistic(y)) in a and b, over the density of y; 10 n + m stands for order n in
# a and m in b.
betainc_ratio: Primitive = elementwise(
    "betainc_ratio",
    infer=_ratio_type,
    reference=reference.betainc_ratio,
    source="betainc_ratio({0}, {1}, {2}, {orders})",
    partials=(
        lambda r, a, b, y, orders: betainc_ratio(a, b, y, orders=orders + 10) - r * _ratio_in(a, b, y, 1, 0),
        lambda r, a, b, y, orders: betainc_ratio(a, b, y, orders=orders + 1) - r * _ratio_in(a, b, y, 0, 1),
        _ratio_slope,
    ),
    examples=(
        ((_A, _B, _ODDS), {"orders": 10}),
        ((_A, _B, _ODDS), {"orders": 1}),
        (tuple(x.astype(np.float32) for x in (_A, _B, _ODDS)), {"orders": 10}),
        ((_A, _B, _ODDS), {"orders": 11}),
    ),
)


def _moved(a: Var, b: Var, x: Var, orders: int, *, value: bool) -> Var:
    """The derivative of betainc in a parameter if `value`, else minus how x moves with it: 0 at 0 and 1."""
    inside = logical_and(gt(x, x.like(0.0)), lt(x, x.like(1.0)))
    x_ = select(inside, x, x.like(0.5))
    scale = x_ * (1.0 - x_) * (beta_density(a, b, x_) if value else 1.0)
    found = scale * betainc_ratio(a, b, log(x_) - log1p(-x_), orders=orders)
    return select(inside, found, x.like(0.0))


betainc = _row(
    "betainc",
    reference.betainc,
    (
        lambda r, a, b, x: _moved(a, b, x, 10, value=True),
        lambda r, a, b, x: _moved(a, b, x, 1, value=True),
        lambda r, a, b, x: beta_density(a, b, x),
    ),
)
betaincc = _row(
    "betaincc",
    reference.betaincc,
    (
        lambda r, a, b, x: -_moved(a, b, x, 10, value=True),
        lambda r, a, b, x: -_moved(a, b, x, 1, value=True),
        lambda r, a, b, x: -beta_density(a, b, x),
    ),
)

# -- Inverses: the quantile moves so that the probability stays ----------------------------------------

betaincinv = _row(
    "betaincinv",
    reference.betaincinv,
    (
        lambda r, a, b, p: -_moved(a, b, r, 10, value=False),
        lambda r, a, b, p: -_moved(a, b, r, 1, value=False),
        lambda r, a, b, p: 1.0 / beta_density(a, b, r),
    ),
)
betainccinv = _row(
    "betainccinv",
    reference.betainccinv,
    (
        lambda r, a, b, q: -_moved(a, b, r, 10, value=False),
        lambda r, a, b, q: -_moved(a, b, r, 1, value=False),
        lambda r, a, b, q: -1.0 / beta_density(a, b, r),
    ),
)
