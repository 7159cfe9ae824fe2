"""The first-order recurrence along an axis: h[0] = b[0], h[i] = a[i] h[i - 1] + b[i].

Running sums (a = 1), running products, and the derivatives of both are recurrences; so is the tangent of
any recurrence, and, from the end, its adjoint. None of them divides, so zeros are no special case.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tapejit.ir import ops
from tapejit.ir.emission import Scanned
from tapejit.ir.primitive import Primitive
from tapejit.ir.shape import numeric_type, reduced
from tapejit.ir.types import TensorType

if TYPE_CHECKING:
    from tapejit.ir.builder import Var

_T = np.sin(np.arange(24.0)).reshape(2, 3, 4)
_U = np.cos(np.arange(24.0) * 2.0).reshape(2, 3, 4)
_A = np.array([0.3, 0.0, -2.5, 1.5])
_B = np.array([1.2, -0.4, 0.7, 2.0])
_I = np.array([[7, -3], [2, 5]])


def _scan_type(a: TensorType, b: TensorType, *, axis: int) -> TensorType:
    result = numeric_type(a, b)
    reduced(result, (axis,))
    return result


def _reference_scan(a: np.ndarray, b: np.ndarray, *, axis: int) -> np.ndarray:
    result = b.copy()
    steps = np.moveaxis(result, axis, 0)
    factors = np.moveaxis(a, axis, 0)
    for k in range(1, len(steps)):
        steps[k] += factors[k] * steps[k - 1]
    return result


def shifted(x: Var, axis: int, by: int) -> Var:
    """x moved by one along `axis`, forwards (1) or backwards (-1), with a zero where nothing came."""
    rank, size = len(x.shape), x.shape[axis]
    start, stop = [0] * rank, list(x.shape)
    low, high = [0] * rank, [0] * rank
    if size:
        (high if by < 0 else low)[axis] = 1
        (start if by < 0 else stop)[axis] = 1 if by < 0 else size - 1
    kept = ops.slice_(x, start=tuple(start), stop=tuple(stop), step=(1,) * rank)
    return ops.pad(kept, low=tuple(low), high=tuple(high), interior=(0,) * rank, value=0.0)


def _tangent(ts: Any, r: Var, a: Var, b: Var, *, axis: int) -> Var | None:
    terms = [] if ts[0] is None else [ts[0] * shifted(r, axis, 1)]
    terms += [] if ts[1] is None else [ts[1]]
    return linear_scan(a, sum(terms[1:], terms[0]), axis=axis) if terms else None


def _adjoint(ct: Var, r: Var, a: Var, b: Var, *, axis: int) -> tuple[Var, Var]:
    """b_bar[i] = ct[i] + a[i + 1] b_bar[i + 1], and a[i] multiplies h[i - 1]."""
    factors, seeds = (ops.reverse(x, axes=(axis,)) for x in (shifted(a, axis, -1), ct))
    b_bar = ops.reverse(linear_scan(factors, seeds, axis=axis), axes=(axis,))
    return b_bar * shifted(r, axis, 1), b_bar


linear_scan: Primitive = Primitive(
    name="linear_scan",
    arity=2,
    results=1,
    infer=_scan_type,
    reference=_reference_scan,
    jvp=_tangent,
    vjp=_adjoint,
    batch=lambda a, b, *, axis: linear_scan(a, b, axis=axis + 1),
    emission=Scanned("{2}", "{1} * {0} + {2}"),
    examples=(
        ((_T, _U), {"axis": 1}),
        ((_T, _U), {"axis": 0}),
        ((_A, _B), {"axis": 0}),
        ((_A.astype(np.float32), _B.astype(np.float32)), {"axis": 0}),
        ((_I, _I.T.copy()), {"axis": 1}),
        ((_A + 0.5j, _B - 1.5j * _A), {"axis": 0}),
        ((_A[:1], _B[:1]), {"axis": 0}),
        ((_T[:, :0], _U[:, :0]), {"axis": 1}),
    ),
)
