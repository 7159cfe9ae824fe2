"""Every function of `scipy.special` that is traced, by the name that its ufunc has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tapejit.ir import ops
from tapejit.ir import special as rows
from tapejit.tracer.surface import entropy, error_function, gamma_function, incomplete
from tapejit.tracer.surface.function import Function
from tapejit.tracer.surface.scipy_function import floating

_BESSEL = {
    row.name: floating(row.name, row) for row in (rows.i0, rows.i1, rows.i0e, rows.i1e, rows.j0, rows.j1)
}
# SciPy has ufuncs of its own for functions that NumPy has too.
_ALSO_NUMPY = {row.name: floating(row.name, row) for row in (rows.exp2, rows.cbrt, ops.expm1, ops.log1p)}

UFUNCS: dict[str, Function] = {
    **_ALSO_NUMPY,
    **_BESSEL,
    **entropy.UFUNCS,
    **error_function.UFUNCS,
    **gamma_function.UFUNCS,
    **incomplete.UFUNCS,
}
# Called with the operands as they are: a static argument is among them.
CALLED: dict[str, Callable[..., Any]] = {"_zeta": gamma_function.zeta}
