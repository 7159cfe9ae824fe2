"""Every function of the surface by the NumPy function that it stands for: a new module is added here."""

from __future__ import annotations

from typing import Any

from tapejit.tracer.surface import (
    along,
    arrange,
    calculus,
    choose,
    complex_number,
    convolution,
    divisor,
    eigenvalue,
    einsum,
    elementwise,
    exponent,
    fourier,
    grid,
    histogram_grid,
    indexing,
    join,
    linalg,
    matrix_function,
    nan,
    norm,
    number,
    order,
    padding,
    polynomial,
    power,
    product,
    quantile,
    rearrange,
    reduction,
    search,
    set_function,
    shape,
    special,
    statistics,
    window,
)
from tapejit.tracer.surface.composed import Composed
from tapejit.tracer.surface.function import Function

_MODULES = (
    along,
    arrange,
    calculus,
    choose,
    complex_number,
    convolution,
    divisor,
    eigenvalue,
    einsum,
    elementwise,
    exponent,
    fourier,
    grid,
    histogram_grid,
    indexing,
    join,
    linalg,
    matrix_function,
    nan,
    norm,
    number,
    order,
    padding,
    polynomial,
    power,
    product,
    quantile,
    rearrange,
    reduction,
    search,
    set_function,
    shape,
    special,
    statistics,
    window,
)


def _sources(kind: type[Function] | type[Composed]) -> dict[Any, Any]:
    return {
        source: function
        for module in _MODULES
        for function in vars(module).values()
        if isinstance(function, kind)
        for source in function.sources
    }


FUNCTIONS: dict[Any, Function] = _sources(Function)
COMPOSED: dict[Any, Composed] = _sources(Composed)
