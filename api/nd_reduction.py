"""Reductions of the `nd` face: over all dimensions they give shape (1,), as MXNet's did before NumPy's.

`reduction` makes one of a surface function: one operation on the tape. `exclude=True` reduces over
the dimensions that `axis` does not name. `argmax` and `argmin` give positions as float32.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tapejit.ir import ops
from tapejit.ir.builder import Var
from tapejit.ir.types import INTEGERS
from tapejit.tracer.operation import Operation, cast
from tapejit.tracer.surface import norm as norms
from tapejit.tracer.surface import reduction as surface
from tapejit.tracer.surface.complex_number import absolute
from tapejit.tracer.surface.function import Function
from tapejit.tracer.surface.shape import Axes, normal_axes


def at_least_1d(x: Var) -> Var:
    """A scalar as an array of one element: `nd` has no arrays without dimensions."""
    return x if x.shape else ops.reshape(x, shape=(1,))


def _over(axis: Axes, exclude: bool, rank: int) -> Axes:
    axes = normal_axes(None if axis == () else axis, rank)
    return tuple(k for k in range(rank) if k not in axes) if exclude else axes


def reduction(function: Function, name: str) -> Function:
    """MXNet's form of a reduction of the surface; integers stay what they are."""
    op = function.op

    def lower(data: Var, *, axis: Axes = None, keepdims: bool = False, exclude: bool = False) -> Var:
        found = op.lower(data, axis=_over(axis, exclude, len(data.shape)), keepdims=keepdims)
        return at_least_1d(cast(found, data.dtype) if data.dtype in INTEGERS else found)

    def run(data: Any, *, axis: Axes = None, keepdims: bool = False, exclude: bool = False) -> np.ndarray:
        found = np.atleast_1d(op.numpy(data, axis=_over(axis, exclude, np.ndim(data)), keepdims=keepdims))
        return found.astype(data.dtype) if data.dtype.kind == "i" else found

    return _function(name, lower, run, {"axis": None, "keepdims": False, "exclude": False})


def _position(function: Function, name: str) -> Function:
    """`argmax` or `argmin`: one axis, or all elements in a row."""
    op = function.op

    def lower(data: Var, *, axis: int | None = None, keepdims: bool = False) -> Var:
        return cast(at_least_1d(op.lower(data, axis=axis, keepdims=keepdims)), "f32")

    def run(data: Any, *, axis: int | None = None, keepdims: bool = False) -> np.ndarray:
        return np.atleast_1d(op.numpy(data, axis=axis, keepdims=keepdims)).astype(np.float32)

    return _function(name, lower, run, {"axis": None, "keepdims": False})


def _function(name: str, lower: Callable[..., Var], run: Any, statics: dict[str, Any]) -> Function:
    return Function(Operation(name, lower, run), ("data",), statics, False, ("data", *statics))


sum_ = reduction(surface.sum_, "sum")
mean = reduction(surface.mean, "mean")
prod = reduction(surface.prod, "prod")
max_ = reduction(surface.max_, "max")
min_ = reduction(surface.min_, "min")
argmax = _position(surface.argmax, "argmax")
argmin = _position(surface.argmin, "argmin")
_euclidean = reduction(norms.norm, "norm")


def norm(data: Any, ord: int = 2, axis: Axes = None, keepdims: bool = False) -> Any:
    """The norm of order 1 or 2, over all dimensions or along `axis`; its derivative at zero is zero.

    >>> from tapejit import nd
    >>> nd.norm(nd.array([3, 4])).asscalar()
    np.float32(5.0)
    """
    if ord not in (1, 2):
        raise ValueError(f"norm: ord must be 1 or 2, got {ord!r}")
    if ord == 1:
        return sum_(absolute(data), axis=axis, keepdims=keepdims)
    return _euclidean(data, axis=axis, keepdims=keepdims)


REDUCTIONS: dict[str, Function] = {
    "sum": sum_,
    "sum_axis": sum_,
    "mean": mean,
    "prod": prod,
    "max": max_,
    "max_axis": max_,
    "min": min_,
    "min_axis": min_,
    "argmax": argmax,
    "argmin": argmin,
}
