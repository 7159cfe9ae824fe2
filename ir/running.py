"""The largest and the smallest element so far, along an axis: NumPy's `maximum.accumulate` and kin.

The result is constant in runs, and in a run its adjoint belongs to those elements that reached the value.
Both directions of the derivative are first-order recurrences (`ir.scan`) that start anew with each run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tapejit.ir import ops
from tapejit.ir.emission import Scanned
from tapejit.ir.primitive import Primitive
from tapejit.ir.scan import linear_scan, shifted
from tapejit.ir.shape import real_type, reduced
from tapejit.ir.types import TensorType

if TYPE_CHECKING:
    from tapejit.ir.builder import Var

_T = np.sin(np.arange(24.0) * 2.0).reshape(2, 3, 4)
_A = np.array([0.3, -1.2, 2.5, 1.5, 2.7])
_I = np.array([[7, -3], [9, 5]])


def _type(x: TensorType, *, axis: int) -> TensorType:
    result = real_type(x)
    reduced(result, (axis,))
    return result


def _runs(r: Var, x: Var, axis: int) -> tuple[Var, Var, Var]:
    """Where a run goes on (as a number), where x reached its value, and how often it had by then."""
    place = ops.iota(builder=x.builder, dtype="i64", shape=x.shape, axis=axis)
    same = ops.logical_and(_equal(r, shifted(r, axis, 1)), ops.ne(place, place.like(0)))
    goes_on = ops.cast(same, dtype=x.dtype)
    reached = _equal(x, r)
    return goes_on, reached, linear_scan(goes_on, ops.cast(reached, dtype=x.dtype), axis=axis)


def _equal(x: Var, y: Var) -> Var:
    """Whether two elements are the same, a NaN being the same as another."""
    lost = ops.logical_and(ops.ne(x, x), ops.ne(y, y))
    return ops.logical_or(ops.eq(x, y), lost)


def _tangent(ts: Any, r: Var, x: Var, *, axis: int) -> Var:
    goes_on, reached, count = _runs(r, x, axis)
    return linear_scan(goes_on, reached.guard(ts[0]), axis=axis) / count


def _adjoint(ct: Var, r: Var, x: Var, *, axis: int) -> tuple[Var]:
    """x_bar[j] is the sum of ct[i] / count[i] from j to the end of its run, where x reached the value."""
    goes_on, reached, count = _runs(r, x, axis)
    factors, seeds = (ops.reverse(y, axes=(axis,)) for y in (shifted(goes_on, axis, -1), ct / count))
    total = ops.reverse(linear_scan(factors, seeds, axis=axis), axes=(axis,))
    return (reached.guard(total),)


def _running(name: str, ufunc: np.ufunc, step: str) -> Primitive:
    row: Primitive = Primitive(
        name=name,
        arity=1,
        results=1,
        infer=_type,
        reference=lambda x, *, axis: ufunc.accumulate(x, axis=axis),
        jvp=_tangent,
        vjp=_adjoint,
        batch=lambda x, *, axis: row(x, axis=axis + 1),
        emission=Scanned("{1}", step),
        examples=(
            ((_T,), {"axis": 1}),
            ((_T,), {"axis": 2}),
            ((_A,), {"axis": 0}),
            ((-_A.astype(np.float32),), {"axis": 0}),
            ((_I,), {"axis": 1}),
            ((_A[:1],), {"axis": 0}),
            ((_T[:, :0],), {"axis": 1}),
        ),
    )
    return row


running_max = _running("running_max", np.maximum, "maximum({0}, {1})")
running_min = _running("running_min", np.minimum, "minimum({0}, {1})")
