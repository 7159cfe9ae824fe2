"""Comparisons, logic on truth values, and what is chosen by them: `select`, `maximum`, `minimum`.

The adjoint of a choice is masked, see docs/decisions/0004.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tapejit.ir import shape
from tapejit.ir.emission import Scalar
from tapejit.ir.example import INTS, MORE_INTS, SINGLE, A, B, P, Q, W, Z, both, both_complex
from tapejit.ir.primitive import Discrete, Primitive, elementwise
from tapejit.ir.shape import real_type

if TYPE_CHECKING:
    from tapejit.ir.builder import Var

_COMPARISON = Discrete("a comparison is piecewise constant")
_LOGIC = Discrete("a truth value has no derivative")
_PAIRS = (*both(A, np.array([0.3, 0.4, -0.6])), ((INTS, np.array([7, 5, -4])), {}))

eq = elementwise("eq", infer=shape.comparison, reference=np.equal, source="{0} == {1}",
                 partials=_COMPARISON, examples=(*_PAIRS, ((P, Q), {}), *both_complex(Z, Z[[0, 2, 1]])))
ne = elementwise("ne", infer=shape.comparison, reference=np.not_equal, source="{0} != {1}",
                 partials=_COMPARISON, examples=(*_PAIRS, ((P, Q), {}), *both_complex(Z, Z[[0, 2, 1]])))
lt = elementwise("lt", infer=shape.ordering, reference=np.less, source="{0} < {1}",
                 partials=_COMPARISON, examples=_PAIRS)
le = elementwise("le", infer=shape.ordering, reference=np.less_equal, source="{0} <= {1}",
                 partials=_COMPARISON, examples=_PAIRS)
gt = elementwise("gt", infer=shape.ordering, reference=np.greater, source="{0} > {1}",
                 partials=_COMPARISON, examples=_PAIRS)
ge = elementwise("ge", infer=shape.ordering, reference=np.greater_equal, source="{0} >= {1}",
                 partials=_COMPARISON, examples=_PAIRS)
logical_and = elementwise("logical_and", infer=shape.logic, reference=np.logical_and, source="{0} & {1}",
                          partials=_LOGIC, examples=(((P, Q), {}),))
logical_or = elementwise("logical_or", infer=shape.logic, reference=np.logical_or, source="{0} | {1}",
                         partials=_LOGIC, examples=(((P, Q), {}),))
logical_xor = elementwise("logical_xor", infer=shape.logic, reference=np.logical_xor, source="{0} != {1}",
                          partials=_LOGIC, examples=(((P, Q), {}),))
logical_not = elementwise("logical_not", infer=shape.logic, reference=np.logical_not, source="not {0}",
                          partials=_LOGIC, examples=(((P,), {}),))


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
                 examples=(((P, A, B), {}), ((P, B.astype(np.float32), SINGLE), {}),
                           ((P, INTS, MORE_INTS), {}), ((P, Z, W), {})))
# NaN wins over a number, as in NumPy; a tie splits the adjoint evenly.
maximum = _choice("maximum", arity=2, wins=lambda x, y: (_ahead(x, gt, y), eq(x, y)), infer=real_type,
                  reference=np.maximum, emission=Scalar("maximum({0}, {1})"),
                  examples=(*both(A, B), ((INTS, MORE_INTS), {})))
minimum = _choice("minimum", arity=2, wins=lambda x, y: (_ahead(x, lt, y), eq(x, y)), infer=real_type,
                  reference=np.minimum, emission=Scalar("minimum({0}, {1})"),
                  examples=(*both(A, B), ((INTS, MORE_INTS), {})))


def _ahead(x: Var, beats: Primitive, y: Var) -> Var:
    """Where x is what maximum or minimum returns, ties excepted: it beats y, or it is NaN."""
    return logical_or(beats(x, y), ne(x, x))
