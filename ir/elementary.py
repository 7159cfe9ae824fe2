"""Arithmetic, powers, exponentials, logarithms, trigonometric and hyperbolic functions.

Maps over scalars, each with its partials: x, y are operands, r the result. Arithmetic on `Var`s is IR again.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from tapejit.ir import shape
from tapejit.ir.choice import eq, select
from tapejit.ir.example import INTS, MORE_INTS, POS, SINGLE, UNIT, A, B, N, W, Z, both, both_complex
from tapejit.ir.primitive import Discrete, Primitive, elementwise
from tapejit.ir.shape import float_type, inexact_type, numeric_type, real_type

if TYPE_CHECKING:
    from tapejit.ir.builder import Var


def _over_cosine(x: Var) -> Var:
    """(1 - x**2)**-1/2; of complex numbers on the side of the cuts that the roots are on."""
    return 1.0 / (sqrt(1.0 - x) * sqrt(1.0 + x)) if x.is_complex else rsqrt((1.0 - x) * (1.0 + x))


# -- Arithmetic ------------------------------------------------------------------------------------

add = elementwise("add", infer=numeric_type, reference=np.add, source="{0} + {1}",
                  partials=(1.0, 1.0), examples=(*both(A, B), ((INTS, MORE_INTS), {}), *both_complex(Z, W)))
sub = elementwise("sub", infer=numeric_type, reference=np.subtract, source="{0} - {1}",
                  partials=(1.0, -1.0), examples=(*both(A, B), ((INTS, MORE_INTS), {}), *both_complex(Z, W)))
mul = elementwise("mul", infer=numeric_type, reference=np.multiply, source="{0} * {1}",
                  partials=(lambda r, x, y: y, lambda r, x, y: x),
                  examples=(*both(A, B), ((INTS, MORE_INTS), {}), *both_complex(Z, W)))
div = elementwise("div", infer=inexact_type, reference=np.divide, source="{0} / {1}",
                  complex_source="divide({0}, {1})", examples=(*both(A, B), *both_complex(Z, W)),
                  partials=(lambda r, x, y: 1.0 / y, lambda r, x, y: -r / y))
neg = elementwise("neg", infer=numeric_type, reference=np.negative, source="-{0}",
                  partials=(-1.0,), examples=(*both(A), ((INTS,), {}), *both_complex(Z)))
abs_ = elementwise("abs", infer=real_type, reference=np.abs, source="abs({0})",
                   partials=(lambda r, x: sign(x),), examples=(*both(A), ((INTS,), {})))
sign: Primitive = elementwise(
    "sign", infer=real_type, reference=np.sign, source="sign({0})",
    partials=Discrete("sign is piecewise constant"), examples=(*both(A), ((INTS,), {})))
floor = elementwise("floor", infer=float_type, reference=np.floor, source="floor({0})",
                    partials=Discrete("floor is piecewise constant"), examples=both(A))
ceil = elementwise("ceil", infer=float_type, reference=np.ceil, source="ceil({0})",
                   partials=Discrete("ceil is piecewise constant"), examples=both(A))
# floor_div and mod round towards minus infinity, as in Python; mod has the sign of the divisor.
floor_div = elementwise("floor_div", infer=real_type, reference=np.floor_divide,
                        source="floor_div({0}, {1})", partials=Discrete("floor is piecewise constant"),
                        examples=(*both(A, N[0, :3]), ((INTS, MORE_INTS), {})))
mod = elementwise("mod", infer=real_type, reference=np.remainder, source="mod({0}, {1})",
                  partials=(1.0, lambda r, x, y: -floor_div(x, y)),
                  examples=(*both(A, N[0, :3]), ((INTS, MORE_INTS), {})))

# -- Powers, exponentials, logarithms --------------------------------------------------------------

# x**y: d/dx is zero at y = 0 even where x**(y - 1) is infinite; d/dy is zero at x = 0.
pow_: Primitive = elementwise(
    "pow", infer=inexact_type, reference=np.power, source="pow({0}, {1})",
    partials=(
        lambda r, x, y: select(eq(y, y.like(0.0)), x.like(0.0), y * pow_(x, _nonzero(y) - 1.0)),
        lambda r, x, y: r * log(_nonzero(x)),
    ), examples=(*both(POS, B), *both_complex(Z, W)))
integer_pow = elementwise(
    "integer_pow", infer=shape.integer_pow, reference=shape.reference_integer_pow,
    source="integer_pow({0}, {exponent})", partials=(lambda r, x, exponent: _power_slope(x, exponent),),
    examples=(*(((A,), {"exponent": n}) for n in (3, 2, 1, 0, -2)),
              *(((Z,), {"exponent": n}) for n in (3, -2)), ((SINGLE,), {"exponent": 3}),
              ((INTS,), {"exponent": 2})))
sqrt = elementwise("sqrt", infer=inexact_type, reference=np.sqrt, source="sqrt({0})",
                   partials=(lambda r, x: 0.5 / r,), examples=(*both(POS), *both_complex(Z)))
rsqrt = elementwise("rsqrt", infer=float_type, reference=shape.reference_rsqrt, source="rsqrt({0})",
                    partials=(lambda r, x: -0.5 * r / x,), examples=both(POS))
exp = elementwise("exp", infer=inexact_type, reference=np.exp, source="exp({0})",
                  partials=(lambda r, x: r,), examples=(*both(A), *both_complex(Z)))
expm1 = elementwise("expm1", infer=float_type, reference=np.expm1, source="expm1({0})",
                    partials=(lambda r, x: r + 1.0,), examples=both(A))
log: Primitive = elementwise("log", infer=inexact_type, reference=np.log, source="log({0})",
                             partials=(lambda r, x: 1.0 / x,), examples=(*both(POS), *both_complex(Z)))
log1p = elementwise("log1p", infer=float_type, reference=np.log1p, source="log1p({0})",
                    partials=(lambda r, x: 1.0 / (1.0 + x),), examples=both(POS))
logistic = elementwise("logistic", infer=float_type, reference=shape.reference_logistic,
                       source="logistic({0})", partials=(lambda r, x: r * (1.0 - r),), examples=both(A))
erf = elementwise("erf", infer=float_type, reference=shape.reference_erf, source="erf({0})",
                  partials=(lambda r, x: (2.0 / math.sqrt(math.pi)) * exp(-(x * x)),), examples=both(A))

# -- Trigonometric and hyperbolic ------------------------------------------------------------------

sin = elementwise("sin", infer=inexact_type, reference=np.sin, source="sin({0})",
                  partials=(lambda r, x: cos(x),), examples=(*both(A), *both_complex(Z)))
cos: Primitive = elementwise("cos", infer=inexact_type, reference=np.cos, source="cos({0})",
                             partials=(lambda r, x: -sin(x),), examples=(*both(A), *both_complex(Z)))
tan = elementwise("tan", infer=inexact_type, reference=np.tan, source="tan({0})",
                  partials=(lambda r, x: 1.0 + r * r,), examples=(*both(A), *both_complex(Z)))
arcsin = elementwise("arcsin", infer=inexact_type, reference=np.arcsin, source="arcsin({0})",
                     partials=(lambda r, x: _over_cosine(x),), examples=(*both(UNIT), *both_complex(Z)))
arccos = elementwise("arccos", infer=inexact_type, reference=np.arccos, source="arccos({0})",
                     partials=(lambda r, x: -_over_cosine(x),), examples=(*both(UNIT), *both_complex(Z)))
arctan = elementwise("arctan", infer=inexact_type, reference=np.arctan, source="arctan({0})",
                     partials=(lambda r, x: 1.0 / (1.0 + x * x),), examples=(*both(A), *both_complex(Z)))
arctan2 = elementwise(
    "arctan2", infer=float_type, reference=np.arctan2, source="arctan2({0}, {1})",
    partials=(lambda r, y, x: x / (x * x + y * y), lambda r, y, x: -y / (x * x + y * y)),
    examples=both(A, B))
sinh = elementwise("sinh", infer=inexact_type, reference=np.sinh, source="sinh({0})",
                   partials=(lambda r, x: cosh(x),), examples=(*both(A), *both_complex(Z)))
cosh: Primitive = elementwise("cosh", infer=inexact_type, reference=np.cosh, source="cosh({0})",
                              partials=(lambda r, x: sinh(x),), examples=(*both(A), *both_complex(Z)))
tanh = elementwise("tanh", infer=inexact_type, reference=np.tanh, source="tanh({0})",
                   partials=(lambda r, x: 1.0 - r * r,), examples=(*both(A), *both_complex(Z)))

# -- What the rules above are written with ---------------------------------------------------------


def _nonzero(x: Var) -> Var:
    """x with ones for zeros."""
    return select(eq(x, x.like(0.0)), x.like(1.0), x)


def _power_slope(x: Var, exponent: int) -> Var:
    if exponent == 0:
        return x.like(0.0)
    return float(exponent) * integer_pow(x, exponent=exponent - 1)
