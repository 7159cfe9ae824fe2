"""Arrays made of nothing but their attributes: `full` and `iota`, and how a number is written in source.
"""

from __future__ import annotations

import math

import numpy as np

from tapejit.ir import shape
from tapejit.ir.emission import Constant
from tapejit.ir.primitive import Discrete, Primitive
from tapejit.ir.types import NUMPY_NAME

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


def literal(dtype: str, value: complex) -> str:
    """Source of a constant of `dtype`; infinities and NaN by name."""
    number = value.item() if isinstance(value, np.generic) else value
    if isinstance(number, complex):
        return f"{dtype}(complex({_written(number.real)}, {_written(number.imag)}))"
    return f"{dtype}({_written(number)})"


def _written(number: float) -> str:
    return {math.inf: "inf", -math.inf: "-inf"}.get(number, "nan" if number != number else repr(number))
