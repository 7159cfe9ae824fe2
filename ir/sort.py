"""The order of elements. What is sorted is gathered by it, so the order itself needs no derivative."""

from __future__ import annotations

import numpy as np

from tapejit.ir.emission import Ordered
from tapejit.ir.primitive import Discrete, Primitive
from tapejit.ir.types import TensorType

_T = np.sin(np.arange(24.0)).reshape(2, 3, 4)
_TIES = np.array([[2.0, 1.0, 2.0, 1.0, 0.5], [0.0, -0.0, np.inf, -np.inf, 0.0]])
_NANS = np.array([np.nan, 1.0, np.nan, -1.0, np.inf], np.float32)


def _argsort_type(x: TensorType) -> TensorType:
    if not x.rank:
        raise TypeError(f"a scalar has no order: {x}")
    if x.is_complex:
        raise TypeError(f"{x}: complex numbers have no order; sort by x.real or abs(x)")
    return x.with_dtype("i64")


# Along the last dimension, the smallest first, equal ones as they come, NaN last.
argsort: Primitive = Primitive(
    name="argsort",
    arity=1,
    results=1,
    infer=_argsort_type,
    reference=lambda x: np.argsort(x, axis=-1, kind="stable"),
    jvp=Discrete("an order is piecewise constant"),
    vjp=Discrete("an order is piecewise constant"),
    batch=lambda x: argsort(x),
    emission=Ordered("{0} < {1} or ({1} != {1} and {0} == {0})"),
    examples=(
        ((_T,), {}),
        ((_TIES,), {}),
        ((_NANS,), {}),
        ((np.array([3, -1, 3, 0]),), {}),
        ((np.array([[True], [False]]),), {}),
        ((np.array([True, False, True]),), {}),
        ((_T[:, :, :0],), {}),
        ((_TIES[0, :1],), {}),
    ),
)
