"""The error functions of `scipy.special`, and the normal distribution that is made of them."""

from __future__ import annotations

import math

from tapejit.ir import ops
from tapejit.ir import special as rows
from tapejit.ir.builder import Var
from tapejit.tracer.operation import Operand, as_var, float_dtype
from tapejit.tracer.surface.function import Function
from tapejit.tracer.surface.scipy_function import floating, scipy_ufunc

erf = floating("erf", ops.erf)
erfc = floating("erfc", rows.erfc)
erfcx = floating("erfcx", rows.erfcx)
erfinv = floating("erfinv", rows.erfinv)
erfcinv = floating("erfcinv", rows.erfcinv)
log_ndtr = floating("log_ndtr", rows.log_ndtr)
ndtr = floating("ndtr", rows.ndtr)


def _ndtri(y: Operand) -> Var:
    """Its inverse."""
    return -math.sqrt(2.0) * rows.erfcinv(2.0 * as_var(y, float_dtype(y)))


ndtri = scipy_ufunc("ndtri", _ndtri)

UFUNCS: dict[str, Function] = {
    f.op.name: f for f in (erf, erfc, erfcx, erfinv, erfcinv, log_ndtr, ndtr, ndtri)
}
