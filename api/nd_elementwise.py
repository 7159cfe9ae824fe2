"""Elementwise functions of the `nd` face: MXNet's names and operand names over the array surface.

What differs from NumPy is the truth values: comparisons and logical functions give 0 and 1 in the
dtype of their operands. `ELEMENTWISE` is the table of all of them by name.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tapejit.ir.builder import Var
from tapejit.tracer.operation import WEAK_DTYPE, Operand, Operation, cast, common_dtype
from tapejit.tracer.surface import complex_number, elementwise, entropy, error_function, power
from tapejit.tracer.surface.function import Function


def named(function: Function, *operands: str) -> Function:
    """`function` with MXNet's names for its operands."""
    names = (*operands, *function.statics)
    return Function(
        function.op,
        operands,
        function.statics,
        function.variadic,
        names,
        optional=len(function.operands) - function.required,
    )


def numeric(function: Function, *operands: str) -> Function:
    """A function of truth values that gives 0 and 1 in the common dtype of its operands."""
    op = function.op

    def lower(*xs: Operand) -> Var:
        return cast(op.lower(*xs), common_dtype(*xs))

    def run(*xs: Any) -> np.ndarray:
        dtype = np.result_type(*(x if type(x) in WEAK_DTYPE else np.asarray(x) for x in xs))
        return op.numpy(*xs).astype(dtype)

    return Function(Operation(op.name, lower, run), operands, {}, False, operands)


equal = numeric(elementwise.equal, "lhs", "rhs")
not_equal = numeric(elementwise.not_equal, "lhs", "rhs")
greater = numeric(elementwise.greater, "lhs", "rhs")
greater_equal = numeric(elementwise.greater_equal, "lhs", "rhs")
lesser = numeric(elementwise.less, "lhs", "rhs")
lesser_equal = numeric(elementwise.less_equal, "lhs", "rhs")

_TRUTH = {
    "equal": equal,
    "not_equal": not_equal,
    "greater": greater,
    "greater_equal": greater_equal,
    "lesser": lesser,
    "lesser_equal": lesser_equal,
    "logical_and": numeric(elementwise.logical_and, "lhs", "rhs"),
    "logical_or": numeric(elementwise.logical_or, "lhs", "rhs"),
    "logical_xor": numeric(elementwise.logical_xor, "lhs", "rhs"),
}

# Several names of one function: elementwise in MXNet's symbols, broadcasting, and short.
_ARITHMETIC = {
    "add elemwise_add broadcast_add broadcast_plus": elementwise.add,
    "subtract elemwise_sub broadcast_sub broadcast_minus": elementwise.subtract,
    "multiply elemwise_mul broadcast_mul": elementwise.multiply,
    "divide elemwise_div broadcast_div": elementwise.divide,
    "modulo broadcast_mod": elementwise.remainder,
    "power broadcast_power": power.power,
    "maximum broadcast_maximum": elementwise.maximum,
    "minimum broadcast_minimum": elementwise.minimum,
    "arctan2": elementwise.arctan2,
}

_SAME_NAME = (
    "exp expm1 log log1p log2 log10 sqrt square sin cos tan arcsin arccos arctan sinh cosh tanh floor ceil "
    "trunc reciprocal negative relu stop_gradient"
)
_UNARY = {
    "abs": complex_number.absolute,
    "sign": complex_number.sign,
    "sigmoid": entropy.expit,
    "erf": error_function.erf,
    "degrees": elementwise.rad2deg,
    "radians": elementwise.deg2rad,
    "fix": elementwise.trunc,
    "BlockGrad": elementwise.stop_gradient,
    "identity": elementwise.copy,
    "make_loss": elementwise.copy,
    "zeros_like": elementwise.zeros_like,
    "ones_like": elementwise.ones_like,
    "cast": elementwise.astype,
    "Cast": elementwise.astype,
} | {name: getattr(elementwise, name) for name in _SAME_NAME.split()}

ELEMENTWISE: dict[str, Function] = {
    **{name: named(function, "data") for name, function in _UNARY.items()},
    **{
        name: named(function, "lhs", "rhs")
        for names, function in _ARITHMETIC.items()
        for name in names.split()
    },
    **_TRUTH,
    **{f"broadcast_{name}": function for name, function in _TRUTH.items()},
    "logical_not": numeric(elementwise.logical_not, "data"),
    "where": named(elementwise.where, "condition", "x", "y"),
    "clip": named(elementwise.clip, "data", "a_min", "a_max"),
}
