"""The index of the scalar functions that emitted loops call, each built in LLVM IR where it is called.

`LIBRARY` maps every name in the templates of `ir.elementary` to a `ScalarFunction`; the loader wraps each one
for its compiler and calls `build(builder, *arguments)`. Arguments are LLVM values (double, float, i64,
i32, i1); the exponent of `integer_pow`, a literal in the source, arrives as a Python int instead.
The formulas live beside this file, in `scalar_arithmetic` and the `vector_*` modules.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import llvmlite.ir as ll

from tapejit.codegen import (
    deviance,
    discrete_quantile,
    incomplete_beta,
    incomplete_gamma,
    scalar_arithmetic,
    scalar_bits,
    scalar_random,
    vector_bessel,
    vector_entropy,
    vector_error_function,
    vector_exponential,
    vector_gamma,
    vector_inverse_error,
    vector_inverse_trigonometric,
    vector_logarithm,
    vector_polygamma,
    vector_power,
    vector_root,
    vector_trigonometric,
    wald,
)
from tapejit.codegen.complex_lane import ComplexLane, lane


@dataclass(frozen=True)
class ScalarFunction:
    """A formula on lanes, and the type of its result: that of operand `result_like` (None: bool, i1).

    The operand at position `literal` is a literal int of the source and arrives as a Python int.
    """

    formula: Callable[..., Any]
    arity: int = 1
    result_like: int | None = 0
    literal: int | None = None
    long: bool = False  # dozens of instructions: see `outlined`
    called_for: tuple[str, ...] = ()  # dtypes for which it is always called, see `outlined`
    complex_formula: Callable[..., Any] | None = None  # on complex lanes, see `complex_library`
    takes_parts: bool = False  # the result has the type of the parts of a complex operand

    def build(self, builder: ll.IRBuilder, *arguments: ll.Value | int) -> ll.Value:
        """The result's LLVM value; instructions are added where `builder` stands."""
        operands: list[Any] = [x if isinstance(x, int) else lane(builder, x) for x in arguments]
        value: ll.Value = self.formula_for(operands)(*operands).value
        return value

    def formula_for(self, operands: Sequence[Any]) -> Callable[..., Any]:
        """The formula for operands of these types."""
        is_complex = any(isinstance(x, ComplexLane) for x in operands)
        return self.complex_formula if is_complex and self.complex_formula else self.formula


