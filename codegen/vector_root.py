"""cbrt without branches: a polynomial, and one step of Halley's method, which triples the digits.

x = 2**(3q + j) m with j from -1 to 1, so that the root of m 2**j is near 1 and 2**q scales it exactly.
"""

from __future__ import annotations

import math

from tapejit.codegen.float_parts import nearest_multiple, normalised_any, power_of_two, small_int_to_float
from tapejit.codegen.lane import Lane

# The cube root on [sqrt(1/2), sqrt(2)], to 22 bits (f32: 16).
_ROOT_DOUBLE = (
    0.3983655001990389,
    1.1970034861004264,
    -1.186880326635566,
    0.9709102037407251,
    -0.514732324631287,
    0.15570850295306454,
    -0.020375164948160614,
)
_ROOT_SINGLE = (
    0.4516741931438446,
    0.9047903418540955,
    -0.5355905294418335,
    0.21691280603408813,
    -0.037782587110996246,
)
_ROOT_OF_TWO = 2.0 ** (1 / 3)
_HALF_DOUBLE, _HALF_SINGLE = -(1 << 27), -(1 << 12)  # masks that keep half of a significand's bits


def cbrt(x: Lane) -> Lane:
    """The cube root; of a negative number, minus that of its size."""
    m, n = normalised_any(abs(x))
    exponent = small_int_to_float(n, x)
    third, q = nearest_multiple(exponent, 1 / 3)
    j = exponent - third * 3.0
    lifted = m * _by_sign(j, 0.5, 2.0)
    start = m.polynomial(x.pick(_ROOT_DOUBLE, _ROOT_SINGLE)) * _by_sign(j, 1 / _ROOT_OF_TWO, _ROOT_OF_TWO)
    size = _improved(start, lifted) * power_of_two(q, x)
    plain = (abs(x) < math.inf) & x.differs(0.0)
    return plain.where(size.with_sign_of(x), x)


def _improved(start: Lane, cube: Lane) -> Lane:
    """Halley's step t + t (a - t**3) / (2 t**3 + a), with t cut short so that t**2 is exact."""
    root = (start.bits() & start.pick(_HALF_DOUBLE, _HALF_SINGLE)).as_float()
    square = root * root
    rest = (-square).fma(root, cube)
    return root.fma(rest / (square * root * 2.0 + cube), root)


def _by_sign(j: Lane, below: float, above: float) -> Lane:
    return (j < 0.0).where(below, (j > 0.0).where(above, j.like(1.0)))
