"""Numbers as unevaluated sums of two floats, and the operations whose rounding error they keep.

The error-free sums and products of Dekker and Knuth, with fma. They stay right under LLVM's licence to
contract a product and a sum into an fma, but not under reassociation.
"""

from __future__ import annotations

from tapejit.codegen.lane import Lane

TwoPart = tuple[Lane, Lane]


def fast_sum(x: Lane, y: Lane) -> TwoPart:
    """x + y and what its rounding lost, for |x| >= |y| or x = 0."""
    total = x + y
    return total, y - (total - x)


def two_sum(x: Lane, y: Lane | float) -> TwoPart:
    """x + y and what its rounding lost, in any order of size (D. Knuth, TAOCP 2, 4.2.2)."""
    total = x + y
    from_y = total - x
    return total, (x - (total - from_y)) + (y - from_y)


def product(x: Lane, y: Lane | float) -> TwoPart:
    """x * y and what its rounding lost."""
    result = x * y
    return result, x.fma(y, -result)


def quotient(x: TwoPart, y: TwoPart) -> Lane:
    """x / y, rounded almost correctly; a zero keeps its sign."""
    inverse = 1.0 / y[0]
    result = x[0] * inverse
    rest = (-result).fma(y[0], x[0]) + (-result).fma(y[1], x[1])
    return inverse.fma(rest, result).with_sign_of(result)
