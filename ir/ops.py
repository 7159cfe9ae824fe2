"""The primitives without regions: one row is everything the compiler knows about a primitive.

Rules are arithmetic on `Var`s: x, y, c are operands, r the result, ct its adjoint. Type rules and
longer references live in `ir.shape`. Examples avoid symmetry (square shapes, self-inverse
permutations, equal numbers), which hides wrong rules. docs/add-a-primitive.md is the recipe.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tapejit.ir import complex_number, shape
from tapejit.ir.emission import (
    Constant,
    Fold,
    FoldIndex,
    IndexMap,
    Padded,
    Pieces,
    Product,
    Reinterpret,
    Scalar,
)
from tapejit.ir.primitive import Discrete, Mapped, Primitive, elementwise, linear, reduction
from tapejit.ir.shape import float_type, inexact_type, numeric_type, real_type
from tapejit.ir.types import NUMPY_NAME, TensorType

if TYPE_CHECKING:
    from tapejit.ir.builder import Var

_A = np.array([0.3, -1.2, 2.5])
_B = np.array([1.7, 0.4, -0.6])
_POS = np.array([0.2, 1.0, 3.5])
_UNIT = np.array([0.3, -0.8, 0.1])
_I = np.array([7, -3, 2])
_J = np.array([2, 5, -4])
_P = np.array([True, False, True])
_Q = np.array([False, False, True])
_M = np.arange(6.0).reshape(2, 3) - 2.2
_N = np.array([[0.5, 1.5, -0.7, 0.2], [1.1, -0.3, 0.9, 2.0], [0.4, 0.8, -1.6, 0.6]])
_T = np.sin(np.arange(24.0)).reshape(2, 3, 4)
_SINGLE = np.array([0.3, -1.2, 2.5], np.float32)
_CUBE = np.cos(np.arange(24.0)).reshape(4, 3, 2)
_BLOCK = np.cos(np.arange(30.0)).reshape(5, 2, 3)
_Z = np.array([0.3 - 1.7j, -1.2 + 0.4j, 2.5 + 0.6j])
_W = np.array([1.1 + 0.2j, -0.4 - 0.9j, 0.7 + 1.3j])
_ZM, _ZN, _ZT = _M + 1j * _M[::-1, ::-1] ** 2, _N + 1j * _N[::-1], _T + 1j * np.cos(_T * 7.0)


def _over_cosine(x: Var) -> Var:
    """(1 - x**2)**-1/2; of complex numbers on the side of the cuts that the roots are on."""
    return 1.0 / (sqrt(1.0 - x) * sqrt(1.0 + x)) if x.is_complex else rsqrt((1.0 - x) * (1.0 + x))


def _both(*operands: np.ndarray) -> tuple[Any, ...]:
    """The same example in f64 and in f32."""
    return ((operands, {}), (tuple(x.astype(np.float32) for x in operands), {}))


def _complex(*operands: np.ndarray) -> tuple[Any, ...]:
    """The same example in c128 and in c64."""
    return ((operands, {}), (tuple(x.astype(np.complex64) for x in operands), {}))


# -- Arithmetic ------------------------------------------------------------------------------------

add = elementwise("add", infer=numeric_type, reference=np.add, source="{0} + {1}",
                  partials=(1.0, 1.0), examples=(*_both(_A, _B), ((_I, _J), {}), *_complex(_Z, _W)))
sub = elementwise("sub", infer=numeric_type, reference=np.subtract, source="{0} - {1}",
                  partials=(1.0, -1.0), examples=(*_both(_A, _B), ((_I, _J), {}), *_complex(_Z, _W)))
mul = elementwise("mul", infer=numeric_type, reference=np.multiply, source="{0} * {1}",
                  partials=(lambda r, x, y: y, lambda r, x, y: x),
                  examples=(*_both(_A, _B), ((_I, _J), {}), *_complex(_Z, _W)))
div = elementwise("div", infer=inexact_type, reference=np.divide, source="{0} / {1}",
                  complex_source="divide({0}, {1})", examples=(*_both(_A, _B), *_complex(_Z, _W)),
                  partials=(lambda r, x, y: 1.0 / y, lambda r, x, y: -r / y))
neg = elementwise("neg", infer=numeric_type, reference=np.negative, source="-{0}",
                  partials=(-1.0,), examples=(*_both(_A), ((_I,), {}), *_complex(_Z)))
abs_ = elementwise("abs", infer=real_type, reference=np.abs, source="abs({0})",
                   partials=(lambda r, x: sign(x),), examples=(*_both(_A), ((_I,), {})))
sign = elementwise("sign", infer=real_type, reference=np.sign, source="sign({0})",
                   partials=Discrete("sign is piecewise constant"), examples=(*_both(_A), ((_I,), {})))
floor = elementwise("floor", infer=float_type, reference=np.floor, source="floor({0})",
                    partials=Discrete("floor is piecewise constant"), examples=_both(_A))
ceil = elementwise("ceil", infer=float_type, reference=np.ceil, source="ceil({0})",
                   partials=Discrete("ceil is piecewise constant"), examples=_both(_A))
# floor_div and mod round towards minus infinity, as in Python; mod has the sign of the divisor.
floor_div = elementwise("floor_div", infer=real_type, reference=np.floor_divide,
                        source="floor_div({0}, {1})", partials=Discrete("floor is piecewise constant"),
                        examples=(*_both(_A, _N[0, :3]), ((_I, _J), {})))
mod = elementwise("mod", infer=real_type, reference=np.remainder, source="mod({0}, {1})",
                  partials=(1.0, lambda r, x, y: -floor_div(x, y)),
                  examples=(*_both(_A, _N[0, :3]), ((_I, _J), {})))

# -- Powers, exponentials, logarithms --------------------------------------------------------------

# x**y: d/dx is zero at y = 0 even where x**(y - 1) is infinite; d/dy is zero at x = 0.
pow_ = elementwise(
    "pow", infer=inexact_type, reference=np.power, source="pow({0}, {1})",
    partials=(
        lambda r, x, y: select(eq(y, y.like(0.0)), x.like(0.0), y * pow_(x, _nonzero(y) - 1.0)),
        lambda r, x, y: r * log(_nonzero(x)),
    ), examples=(*_both(_POS, _B), *_complex(_Z, _W)))
integer_pow = elementwise(
    "integer_pow", infer=shape.integer_pow, reference=shape.reference_integer_pow,
    source="integer_pow({0}, {exponent})", partials=(lambda r, x, exponent: _power_slope(x, exponent),),
    examples=(*(((_A,), {"exponent": n}) for n in (3, 2, 1, 0, -2)),
              *(((_Z,), {"exponent": n}) for n in (3, -2)), ((_SINGLE,), {"exponent": 3}),
              ((_I,), {"exponent": 2})))
sqrt = elementwise("sqrt", infer=inexact_type, reference=np.sqrt, source="sqrt({0})",
                   partials=(lambda r, x: 0.5 / r,), examples=(*_both(_POS), *_complex(_Z)))
rsqrt = elementwise("rsqrt", infer=float_type, reference=shape.reference_rsqrt, source="rsqrt({0})",
                    partials=(lambda r, x: -0.5 * r / x,), examples=_both(_POS))
exp = elementwise("exp", infer=inexact_type, reference=np.exp, source="exp({0})",
                  partials=(lambda r, x: r,), examples=(*_both(_A), *_complex(_Z)))
expm1 = elementwise("expm1", infer=float_type, reference=np.expm1, source="expm1({0})",
                    partials=(lambda r, x: r + 1.0,), examples=_both(_A))
log = elementwise("log", infer=inexact_type, reference=np.log, source="log({0})",
                  partials=(lambda r, x: 1.0 / x,), examples=(*_both(_POS), *_complex(_Z)))
log1p = elementwise("log1p", infer=float_type, reference=np.log1p, source="log1p({0})",
                    partials=(lambda r, x: 1.0 / (1.0 + x),), examples=_both(_POS))
logistic = elementwise("logistic", infer=float_type, reference=shape.reference_logistic,
                       source="logistic({0})", partials=(lambda r, x: r * (1.0 - r),), examples=_both(_A))
erf = elementwise("erf", infer=float_type, reference=shape.reference_erf, source="erf({0})",
                  partials=(lambda r, x: (2.0 / math.sqrt(math.pi)) * exp(-(x * x)),), examples=_both(_A))

# -- Trigonometric and hyperbolic ------------------------------------------------------------------

sin = elementwise("sin", infer=inexact_type, reference=np.sin, source="sin({0})",
                  partials=(lambda r, x: cos(x),), examples=(*_both(_A), *_complex(_Z)))
cos = elementwise("cos", infer=inexact_type, reference=np.cos, source="cos({0})",
                  partials=(lambda r, x: -sin(x),), examples=(*_both(_A), *_complex(_Z)))
tan = elementwise("tan", infer=inexact_type, reference=np.tan, source="tan({0})",
                  partials=(lambda r, x: 1.0 + r * r,), examples=(*_both(_A), *_complex(_Z)))
arcsin = elementwise("arcsin", infer=inexact_type, reference=np.arcsin, source="arcsin({0})",
                     partials=(lambda r, x: _over_cosine(x),), examples=(*_both(_UNIT), *_complex(_Z)))
arccos = elementwise("arccos", infer=inexact_type, reference=np.arccos, source="arccos({0})",
                     partials=(lambda r, x: -_over_cosine(x),), examples=(*_both(_UNIT), *_complex(_Z)))
arctan = elementwise("arctan", infer=inexact_type, reference=np.arctan, source="arctan({0})",
                     partials=(lambda r, x: 1.0 / (1.0 + x * x),), examples=(*_both(_A), *_complex(_Z)))
arctan2 = elementwise(
    "arctan2", infer=float_type, reference=np.arctan2, source="arctan2({0}, {1})",
    partials=(lambda r, y, x: x / (x * x + y * y), lambda r, y, x: -y / (x * x + y * y)),
    examples=_both(_A, _B))
sinh = elementwise("sinh", infer=inexact_type, reference=np.sinh, source="sinh({0})",
                   partials=(lambda r, x: cosh(x),), examples=(*_both(_A), *_complex(_Z)))
cosh = elementwise("cosh", infer=inexact_type, reference=np.cosh, source="cosh({0})",
                   partials=(lambda r, x: sinh(x),), examples=(*_both(_A), *_complex(_Z)))
tanh = elementwise("tanh", infer=inexact_type, reference=np.tanh, source="tanh({0})",
                   partials=(lambda r, x: 1.0 - r * r,), examples=(*_both(_A), *_complex(_Z)))

# -- Comparison, logic, choice ---------------------------------------------------------------------

_COMPARISON = Discrete("a comparison is piecewise constant")
_LOGIC = Discrete("a truth value has no derivative")
_PAIRS = (*_both(_A, np.array([0.3, 0.4, -0.6])), ((_I, np.array([7, 5, -4])), {}))

eq = elementwise("eq", infer=shape.comparison, reference=np.equal, source="{0} == {1}",
                 partials=_COMPARISON, examples=(*_PAIRS, ((_P, _Q), {}), *_complex(_Z, _Z[[0, 2, 1]])))
ne = elementwise("ne", infer=shape.comparison, reference=np.not_equal, source="{0} != {1}",
                 partials=_COMPARISON, examples=(*_PAIRS, ((_P, _Q), {}), *_complex(_Z, _Z[[0, 2, 1]])))
lt = elementwise("lt", infer=shape.ordering, reference=np.less, source="{0} < {1}",
                 partials=_COMPARISON, examples=_PAIRS)
le = elementwise("le", infer=shape.ordering, reference=np.less_equal, source="{0} <= {1}",
                 partials=_COMPARISON, examples=_PAIRS)
gt = elementwise("gt", infer=shape.ordering, reference=np.greater, source="{0} > {1}",
                 partials=_COMPARISON, examples=_PAIRS)
ge = elementwise("ge", infer=shape.ordering, reference=np.greater_equal, source="{0} >= {1}",
                 partials=_COMPARISON, examples=_PAIRS)
logical_and = elementwise("logical_and", infer=shape.logic, reference=np.logical_and, source="{0} & {1}",
                          partials=_LOGIC, examples=(((_P, _Q), {}),))
logical_or = elementwise("logical_or", infer=shape.logic, reference=np.logical_or, source="{0} | {1}",
                         partials=_LOGIC, examples=(((_P, _Q), {}),))
logical_xor = elementwise("logical_xor", infer=shape.logic, reference=np.logical_xor, source="{0} != {1}",
                          partials=_LOGIC, examples=(((_P, _Q), {}),))
logical_not = elementwise("logical_not", infer=shape.logic, reference=np.logical_not, source="not {0}",
                          partials=_LOGIC, examples=(((_P,), {}),))


def _choice(name: str, *, wins: Any, **fields: Any) -> Primitive:
    """One of the last two operands, where `wins(*operands)` says which (True: the first of them).

    The adjoint is masked, not multiplied by 0 and 1: an infinite adjoint must not make NaN of the
    side that was not chosen. `wins` may also return a second truth value, the ties: they split evenly.
    """

    def share(t: Var, won: Var, tied: Var | None) -> Var:
        rest = t.like(0.0) if tied is None else select(tied, 0.5 * t, t.like(0.0))
        chosen = select(won, t, rest)
        mask = won if tied is None else logical_or(won, tied)
        return chosen.masked_by(mask if t.mask is None else logical_and(t.mask, mask))

    def shares(operands: tuple[Var, ...]) -> tuple[Var, Var, Var | None]:
        won, tied = wins(*operands)
        lost = logical_not(won if tied is None else logical_or(won, tied))
        return won, lost, tied

    def jvp(tangents: Any, r: Var, *operands: Var) -> Any:
        won, lost, tied = shares(operands)
        t, u = tangents[-2:]
        first = None if t is None else share(t, won, tied)
        second = None if u is None else share(u, lost, tied)
        return second if first is None else first if second is None else first + second

    def vjp(ct: Var, r: Var, *operands: Var) -> Any:
        won, lost, tied = shares(operands)
        rest = (None,) * (len(operands) - 2)
        return (*rest, share(ct, won, tied), share(ct, lost, tied))

    row = Primitive(name=name, results=1, jvp=jvp, vjp=vjp, batch=lambda *xs: row(*xs), **fields)
    return row


# `select(c, x, y)` is x where c, else y: NumPy's `where`.
select = _choice("select", arity=3, wins=lambda c, x, y: (c, None), infer=shape.select,
                 reference=np.where, emission=Scalar("select({0}, {1}, {2})"),
                 examples=(((_P, _A, _B), {}), ((_P, _B.astype(np.float32), _SINGLE), {}),
                           ((_P, _I, _J), {}), ((_P, _Z, _W), {})))
# NaN wins over a number, as in NumPy; a tie splits the adjoint evenly.
maximum = _choice("maximum", arity=2, wins=lambda x, y: (_ahead(x, gt, y), eq(x, y)), infer=real_type,
                  reference=np.maximum, emission=Scalar("maximum({0}, {1})"),
                  examples=(*_both(_A, _B), ((_I, _J), {})))
minimum = _choice("minimum", arity=2, wins=lambda x, y: (_ahead(x, lt, y), eq(x, y)), infer=real_type,
                  reference=np.minimum, emission=Scalar("minimum({0}, {1})"),
                  examples=(*_both(_A, _B), ((_I, _J), {})))

# -- Conversion ------------------------------------------------------------------------------------

cast = linear(
    "cast", infer=shape.cast, emission=Scalar("{dtype}({0})"), moves=True,
    reference=lambda x, *, dtype: np.asarray(x).astype(NUMPY_NAME[dtype]),
    transpose=lambda ct, x, *, dtype: cast(
        complex_number.real(ct) if ct.is_complex and not x.is_complex else ct, dtype=x.dtype),
    batch=lambda x, *, dtype: cast(x, dtype=dtype),
    examples=(((_A,), {"dtype": "f32"}), ((_SINGLE,), {"dtype": "f64"}), ((_A,), {"dtype": "i64"}),
              ((_I,), {"dtype": "f64"}), ((_P,), {"dtype": "f64"}), ((_A,), {"dtype": "bool"}),
              ((_I,), {"dtype": "i32"}), ((_A,), {"dtype": "c128"}), ((_SINGLE,), {"dtype": "c64"}),
              ((_A,), {"dtype": "c64"}), ((_Z,), {"dtype": "c64"}), ((_I,), {"dtype": "c128"})))
stop_gradient = elementwise("stop_gradient", infer=lambda x: x, reference=lambda x: x, source="{0}",
                            partials=Discrete("it is there to stop the derivative"),
                            examples=(*_both(_A), ((_I,), {})))

# -- Reductions over `axes` ------------------------------------------------------------------------

reduce_sum = linear(
    "reduce_sum", infer=shape.reduce_numeric, moves=True,
    reference=lambda x, *, axes: np.sum(x, axis=axes, dtype=x.dtype),
    transpose=lambda ct, x, *, axes: _spread(ct, x.shape, axes),
    batch=lambda x, *, axes: reduce_sum(x, axes=tuple(a + 1 for a in axes)),
    emission=Fold(lambda dtype: "0", "plus({0}, {1})"),
    examples=(((_M,), {"axes": (0,)}), ((_T,), {"axes": (1, 2)}), ((_T,), {"axes": (0, 2)}),
              ((_SINGLE,), {"axes": (0,)}), ((_I,), {"axes": (0,)}), ((_ZT,), {"axes": (0, 2)}),
              ((_Z.astype(np.complex64),), {"axes": (0,)})))
reduce_prod = reduction(
    "reduce_prod", infer=shape.reduce_numeric, spread=lambda y, s, axes: _spread(y, s, axes),
    reference=lambda x, *, axes: np.prod(x, axis=axes, dtype=x.dtype),
    partial=lambda r, x, axes: _others_product(x, axes), total=lambda x, axes: reduce_sum(x, axes=axes),
    emission=Fold(lambda dtype: "1", "{0} * {1}"),
    examples=(((_M,), {"axes": (1,)}), ((_T,), {"axes": (0, 2)}), ((_A * [0, 1, 1],), {"axes": (0,)}),
              ((_T[0, :, :2] * [0.0, 1.0],), {"axes": (0,)}), ((_SINGLE,), {"axes": (0,)}),
              ((_I,), {"axes": (0,)}), ((_ZM,), {"axes": (1,)})))


def _extreme(name: str, **fields: Any) -> Primitive:
    """A maximum or minimum over `axes`. Ties share the adjoint evenly, and a NaN wins.

    As for `select`, the adjoint is masked, so that an infinite one leaves the losers at zero.
    """

    def jvp(tangents: Any, r: Var, x: Var, *, axes: tuple[int, ...]) -> Var:
        won, count = _winners(r, x, axes)
        return reduce_sum(won.guard(tangents[0]), axes=axes) / count

    def vjp(ct: Var, r: Var, x: Var, *, axes: tuple[int, ...]) -> tuple[Var]:
        won, count = _winners(r, x, axes)
        mask = won if ct.mask is None else logical_and(won, _spread(ct.mask, x.shape, axes))
        return (mask.guard(_spread(ct / count, x.shape, axes)),)

    row = Primitive(
        name=name, arity=1, results=1, infer=shape.reduce_ordered, jvp=jvp, vjp=vjp,
        batch=lambda x, *, axes: row(x, axes=tuple(a + 1 for a in axes)), **fields)
    return row


reduce_max = _extreme(
    "reduce_max", reference=lambda x, *, axes: np.max(x, axis=axes),
    emission=Fold(shape.lowest, "maximum({0}, {1})"),
    examples=(((_M,), {"axes": (1,)}), ((_T,), {"axes": (0, 2)}), ((_SINGLE,), {"axes": (0,)}),
              ((_I,), {"axes": (0,)})))
reduce_min = _extreme(
    "reduce_min", reference=lambda x, *, axes: np.min(x, axis=axes),
    emission=Fold(shape.highest, "minimum({0}, {1})"),
    examples=(((_M,), {"axes": (0,)}), ((_T,), {"axes": (1, 2)}), ((_SINGLE,), {"axes": (0,)}),
              ((_I,), {"axes": (0,)})))


def _discrete_reduction(name: str, why: str, **fields: Any) -> Primitive:
    unused: Any = None  # only a derivative spreads and totals
    return reduction(name, partial=Discrete(why), spread=unused, total=unused, **fields)


reduce_any = _discrete_reduction(
    "reduce_any", "a truth value has no derivative", infer=shape.reduce_logic,
    reference=lambda x, *, axes: np.any(x, axis=axes), emission=Fold(lambda dtype: "False", "{0} | {1}"),
    examples=(((_P,), {"axes": (0,)}), ((_T > 0.9,), {"axes": (1,)})))
reduce_all = _discrete_reduction(
    "reduce_all", "a truth value has no derivative", infer=shape.reduce_logic,
    reference=lambda x, *, axes: np.all(x, axis=axes), emission=Fold(lambda dtype: "True", "{0} & {1}"),
    examples=(((_P,), {"axes": (0,)}), ((_T > -0.9,), {"axes": (1,)})))
argmax = _discrete_reduction(
    "argmax", "a position is piecewise constant", infer=shape.reduce_position,
    reference=lambda x, *, axes: np.argmax(x, axis=axes[0]), emission=FoldIndex("wins_max({1}, {0})"),
    examples=(((_M,), {"axes": (1,)}), ((_T,), {"axes": (0,)}), ((_I,), {"axes": (0,)})))
argmin = _discrete_reduction(
    "argmin", "a position is piecewise constant", infer=shape.reduce_position,
    reference=lambda x, *, axes: np.argmin(x, axis=axes[0]), emission=FoldIndex("wins_min({1}, {0})"),
    examples=(((_M,), {"axes": (1,)}), ((_T,), {"axes": (1,)}), ((_I,), {"axes": (0,)})))

# -- Structure -------------------------------------------------------------------------------------

# Operand dimension k becomes dimension dims[k] of `shape`; the other dimensions repeat.
broadcast = linear(
    "broadcast", infer=shape.broadcast, reference=shape.reference_broadcast,
    transpose=lambda ct, x, *, shape, dims: reduce_sum(ct, axes=_repeated(shape, dims)),
    moves=lambda mask, x, *, shape, dims: reduce_any(mask, axes=_repeated(shape, dims)),
    batch=lambda x, *, shape, dims: broadcast(
        x, shape=(x.shape[0], *shape), dims=(0, *(d + 1 for d in dims))),
    emission=IndexMap(lambda index, x, *, shape, dims: tuple(index[d] for d in dims)),
    examples=(((_A,), {"shape": (2, 3), "dims": (1,)}), ((_M,), {"shape": (2, 4, 3), "dims": (0, 2)}),
              ((_P,), {"shape": (3, 2), "dims": (0,)}), ((_Z,), {"shape": (2, 3), "dims": (1,)})))
reshape = linear(
    "reshape", infer=shape.reshape, reference=lambda x, *, shape: np.reshape(x, shape), moves=True,
    transpose=lambda ct, x, *, shape: reshape(ct, shape=x.shape),
    batch=lambda x, *, shape: reshape(x, shape=(x.shape[0], *shape)), emission=Reinterpret(),
    examples=(((_M,), {"shape": (3, 2)}), ((_T,), {"shape": (4, 6)}), ((_A,), {"shape": (1, 3, 1)})))
transpose = linear(
    "transpose", infer=shape.transpose, reference=lambda x, *, perm: np.transpose(x, perm), moves=True,
    transpose=lambda ct, x, *, perm: transpose(ct, perm=shape.inverse(perm)),
    batch=lambda x, *, perm: transpose(x, perm=(0, *(p + 1 for p in perm))),
    emission=IndexMap(lambda index, x, *, perm: tuple(index[k] for k in shape.inverse(perm))),
    examples=(((_M,), {"perm": (1, 0)}), ((_T,), {"perm": (2, 0, 1)}), ((_ZM,), {"perm": (1, 0)})))
reverse = linear(
    "reverse", infer=shape.reverse, reference=lambda x, *, axes: np.flip(x, axes), moves=True,
    transpose=lambda ct, x, *, axes: reverse(ct, axes=axes),
    batch=lambda x, *, axes: reverse(x, axes=tuple(a + 1 for a in axes)),
    emission=IndexMap(lambda index, x, *, axes: tuple(
        i * -1 + (x.shape[k] - 1) if k in axes else i for k, i in enumerate(index))),
    examples=(((_M,), {"axes": (1,)}), ((_T,), {"axes": (0, 2)})))
# Elements start, start + step, … below stop, on each dimension; 0 <= start <= stop <= size, step >= 1.
slice_ = linear(
    "slice", infer=shape.slice_, reference=shape.reference_slice, moves=True,
    transpose=lambda ct, x, *, start, stop, step: pad(
        ct, low=start, high=shape.slice_high(x.shape, start, ct.shape, step),
        interior=tuple(s - 1 for s in step), value=0.0),
    batch=lambda x, *, start, stop, step: slice_(
        x, start=(0, *start), stop=(x.shape[0], *stop), step=(1, *step)),
    emission=IndexMap(lambda index, x, *, start, stop, step: tuple(
        i * s + b for i, b, s in zip(index, start, step, strict=True))),
    examples=(((_M,), {"start": (0, 1), "stop": (1, 3), "step": (1, 1)}),
              ((_T,), {"start": (1, 0, 1), "stop": (2, 3, 4), "step": (1, 2, 2)}),
              ((_N,), {"start": (0, 0), "stop": (3, 4), "step": (1, 3)})))
# `low` and `high` elements of `value` around each dimension, `interior` between neighbours.
pad = linear(
    "pad", infer=shape.pad, reference=shape.reference_pad, moves=True,
    tangent=lambda t, *, low, high, interior, value: pad(
        t, low=low, high=high, interior=interior, value=0.0),
    transpose=lambda ct, x, *, low, high, interior, value: slice_(
        ct, start=low, stop=tuple(lo + max((n - 1) * (i + 1) + 1, 0) if n else lo
                                  for lo, n, i in zip(low, x.shape, interior, strict=True)),
        step=tuple(i + 1 for i in interior)),
    batch=lambda x, *, low, high, interior, value: pad(
        x, low=(0, *low), high=(0, *high), interior=(0, *interior), value=value),
    emission=Padded(lambda index, x, *, low, high, interior, value: tuple(
        (i + -lo, step + 1) for i, lo, step in zip(index, low, interior, strict=True))),
    examples=(((_M,), {"low": (1, 0), "high": (0, 2), "interior": (0, 0), "value": 0.0}),
              ((_M,), {"low": (0, 1), "high": (1, 0), "interior": (1, 2), "value": 1.5}),
              ((_I,), {"low": (1,), "high": (1,), "interior": (0,), "value": 7}),
              ((_Z,), {"low": (1,), "high": (0,), "interior": (1,), "value": 0.0})))
concat = Primitive(
    name="concat", arity=None, results=1, infer=shape.concat,
    reference=lambda *xs, axis: np.concatenate(xs, axis),
    jvp=lambda ts, r, *xs, axis: concat(
        *(x.like(0.0) if t is None else t for t, x in zip(ts, xs, strict=True)), axis=axis),
    vjp=lambda ct, r, *xs, axis: tuple(
        _cut(ct, cut) for cut in shape.concat_cuts([x.shape for x in xs], axis)),
    batch=lambda *xs, axis: concat(*xs, axis=axis + 1), emission=Pieces(),
    examples=(((_M, _M * 2.0 + 1.0, _M[:, :1]), {"axis": 1}), ((_A, _B), {"axis": 0}),
              ((_M, _M[:1]), {"axis": 0}), ((_P, _Q), {"axis": 0}),
              ((_Z, _W), {"axis": 0})))

# -- Products --------------------------------------------------------------------------------------

# contract=((dimensions of x), (dimensions of y)), batch likewise; the result: batch, free x, free y.
dot_general = Primitive(
    name="dot_general", arity=2, results=1, infer=shape.dot_general, reference=shape.reference_dot_general,
    jvp=lambda ts, r, x, y, *, contract, batch: _sum_of(
        None if ts[0] is None else dot_general(ts[0], y, contract=contract, batch=batch),
        None if ts[1] is None else dot_general(x, ts[1], contract=contract, batch=batch)),
    vjp=lambda ct, r, x, y, *, contract, batch: (
        _transpose_product(ct, y, x.type, contract, batch, swap=False),
        _transpose_product(ct, x, y.type, contract[::-1], batch[::-1], swap=True)),
    batch=Mapped(lambda x, y, **attrs: _batched_product(x, y, **attrs)),
    emission=Product(),
    examples=(((_M, _N), {"contract": ((1,), (0,)), "batch": ((), ())}),
              ((_N, _M), {"contract": ((0,), (1,)), "batch": ((), ())}),
              ((_A, _B), {"contract": ((0,), (0,)), "batch": ((), ())}),
              ((_M, _A), {"contract": ((1,), (0,)), "batch": ((), ())}),
              ((_T, _BLOCK), {"contract": ((1,), (2,)), "batch": ((0,), (1,))}),
              ((_A, _N[0]), {"contract": ((), ()), "batch": ((), ())}),
              ((_T, _CUBE), {"contract": ((1, 0), (1, 2)), "batch": ((), ())}),
              ((_SINGLE, _SINGLE), {"contract": ((0,), (0,)), "batch": ((), ())}),
              ((_ZM, _ZN), {"contract": ((1,), (0,)), "batch": ((), ())}),
              ((_ZT[0], _ZN), {"contract": ((0,), (0,)), "batch": ((1,), (1,))})))

# -- Sources ---------------------------------------------------------------------------------------

full = Primitive(
    name="full", arity=0, results=1, infer=shape.full,
    reference=lambda *, dtype, shape, value: np.full(shape, value, NUMPY_NAME[dtype]),
    jvp=Discrete("a constant"), vjp=Discrete("a constant"), batch=shape.batch_source,
    emission=Constant(lambda index, *, dtype, shape, value: literal(dtype, value)),
    examples=(((), {"dtype": "f64", "shape": (3,), "value": 1.5}),
              ((), {"dtype": "i32", "shape": (), "value": 2}),
              ((), {"dtype": "f32", "shape": (2,), "value": -math.inf}),
              ((), {"dtype": "bool", "shape": (2,), "value": True}),
              ((), {"dtype": "c128", "shape": (2,), "value": complex(-0.0, math.inf)}),
              ((), {"dtype": "c64", "shape": (), "value": 1.5 - 2.0j})))
iota = Primitive(
    name="iota", arity=0, results=1, infer=shape.iota,
    reference=shape.reference_iota, jvp=Discrete("a constant"), vjp=Discrete("a constant"),
    batch=shape.batch_source,
    emission=Constant(lambda index, *, dtype, shape, axis: f"{dtype}({index[axis]})"),
    examples=(((), {"dtype": "i64", "shape": (2, 3), "axis": 1}),
              ((), {"dtype": "f32", "shape": (4,), "axis": 0})))

# -- What the rules above are written with ---------------------------------------------------------


def literal(dtype: str, value: complex) -> str:
    """Source of a constant of `dtype`; infinities and NaN by name."""
    number = value.item() if isinstance(value, np.generic) else value
    if isinstance(number, complex):
        return f"{dtype}(complex({_written(number.real)}, {_written(number.imag)}))"
    return f"{dtype}({_written(number)})"


def _written(number: float) -> str:
    return {math.inf: "inf", -math.inf: "-inf"}.get(number, "nan" if number != number else repr(number))


def _spread(y: Var, to: tuple[int, ...], axes: tuple[int, ...]) -> Var:
    """A reduction's result repeated along the reduced `axes`."""
    return broadcast(y, shape=to, dims=tuple(i for i in range(len(to)) if i not in axes))


