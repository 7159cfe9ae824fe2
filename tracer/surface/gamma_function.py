"""The gamma family of `scipy.special`: gamma, its logarithm and derivatives, beta and zeta."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tapejit.ir import ops
from tapejit.ir import special as rows
from tapejit.ir.builder import Var
from tapejit.tracer.errors import UnsupportedError
from tapejit.tracer.handle import Handle
from tapejit.tracer.location import user_location
from tapejit.tracer.operation import Operand, aligned, as_var, float_dtype
from tapejit.tracer.surface.function import Function, traced
from tapejit.tracer.surface.scipy_function import by_name, floating, scipy_ufunc

_LARGE = 1e6  # ratio of the arguments of beta beyond which a series is precise
_OVERFLOWS = 170.0

gamma = floating("gamma", rows.gamma)
gammaln = floating("gammaln", rows.lgamma)
digamma = floating("psi", rows.digamma)


def _loggamma(x: Operand) -> Var:
    """Real: NaN below 0, where the principal branch is complex."""
    var = as_var(x, float_dtype(x))
    return ops.select(ops.lt(var, var.like(0.0)), var.like(math.nan), rows.lgamma(var))


loggamma = scipy_ufunc("loggamma", _loggamma)


@traced(name="polygamma", numpy=lambda x, *, n: by_name("polygamma")(n, x))
def positive_polygamma(x: Operand, *, n: int) -> Var:
    """The n-th derivative of digamma, n static."""
    return rows.polygamma(as_var(x, float_dtype(x)), n=n)


def polygamma(n: int, x: Any) -> Any:
    """The n-th derivative of digamma; n is an int from 0 to 60, known when the function is traced."""
    if isinstance(n, Handle) or np.ndim(n) or n != int(n) or not 0 <= n <= 60:
        raise UnsupportedError(
            f"polygamma at {user_location()}: the order must be one int from 0 to 60, got {_shown(n)}"
        )
    return digamma(x) if n == 0 else positive_polygamma(x, n=int(n))


@traced(name="zeta", numpy=lambda q, *, s: by_name("zeta")(s, q))
def hurwitz_zeta(q: Operand, *, s: int) -> Var:
    """The sum of (q + k)**-s over k >= 0: polygamma but for a factor."""
    factor = (-1.0) ** s / math.factorial(s - 1)
    return factor * rows.polygamma(as_var(q, float_dtype(q)), n=s - 1)


def zeta(x: Any, q: Any) -> Any:
    """Hurwitz's zeta function of an integer order `x` from 2 to 61, known when the function is traced."""
    if isinstance(x, Handle) or np.ndim(x) or x != int(x) or not 2 <= x <= 61:
        raise UnsupportedError(
            f"zeta at {user_location()}: the first argument must be one integer from 2 to 61, got {_shown(x)}"
        )
    return hurwitz_zeta(q, s=int(x))


def _shown(x: Any) -> str:
    return f"an array of shape {x.shape}" if hasattr(x, "shape") and x.shape else repr(x)


def _beta(a: Operand, b: Operand) -> Var:
    """gamma(a) gamma(b) / gamma(a + b); through the logarithm where one of them overflows."""
    x, y = aligned(a, b, dtype=float_dtype(a, b))
    size = ops.maximum(ops.maximum(ops.abs_(x), ops.abs_(y)), ops.abs_(x + y))
    small = ops.lt(size, x.like(_OVERFLOWS if x.dtype == "f64" else 33.0))
    inside, other = (ops.select(small, v, v.like(1.0)) for v in (x, y))
    direct = rows.gamma(inside) / rows.gamma(inside + other) * rows.gamma(other)
    return ops.select(small, direct, ops.exp(_log_beta(x, y)))


def _betaln(a: Operand, b: Operand) -> Var:
    return _log_beta(*aligned(a, b, dtype=float_dtype(a, b)))


def _log_beta(x: Var, y: Var) -> Var:
    """The sum of three terms, or, where they would cancel, Stirling's series of two of them."""
    large, small = ops.maximum(x, y), ops.minimum(x, y)
    far = ops.logical_and(ops.gt(large, x.like(_LARGE)), ops.gt(large, _LARGE * ops.abs_(small)))
    base = ops.select(far, large, x.like(1.0))
    rest = small * (1.0 - small) / (2.0 * base)
    series = rows.lgamma(small) - small * ops.log(base) + rest * (1.0 + (1.0 - 2.0 * small) / (6.0 * base))
    plain = rows.lgamma(x) + (rows.lgamma(y) - rows.lgamma(x + y))
    return ops.select(far, series, plain)


beta, betaln = scipy_ufunc("beta", _beta), scipy_ufunc("betaln", _betaln)

UFUNCS: dict[str, Function] = {f.op.name: f for f in (gamma, gammaln, digamma, loggamma, beta, betaln)}
