"""Functions of `scipy.special` by name: SciPy is imported when one is first computed, not with tapejit.

SciPy's ufuncs reach us through NumPy's `__array_ufunc__` and are known there by their names.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from tapejit.ir.primitive import Primitive
from tapejit.tracer.operation import Operand, Operation, aligned, float_dtype
from tapejit.tracer.surface.function import Function


def by_name(name: str) -> Callable[..., Any]:
    """The function `name` of scipy.special."""

    def run(*xs: Any, **statics: Any) -> Any:
        import scipy.special

        return getattr(scipy.special, name)(*xs, **statics)

    run.__name__ = name
    return run


def scipy_ufunc(name: str, lower: Callable[..., Any]) -> Function:
    """The traced form of a ufunc of scipy.special; `lower`'s positional parameters are its operands."""
    operands = tuple(inspect.signature(lower).parameters)
    return Function(Operation(name, lower, by_name(name)), operands, {}, False, operands)


def floating(name: str, primitive: Primitive) -> Function:
    """A ufunc that is a primitive, computed in floating point: integers become f64."""

    def unary(x: Operand) -> Any:
        return primitive(*aligned(x, dtype=float_dtype(x)))

    def binary(x: Operand, y: Operand) -> Any:
        return primitive(*aligned(x, y, dtype=float_dtype(x, y)))

    return scipy_ufunc(name, unary if primitive.arity == 1 else binary)