def _repeated(shape: tuple[int, ...], dims: tuple[int, ...]) -> tuple[int, ...]:
    """The dimensions along which a broadcast repeats."""
    return tuple(i for i in range(len(shape)) if i not in dims)


def _nonzero(x: Var) -> Var:
    """x with ones for zeros."""
    return select(eq(x, x.like(0.0)), x.like(1.0), x)


def _ahead(x: Var, beats: Primitive, y: Var) -> Var:
    """Where x is what maximum or minimum returns, ties excepted: it beats y, or it is NaN."""
    return logical_or(beats(x, y), ne(x, x))


def _power_slope(x: Var, exponent: int) -> Var:
    if exponent == 0:
        return x.like(0.0)
    return float(exponent) * integer_pow(x, exponent=exponent - 1)


def _winners(r: Var, x: Var, axes: tuple[int, ...]) -> tuple[Var, Var]:
    """Where x is the extreme r of its `axes`, and how many elements of each group are."""
    won = logical_or(eq(x, _spread(r, x.shape, axes)), ne(x, x))
    return won, reduce_sum(cast(won, dtype=x.dtype), axes=axes)


def _others_product(x: Var, axes: tuple[int, ...]) -> Var:
    """For every element the product of the others along `axes`, without dividing (zeros!).

    A binary tree of products, up and down again: 2 log2(n) instructions, differentiable again.
    """
    front = tuple(i for i in range(len(x.shape)) if i not in axes)
    perm = (*axes, *front)
    moved = transpose(x, perm=perm)
    count = math.prod(x.shape[a] for a in axes)
    rest = tuple(x.shape[i] for i in front)
    level = reshape(moved, shape=(count, *rest))
    halves: list[tuple[Var, Var]] = []
    while level.shape[0] > 1:
        level = _even(level)
        half = level.shape[0] // 2
        first, second = _rows(level, 0, half), _rows(level, half, 2 * half)
        halves.append((first, second))
        level = first * second
    others = level.like(1.0)
    for first, second in reversed(halves):
        others = _rows(others, 0, first.shape[0])
        others = concat(others * second, others * first, axis=0)
    others = reshape(_rows(others, 0, count), shape=moved.shape)
    return transpose(others, perm=shape.inverse(perm))


