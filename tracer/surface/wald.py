"""Quantiles of the inverse Gaussian (Wald) distribution, which draws are made of."""

from __future__ import annotations

from typing import Any

import numpy as np

from tapejit.ir import wald
from tapejit.ir.builder import Var
from tapejit.ir.wald_reference import wald_quantile as by_newton
from tapejit.tracer.operation import Operand, aligned, float_dtype
from tapejit.tracer.surface.function import traced
from tapejit.tracer.surface.scipy_function import by_name


def _numpy_wald_quantile(mean: Any, p: Any) -> Any:
    mean, p = np.broadcast_arrays(mean, p)
    return by_newton(mean, p, by_name("erfcx"))


@traced(name="wald_quantile", numpy=_numpy_wald_quantile)
def wald_quantile(mean: Operand, p: Operand) -> Var:
    """Of shape parameter 1."""
    return wald.wald_quantile(*aligned(mean, p, dtype=float_dtype(mean, p)))
