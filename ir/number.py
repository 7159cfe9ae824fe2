"""The parts of a number: bits of integers, the sign and the neighbours of floats, the nearest integer.

Rows as in `ir.elementary`. `copysign` and `nextafter` have the slope of their first operand; the others none.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tapejit.ir.ops import sign
from tapejit.ir.primitive import Discrete, Primitive, elementwise
from tapejit.ir.shape import float_type
from tapejit.ir.types import INTEGERS, TensorType

_A, _B = np.array([0.3, -1.2, 2.5]), np.array([-1.7, 0.4, 2.6])
_I, _J = np.array([7, -3, 2]), np.array([2, 5, -4])
_COUNT = np.array([1, 0, 3])


def _integer_type(*types: TensorType) -> TensorType:
    """Operands of one integer type."""
    if len(set(types)) != 1 or types[0].dtype not in INTEGERS:
        raise TypeError(f"expected integers of one type, got {', '.join(map(str, types))}")
    return types[0]


def _bits(name: str, reference: Any, source: str, *operands: np.ndarray) -> Primitive:
    single = tuple(x.astype(np.int32) for x in operands)
    return elementwise(
        name,
        infer=_integer_type,
        reference=reference,
        source=source,
        partials=Discrete("bits have no derivative"),
        examples=((operands, {}), (single, {})),
    )


def _floats(name: str, reference: Any, partials: Any, *operands: np.ndarray) -> Primitive:
    single = tuple(x.astype(np.float32) for x in operands)
    source = f"{name}({', '.join(f'{{{k}}}' for k in range(len(operands)))})"
    return elementwise(
        name,
        infer=float_type,
        reference=reference,
        source=source,
        partials=partials,
        examples=((operands, {}), (single, {})),
    )


bit_and = _bits("bit_and", np.bitwise_and, "{0} & {1}", _I, _J)
bit_or = _bits("bit_or", np.bitwise_or, "{0} | {1}", _I, _J)
bit_xor = _bits("bit_xor", np.bitwise_xor, "{0} ^ {1}", _I, _J)
bit_not = _bits("bit_not", np.invert, "~{0}", _I)
shift_left = _bits("shift_left", np.left_shift, "shift_left({0}, {1})", _I, _COUNT)
shift_right = _bits("shift_right", np.right_shift, "shift_right({0}, {1})", _I, _COUNT)

# As for `abs`, the slope at 0 is 0.
copysign: Primitive = _floats(
    "copysign", np.copysign, (lambda r, x, y: sign(x) * copysign(x.like(1.0), y), None), _A, _B
)
nextafter = _floats("nextafter", np.nextafter, (1.0, None), _A, _B)
rint = _floats("rint", np.rint, Discrete("rounding is piecewise constant"), _B)
