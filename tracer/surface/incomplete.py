"""The incomplete gamma and beta functions of `scipy.special`, their inverses, and what densities need
beside them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tapejit.ir import incomplete_beta as beta_rows
from tapejit.ir import incomplete_gamma as gamma_rows
from tapejit.ir.builder import Var
from tapejit.ir.primitive import Primitive
from tapejit.tracer.operation import Operand, aligned, float_dtype
from tapejit.tracer.surface.function import Function, traced
from tapejit.tracer.surface.scipy_function import by_name, floating, scipy_ufunc

_NOTHING = -45.0  # exp of it is nothing beside 1


def _of_beta(row: Primitive) -> Function:
    def lower(a: Operand, b: Operand, x: Operand) -> Var:
        return row(*aligned(a, b, x, dtype=float_dtype(a, b, x)))

    return scipy_ufunc(row.name, lower)


_GAMMA = (gamma_rows.gammainc, gamma_rows.gammaincc, gamma_rows.gammaincinv, gamma_rows.gammainccinv)
_BETA = (beta_rows.betainc, beta_rows.betaincc, beta_rows.betaincinv, beta_rows.betainccinv)
UFUNCS: dict[str, Function] = {
    **{row.name: floating(row.name, row) for row in _GAMMA},
    **{row.name: _of_beta(row) for row in _BETA},
}


def _numpy_log_gammaincinv(a: Any, p: Any) -> Any:
    """By SciPy, and for tiny results by the leading term of their series (DLMF 8.7.1)."""
    with np.errstate(all="ignore"):
        tail = (np.log(p) + by_name("gammaln")(a + 1.0)) / a
        return np.where(tail < _NOTHING, tail, np.log(by_name("gammaincinv")(a, p)))


@traced(name="log_gammaincinv", numpy=_numpy_log_gammaincinv)
def log_gammaincinv(a: Operand, p: Operand) -> Var:
    """The logarithm of `gammaincinv(a, p)`, also where that underflows."""
    return gamma_rows.log_gammaincinv(*aligned(a, p, dtype=float_dtype(a, p)))
