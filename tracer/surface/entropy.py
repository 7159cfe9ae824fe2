"""Logistic functions, products with logarithms and entropies of `scipy.special`."""

from __future__ import annotations

import math

from tapejit.ir import ops
from tapejit.ir import special as rows
from tapejit.ir.builder import Var
from tapejit.tracer.operation import Operand, aligned, as_var, float_dtype
from tapejit.tracer.surface.function import Function
from tapejit.tracer.surface.scipy_function import floating, scipy_ufunc

expit = floating("expit", ops.logistic)
xlogy = floating("xlogy", rows.xlogy)
xlog1py = floating("xlog1py", rows.xlog1py)


def _logit(x: Operand) -> Var:
    """log(x / (1 - x)), near 1/2 through log1p, where it is small."""
    var = as_var(x, float_dtype(x))
    near = ops.lt(ops.abs_(var - 0.5), var.like(0.25))
    middle = ops.select(near, 2.0 * var - 1.0, var.like(0.0))
    return ops.select(near, ops.log1p(middle) - ops.log1p(-middle), ops.log(var) - ops.log1p(-var))


def _log_expit(x: Operand) -> Var:
    var = as_var(x, float_dtype(x))
    return -rows.logaddexp(-var, var.like(0.0))


def _entr(x: Operand) -> Var:
    """-x log x; 0 at 0, -inf below."""
    var = as_var(x, float_dtype(x))
    return ops.select(ops.lt(var, var.like(0.0)), var.like(-math.inf), -rows.xlogy(var, var))


def _rel_entr(x: Operand, y: Operand) -> Var:
    """x log(x / y); 0 for x = 0 <= y, inf elsewhere but where both are positive."""
    p, q = aligned(x, y, dtype=float_dtype(x, y))
    return _where_defined(p, q, _relative_entropy(p, q))


def _kl_div(x: Operand, y: Operand) -> Var:
    p, q = aligned(x, y, dtype=float_dtype(x, y))
    return _where_defined(p, q, _relative_entropy(p, q) - p + q)


def _relative_entropy(p: Var, q: Var) -> Var:
    """Where the ratio is near 1 through log1p of the exact difference."""
    near = ops.lt(ops.abs_(p - q), 0.5 * q)
    excess = ops.select(near, p - q, p.like(0.0)) / ops.select(near, q, q.like(1.0))
    return ops.select(near, p * ops.log1p(excess), rows.xlogy(p, p / q))


def _where_defined(p: Var, q: Var, value: Var) -> Var:
    zero = p.like(0.0)
    both = ops.logical_and(ops.gt(p, zero), ops.gt(q, zero))
    edge = ops.logical_and(ops.eq(p, zero), ops.ge(q, zero))
    at_edge = ops.select(ops.gt(q, zero), value, q * 0.0)
    found = ops.select(both, value, ops.select(edge, at_edge, p.like(math.inf)))
    unknown = ops.logical_or(ops.ne(p, p), ops.ne(q, q))
    return ops.select(unknown, p.like(math.nan), found)


logit, log_expit = scipy_ufunc("logit", _logit), scipy_ufunc("log_expit", _log_expit)
entr, rel_entr, kl_div = (
    scipy_ufunc(name, lower)
    for name, lower in (("entr", _entr), ("rel_entr", _rel_entr), ("kl_div", _kl_div))
)

UFUNCS: dict[str, Function] = {
    f.op.name: f for f in (expit, logit, log_expit, xlogy, xlog1py, entr, rel_entr, kl_div)
}
