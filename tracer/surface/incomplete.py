"""The incomplete gamma and beta functions of `scipy.special`, their inverses, and what densities need
beside them.
"""

from __future__ import annotations

import numpy as np

from tapejit.ir import incomplete_gamma as gamma_rows
from tapejit.ir import incomplete_gamma_reference as gamma_reference
from tapejit.ir.builder import Var
from tapejit.tracer.operation import Operand, aligned, float_dtype
from tapejit.tracer.surface.function import Function, traced
from tapejit.tracer.surface.scipy_function import floating

UFUNCS: dict[str, Function] = {
    row.name: floating(row.name, row)
    for row in (gamma_rows.gammainc, gamma_rows.gammaincc, gamma_rows.gammaincinv, gamma_rows.gammainccinv)
}


def _numpy_log_gammaincinv(a: np.ndarray, p: np.ndarray) -> np.ndarray:
    dtype = np.result_type(np.asarray(a), np.asarray(p))
    found: np.ndarray = gamma_reference.log_gammaincinv(
        *(np.array(x, dtype) for x in np.broadcast_arrays(a, p))
    )
    return found


@traced(name="log_gammaincinv", numpy=_numpy_log_gammaincinv)
def log_gammaincinv(a: Operand, p: Operand) -> Var:
    """The logarithm of `gammaincinv(a, p)`, also where that underflows."""
    return gamma_rows.log_gammaincinv(*aligned(a, p, dtype=float_dtype(a, p)))
