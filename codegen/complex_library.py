"""Which functions of the vocabulary also take complex numbers, and by which formula."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from tapejit.codegen import complex_function, complex_inverse, scalar_arithmetic
from tapejit.codegen.complex_lane import choose
from tapejit.codegen.scalar_library import ScalarFunction

FORMULAS: dict[str, Callable[..., Any]] = {
    "select": choose,
    "integer_pow": scalar_arithmetic.integer_pow,
    "pow": complex_function.power,
    "exp": complex_function.exp,
    "log": complex_function.log,
    "sqrt": complex_function.sqrt,
    "sin": complex_function.sin,
    "cos": complex_function.cos,
    "tan": complex_function.tan,
    "arcsin": complex_inverse.arcsin,
    "arccos": complex_inverse.arccos,
    "arctan": complex_inverse.arctan,
    "sinh": complex_function.sinh,
    "cosh": complex_function.cosh,
    "tanh": complex_function.tanh,
}
BY_PARTS = ("plus", "rounding", "compensated")
COMPLEX_ONLY: dict[str, ScalarFunction] = {
    "divide": ScalarFunction(complex_function.divide, arity=2),
    "modulus": ScalarFunction(complex_function.modulus, takes_parts=True),
}


def with_complex(vocabulary: Mapping[str, ScalarFunction]) -> dict[str, ScalarFunction]:
    """The vocabulary with complex formulas beside the real ones."""
    formulas = {name: complex_function.by_parts(vocabulary[name].formula) for name in BY_PARTS} | FORMULAS
    both = {name: replace(vocabulary[name], complex_formula=formula) for name, formula in formulas.items()}
    return {**vocabulary, **both, **COMPLEX_ONLY}