LIBRARY: dict[str, ScalarFunction] = {
    "select": ScalarFunction(scalar_arithmetic.select, arity=3, result_like=1),
    "plus": ScalarFunction(scalar_arithmetic.plus, arity=2),
    "maximum": ScalarFunction(scalar_arithmetic.maximum, arity=2),
    "minimum": ScalarFunction(scalar_arithmetic.minimum, arity=2),
    "wins_max": ScalarFunction(scalar_arithmetic.wins_max, arity=2, result_like=None),
    "wins_min": ScalarFunction(scalar_arithmetic.wins_min, arity=2, result_like=None),
    "sign": ScalarFunction(scalar_arithmetic.sign),
    "floor": ScalarFunction(scalar_arithmetic.floor),
    "ceil": ScalarFunction(scalar_arithmetic.ceil),
    "sqrt": ScalarFunction(scalar_arithmetic.sqrt),
    "rsqrt": ScalarFunction(scalar_arithmetic.rsqrt),
    "floor_div": ScalarFunction(scalar_arithmetic.floor_div, arity=2),
    "mod": ScalarFunction(scalar_arithmetic.mod, arity=2),
    "shift_left": ScalarFunction(scalar_bits.shift_left, arity=2),
    "shift_right": ScalarFunction(scalar_bits.shift_right, arity=2),
    "copysign": ScalarFunction(scalar_bits.copysign, arity=2),
    "nextafter": ScalarFunction(scalar_bits.nextafter, arity=2),
    "rint": ScalarFunction(scalar_bits.rint),
    "threefry": ScalarFunction(scalar_random.threefry, arity=2, long=True),
    "integer_pow": ScalarFunction(scalar_arithmetic.integer_pow, arity=2, literal=1),
    "pow": ScalarFunction(vector_power.power, arity=2, long=True, called_for=("f64", "f32")),
    "exp": ScalarFunction(vector_exponential.exp, long=True),
    "exp2": ScalarFunction(vector_exponential.exp2, long=True),
    "expm1": ScalarFunction(vector_exponential.expm1, long=True),
    "log": ScalarFunction(vector_logarithm.log, long=True),
    "log1p": ScalarFunction(vector_logarithm.log1p, long=True),
    "log2": ScalarFunction(vector_logarithm.log2, long=True),
    "log10": ScalarFunction(vector_logarithm.log10, long=True),
    "cbrt": ScalarFunction(vector_root.cbrt, long=True),
    "logaddexp": ScalarFunction(vector_entropy.logaddexp, arity=2, long=True),
    "logaddexp2": ScalarFunction(vector_entropy.logaddexp2, arity=2, long=True),
    "xlogy": ScalarFunction(vector_entropy.xlogy, arity=2, long=True),
    "xlog1py": ScalarFunction(vector_entropy.xlog1py, arity=2, long=True),
    "logistic": ScalarFunction(vector_exponential.logistic, long=True),
    "erf": ScalarFunction(vector_error_function.erf, long=True),
    "erfc": ScalarFunction(vector_error_function.erfc, long=True),
    "erfcx": ScalarFunction(vector_error_function.erfcx, long=True),
    "erfinv": ScalarFunction(vector_inverse_error.erfinv, long=True),
    "erfcinv": ScalarFunction(vector_inverse_error.erfcinv, long=True),
    "ndtr": ScalarFunction(vector_error_function.ndtr, long=True),
    "log_ndtr": ScalarFunction(vector_error_function.log_ndtr, long=True),
    "gamma": ScalarFunction(vector_gamma.gamma, long=True, called_for=("f64", "f32")),
    "lgamma": ScalarFunction(vector_gamma.lgamma, long=True, called_for=("f64", "f32")),
    "digamma": ScalarFunction(vector_gamma.digamma, long=True, called_for=("f64", "f32")),
    "polygamma": ScalarFunction(vector_polygamma.polygamma, arity=2, literal=1),
    "poisson_mass": ScalarFunction(deviance.poisson_mass, arity=2),
    "gammainc": ScalarFunction(incomplete_gamma.gammainc, arity=2),
    "gammaincc": ScalarFunction(incomplete_gamma.gammaincc, arity=2),
    "gammainc_ratio": ScalarFunction(incomplete_gamma.gammainc_ratio, arity=3, literal=2),
    "gammaincinv": ScalarFunction(incomplete_gamma.gammaincinv, arity=2),
    "gammainccinv": ScalarFunction(incomplete_gamma.gammainccinv, arity=2),
    "log_gammaincinv": ScalarFunction(incomplete_gamma.log_gammaincinv, arity=2),
    "beta_density": ScalarFunction(incomplete_beta.beta_density, arity=3),
    "betainc": ScalarFunction(incomplete_beta.betainc, arity=3),
    "betaincc": ScalarFunction(incomplete_beta.betaincc, arity=3),
    "betainc_ratio": ScalarFunction(incomplete_beta.betainc_ratio, arity=4, literal=3),
    "betaincinv": ScalarFunction(incomplete_beta.betaincinv, arity=3),
    "betainccinv": ScalarFunction(incomplete_beta.betainccinv, arity=3),
    "poisson_quantile": ScalarFunction(discrete_quantile.poisson_quantile, arity=2),
    "binomial_quantile": ScalarFunction(discrete_quantile.binomial_quantile, arity=3),
    "wald_quantile": ScalarFunction(wald.wald_quantile, arity=2),
    "i0": ScalarFunction(vector_bessel.i0, long=True),
    "i1": ScalarFunction(vector_bessel.i1, long=True),
    "i0e": ScalarFunction(vector_bessel.i0e, long=True),
    "i1e": ScalarFunction(vector_bessel.i1e, long=True),
    "j0": ScalarFunction(vector_bessel.j0, long=True),
    "j1": ScalarFunction(vector_bessel.j1, long=True),
    "sin": ScalarFunction(vector_trigonometric.sin, long=True, called_for=("f32",)),
    "cos": ScalarFunction(vector_trigonometric.cos, long=True, called_for=("f32",)),
    "tan": ScalarFunction(vector_trigonometric.tan, long=True, called_for=("f32",)),
    "arcsin": ScalarFunction(vector_inverse_trigonometric.arcsin, long=True),
    "arccos": ScalarFunction(vector_inverse_trigonometric.arccos, long=True),
    "arctan": ScalarFunction(vector_inverse_trigonometric.arctan, long=True),
    "arctan2": ScalarFunction(vector_inverse_trigonometric.arctan2, arity=2, long=True),
    "sinh": ScalarFunction(vector_exponential.sinh, long=True),
    "cosh": ScalarFunction(vector_exponential.cosh, long=True),
    "tanh": ScalarFunction(vector_exponential.tanh, long=True),
}
