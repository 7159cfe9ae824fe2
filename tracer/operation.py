"""An operation of the array surface: what one NumPy call means in IR, and how it runs at once.

The tape stores operations; the primitives below them appear only when a path is traced for the first
time. `Operation.lower` is written on `Var`s. Its operands may also be `Weak` (a Python number, which
takes the dtype of its partners) or None (an optional operand left out).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tapejit.ir import ops
from tapejit.ir.builder import Builder, Var
from tapejit.ir.types import COMPLEXES, NUMPY_NAME, TensorType, promote
from tapejit.tracer.errors import DtypeError, ShapeError

WEAK_DTYPE: dict[type, str] = {float: "f64", int: "i64", bool: "bool", complex: "c128"}


@dataclass(frozen=True, eq=False, slots=True)
class Operation:
    """One row of the surface; compared and hashed by identity."""

    name: str
    lower: Callable[..., Any]  # Vars, statics -> Var, or a tuple of Vars
    numpy: Callable[..., Any]  # arrays, statics -> array: how it runs outside a record
    view: bool = False  # the result may share memory with the first operand, as in NumPy
    differentiable: bool = True  # False: the result is a constant to the record (detach)
    write: Callable[..., Any] | None = None  # of a view: (source, value), statics -> source with value there

    def __repr__(self) -> str:
        return self.name


class Weak:
    """A Python number among the operands: a run-time parameter whose dtype its partners decide."""

    __slots__ = ("_settled", "kind", "var")

    def __init__(self, builder: Builder, kind: type):
        self.kind = kind
        self.var = builder.param(TensorType(WEAK_DTYPE[kind]))
        self._settled = False

    def as_dtype(self, dtype: str) -> Var:
        """The number as a scalar of `dtype`; the first use settles what the program is passed."""
        if not self._settled:
            self._settled = True
            self.var.value.type = TensorType(dtype)
        return cast(self.var, dtype)


Operand = Var | Weak


def cast(x: Var, dtype: str) -> Var:
    """x as `dtype`; DtypeError where that would drop an imaginary part."""
    if x.is_complex and dtype not in COMPLEXES:
        raise DtypeError(f"{x.type} does not fit {NUMPY_NAME[dtype]}: take x.real, x.imag or abs(x) first")
    return x if x.dtype == dtype else ops.cast(x, dtype=dtype)


def as_var(x: Operand, dtype: str | None = None) -> Var:
    """An operand as a Var, converted to `dtype` when one is given."""
    if isinstance(x, Weak):
        return x.as_dtype(dtype or WEAK_DTYPE[x.kind])
    return x if dtype is None else cast(x, dtype)


def common_dtype(*operands: Operand) -> str:
    """NumPy's result dtype for these operands."""
    return promote(*(x.kind(0) if isinstance(x, Weak) else x.dtype for x in operands))


def float_dtype(*operands: Operand) -> str:
    """NumPy's result dtype for a function that needs floating point: integers become f64."""
    dtype = common_dtype(*operands)
    return dtype if TensorType(dtype).is_inexact else "f64"


def shape_of(x: Operand) -> tuple[int, ...]:
    return x.shape if isinstance(x, Var) else ()


def common_shape(*operands: Operand) -> tuple[int, ...]:
    """The shape that the operands broadcast to."""
    shapes = [shape_of(x) for x in operands]
    found = _broadcast(*shapes)
    if found is None:
        raise ShapeError(f"shapes {' and '.join(map(str, shapes))} do not broadcast together")
    return found


def _broadcast(*shapes: tuple[int, ...]) -> tuple[int, ...] | None:
    """The shape that these broadcast to; None if they do not. (NumPy's own takes 32 dimensions at most.)"""
    rank = max(map(len, shapes), default=0)
    found = []
    for sizes in zip(*((1,) * (rank - len(shape)) + tuple(shape) for shape in shapes), strict=True):
        wide = {n for n in sizes if n != 1}
        if len(wide) > 1:
            return None
        found.append(wide.pop() if wide else 1)
    return tuple(found)


def broadcast_to(x: Var, shape: tuple[int, ...]) -> Var:
    """NumPy's broadcasting: dimensions are added in front, dimensions of 1 are repeated."""
    if x.shape == tuple(shape):
        return x
    if _broadcast(x.shape, tuple(shape)) != tuple(shape):
        raise ShapeError(f"shape {x.shape} does not broadcast to {tuple(shape)}")
    offset = len(shape) - len(x.shape)
    kept = [k for k, n in enumerate(x.shape) if n == shape[k + offset]]
    if len(kept) < len(x.shape):
        x = ops.reshape(x, shape=tuple(x.shape[k] for k in kept))
    return ops.broadcast(x, shape=tuple(shape), dims=tuple(k + offset for k in kept))


def aligned(*operands: Operand, dtype: str | None = None) -> list[Var]:
    """The operands converted to one dtype (NumPy's, unless given) and broadcast to one shape."""
    target = dtype or common_dtype(*operands)
    shape = common_shape(*operands)
    return [broadcast_to(as_var(x, target), shape) for x in operands]