def _even(x: Var) -> Var:
    """x with a row of ones added when its rows are odd in number."""
    odd = x.shape[0] % 2
    zeros = (0,) * len(x.shape)
    return pad(x, low=zeros, high=(odd, *zeros[1:]), interior=zeros, value=1.0) if odd else x


def _rows(x: Var, start: int, stop: int) -> Var:
    rank = len(x.shape)
    return slice_(x, start=(start,) + (0,) * (rank - 1), stop=(stop, *x.shape[1:]), step=(1,) * rank)


def _cut(ct: Var, cut: dict[str, Any]) -> Var:
    return slice_(ct, **cut).masked_by(None if ct.mask is None else slice_(ct.mask, **cut))


def _sum_of(x: Var | None, y: Var | None) -> Var | None:
    return y if x is None else x if y is None else x + y


def _batched_product(x: Var, y: Var, *, mapped: tuple[bool, bool], contract: Any, batch: Any) -> Var:
    """Two stacks are multiplied pairwise; of one stack the new axis is free, so it is one product."""
    contract = _behind_new_axis(contract, mapped)
    batch = _behind_new_axis(batch, mapped)
    if all(mapped):
        return dot_general(x, y, contract=contract, batch=tuple((0, *dims) for dims in batch))
    product = dot_general(x, y, contract=contract, batch=batch)
    at = len(batch[0])
    at += 0 if mapped[0] else len(shape.free_dims(len(x.shape), contract[0], batch[0]))
    return transpose(product, perm=(at, *(k for k in range(len(product.shape)) if k != at)))


def _behind_new_axis(dims: Any, mapped: tuple[bool, bool]) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(d + m for d in axes) for axes, m in zip(dims, mapped, strict=True))


def _transpose_product(
    ct: Var, other: Var, x: TensorType, contract: Any, batch: Any, *, swap: bool
) -> Var:
    """The adjoint of the operand of type `x` of a product with `other` (`swap`: x was the second).

    Contract ct with `other` over other's free dimensions; put the dimensions back in x's order.
    """
    x_contract, other_contract = contract
    x_batch, other_batch = batch
    x_free = shape.free_dims(x.rank, x_contract, x_batch)
    other_free = shape.free_dims(len(other.shape), other_contract, other_batch)
    count = len(x_batch)
    start = count if swap else count + len(x_free)
    ct_other = tuple(range(start, start + len(other_free)))
    ct_batch = tuple(range(count))
    product = dot_general(ct, other, contract=(ct_other, other_free), batch=(ct_batch, other_batch))
    by_other = sorted(range(len(other_contract)), key=lambda k: other_contract[k])
    order = (*x_batch, *x_free, *(x_contract[k] for k in by_other))
    return transpose(product, perm=shape.inverse(order))
