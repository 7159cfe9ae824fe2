"""The elementary primitives in one namespace: the rows that rules, passes and the surface are written with.

One row is everything the compiler knows about a primitive. They stand in a file for each concept, from
`ir.elementary` to `ir.constant`; the other families are in files of their own, joined in `ir.table`.
docs/add-a-primitive.md is the recipe.
"""

from tapejit.ir.elementary import (
    add, sub, mul, div, neg, abs_, sign, floor, ceil, floor_div, mod, pow_, integer_pow, sqrt, rsqrt,
    exp, expm1, log, log1p, logistic, erf, sin, cos, tan, arcsin, arccos, arctan, arctan2, sinh, cosh,
    tanh,
)
from tapejit.ir.choice import (
    eq, ne, lt, le, gt, ge, logical_and, logical_or, logical_xor, logical_not, select, maximum, minimum,
)
from tapejit.ir.conversion import (
    cast, stop_gradient,
)
from tapejit.ir.reduction import (
    reduce_sum, reduce_prod, reduce_max, reduce_min, reduce_any, reduce_all, argmax, argmin, broadcast,
)
from tapejit.ir.layout import (
    reshape, transpose, reverse, slice_, pad, concat,
)
from tapejit.ir.product import (
    dot_general,
)
from tapejit.ir.constant import (
    full, iota,
)

__all__ = (
    "add", "sub", "mul", "div", "neg", "abs_", "sign", "floor", "ceil", "floor_div", "mod", "pow_",
    "integer_pow", "sqrt", "rsqrt", "exp", "expm1", "log", "log1p", "logistic", "erf", "sin", "cos",
    "tan", "arcsin", "arccos", "arctan", "arctan2", "sinh", "cosh", "tanh", "eq", "ne", "lt", "le",
    "gt", "ge", "logical_and", "logical_or", "logical_xor", "logical_not", "select", "maximum",
    "minimum", "cast", "stop_gradient", "reduce_sum", "reduce_prod", "reduce_max", "reduce_min",
    "reduce_any", "reduce_all", "argmax", "argmin", "broadcast", "reshape", "transpose", "reverse",
    "slice_", "pad", "concat", "dot_general", "full", "iota",
)
