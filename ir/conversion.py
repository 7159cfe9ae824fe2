"""Rows that keep a number, not what is known of it: `cast` changes its dtype, `stop_gradient` its slope."""

from __future__ import annotations

import numpy as np

from tapejit.ir import complex_number, shape
from tapejit.ir.emission import Scalar
from tapejit.ir.example import INTS, SINGLE, A, P, Z, both
from tapejit.ir.primitive import Discrete, Primitive, elementwise, linear
from tapejit.ir.types import NUMPY_NAME

cast: Primitive = linear(
    "cast", infer=shape.cast, emission=Scalar("{dtype}({0})"), moves=True,
    reference=lambda x, *, dtype: np.asarray(x).astype(NUMPY_NAME[dtype]),
    transpose=lambda ct, x, *, dtype: cast(
        complex_number.real(ct) if ct.is_complex and not x.is_complex else ct, dtype=x.dtype),
    batch=lambda x, *, dtype: cast(x, dtype=dtype),
    examples=(((A,), {"dtype": "f32"}), ((SINGLE,), {"dtype": "f64"}), ((A,), {"dtype": "i64"}),
              ((INTS,), {"dtype": "f64"}), ((P,), {"dtype": "f64"}), ((A,), {"dtype": "bool"}),
              ((INTS,), {"dtype": "i32"}), ((A,), {"dtype": "c128"}), ((SINGLE,), {"dtype": "c64"}),
              ((A,), {"dtype": "c64"}), ((Z,), {"dtype": "c64"}), ((INTS,), {"dtype": "c128"})))
stop_gradient = elementwise("stop_gradient", infer=lambda x: x, reference=lambda x: x, source="{0}",
                            partials=Discrete("it is there to stop the derivative"),
                            examples=(*both(A), ((INTS,), {})))
