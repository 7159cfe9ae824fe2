"""Linear systems by a factor that is at hand: the rows of `triangular_solve` and `lu_solve`.

They are holomorphic in both operands, so their rules are the same for real and complex matrices.

`lu_solve` takes the matrix and its factor. Its value uses the factor; its derivative is that with respect to
the matrix, and solves with the same factor again, so that nothing is factored twice, at any order.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from tapejit.ir import ops
from tapejit.ir.emission import Library
from tapejit.ir.gather import gather
from tapejit.ir.lane import stack
from tapejit.ir.matrix import (
    identity,
    lower,
    matrices,
    product,
    square_matrices,
    stack_size,
    sum_of,
    upper,
)
from tapejit.ir.primitive import Mapped, Primitive
from tapejit.ir.sort import argsort
from tapejit.ir.types import TensorType

if TYPE_CHECKING:
    from tapejit.ir.builder import Var

SINGULAR = "Singular matrix"

_A = np.array([[1.4, 0.3, -0.6], [0.2, -1.7, 0.5], [0.9, 0.8, 2.1]])
_FACTOR = np.array([[1.4, 0.3, -0.6], [0.2 / 1.4, -1.7 - 0.06 / 1.4, 0.5 + 0.12 / 1.4], [0.0, 0.0, 0.0]])
_FACTOR[2, 0] = 0.9 / 1.4
_FACTOR[2, 1] = (0.8 - _FACTOR[2, 0] * 0.3) / _FACTOR[1, 1]
_FACTOR[2, 2] = 2.1 + _FACTOR[2, 0] * 0.6 - _FACTOR[2, 1] * _FACTOR[1, 2]
_UNIT_FACTOR = np.where(np.tri(3, k=-1, dtype=bool), _FACTOR, 1j * _FACTOR)  # that of 1j * _A
_ORDER = np.array([1, 0, 2])  # the factor's is that of the rows of _A before they were exchanged
_B = np.array([[0.5, -1.2], [1.7, 0.4], [-0.3, 0.8]])
_STACK = np.stack([_A, _A.T + 0.1])
_RIGHT = np.cos(np.arange(12.0)).reshape(2, 3, 2)


def _system_type(a: TensorType, b: TensorType) -> TensorType:
    square_matrices(a)
    fits = matrices(b).dtype == a.dtype and b.shape[:-1] == a.shape[:-1]
    if not fits:
        raise TypeError(f"the right sides {b} do not fit the matrices {a}")
    return b


def _sizes(a: TensorType, *rest: TensorType, **attrs: Any) -> tuple[Any, ...]:
    """How many systems, their rows and right sides, and the attributes."""
    return stack_size(a), a.shape[-1], rest[-1].shape[-1], *attrs.values()


def _many_sides(
    row: Callable[..., Var], systems: tuple[Var, ...], b: Var, mapped: tuple[bool, ...], attrs: Any
) -> Var:
    """A stack of right sides for matrices that are not stacked is one system with more columns."""
    if any(mapped[:-1]):
        operands = list(zip((*systems, b), mapped, strict=True))
        size = next(x.shape[0] for x, m in operands if m)
        return row(*(x if m else stack(x, size) for x, m in operands), **attrs)
    rank, size = len(b.shape), b.shape[0]
    behind = ops.transpose(b, perm=(*range(1, rank), 0))
    wide = ops.reshape(behind, shape=(*b.shape[1:-1], b.shape[-1] * size))
    found = ops.reshape(row(*systems, wide, **attrs), shape=behind.shape)
    return ops.transpose(found, perm=(rank - 1, *range(rank - 1)))


# -- Triangular ------------------------------------------------------------------------------------------


def _reference_triangular(
    a: np.ndarray, b: np.ndarray, *, lower: bool, turn: bool, unit: bool, strict: bool
) -> np.ndarray:
    """Substitution, all systems of the stack at once; a zero on the diagonal gives infinities or NaN."""
    a, n = np.swapaxes(a, -1, -2) if turn else a, a.shape[-1]
    if strict and not unit and np.any(np.diagonal(a, axis1=-2, axis2=-1) == 0):
        raise np.linalg.LinAlgError(SINGULAR)
    x = np.zeros_like(b)
    for i in range(n) if lower != turn else reversed(range(n)):
        known = slice(0, i) if lower != turn else slice(i + 1, n)
        rest = b[..., i, :] - (a[..., i, None, known] @ x[..., known, :])[..., 0, :]
        x[..., i, :] = rest if unit else rest / a[..., i, i, None]
    return x


def _triangle(a: Var, lower_: bool, unit: bool) -> Var:
    return lower(a, strict=unit) if lower_ else upper(a, strict=unit)


def _triangular_jvp(ts: Any, r: Var, a: Var, b: Var, **attrs: Any) -> Var:
    moved = None
    if ts[0] is not None:
        triangle = _triangle(ts[0], attrs["lower"], attrs["unit"])
        moved = -product(triangle, r, turn=(attrs["turn"], False))
    return triangular_solve(a, sum_of(ts[1], moved), **attrs)


def _triangular_vjp(ct: Var, r: Var, a: Var, b: Var, **attrs: Any) -> tuple[Var, Var]:
    b_bar = triangular_solve(a, ct, **{**attrs, "turn": not attrs["turn"]})
    pair = (r, b_bar) if attrs["turn"] else (b_bar, r)
    a_bar = -product(*pair, turn=(False, True))
    return _triangle(a_bar, attrs["lower"], attrs["unit"]), b_bar


# The other triangle is not read, nor the diagonal if `unit` says that it is ones; `turn`: a is transposed.
triangular_solve: Primitive = Primitive(
    name="triangular_solve",
    arity=2,
    results=1,
    infer=lambda a, b, **attrs: _system_type(a, b),
    reference=_reference_triangular,
    jvp=_triangular_jvp,
    vjp=_triangular_vjp,
    batch=Mapped(lambda a, b, *, mapped, **attrs: _many_sides(triangular_solve, (a,), b, mapped, attrs)),
    emission=Library(
        "triangular_solve",
        lambda a, b, *, lower, turn, unit, strict: (*_sizes(a, b), lower, turn, unit, strict),
        reads=(0, 1),
        failure=SINGULAR,
    ),
    examples=tuple(
        (operands, {"lower": low, "turn": turn, "unit": unit, "strict": strict})
        for operands, low, turn, unit, strict in (
            ((_A, _B), True, False, False, True),
            ((_A, _B), False, True, False, False),
            ((_A, _B), True, True, True, False),
            ((_STACK, _RIGHT), False, False, False, True),
            ((_A.astype(np.float32), _B.astype(np.float32)), True, False, False, True),
            ((np.kron(np.eye(4), _A), np.sin(np.arange(60.0)).reshape(12, 5)), True, True, False, True),
            ((np.kron(_A, np.eye(4)), np.sin(np.arange(12.0)).reshape(12, 1)), False, False, True, False),
            ((_A[:0, :0], _B[:0]), True, False, False, True),
            ((_A, _B[:, :0]), True, False, False, True),
            ((_STACK + 1j * _STACK[::-1], _RIGHT - 0.5j), True, True, False, True),
            (((_A + 0.5j).astype(np.complex64), (_B * 1j).astype(np.complex64)), False, False, True, False),
            (
                (np.kron(np.eye(4), _A + 1j), np.sin(np.arange(60.0)).reshape(12, 5) * 1j),
                True,
                True,
                False,
                True,
            ),
        )
    ),
)

# -- By LU -----------------------------------------------------------------------------------------------


def _lu_solve_type(
    a: TensorType, factor: TensorType, order: TensorType, b: TensorType, **_: Any
) -> TensorType:
    if factor != a or order != a.with_shape(a.shape[:-1]).with_dtype("i64"):
        raise TypeError(f"{factor} and {order} are not the LU factors of {a}")
    return _system_type(a, b)


def _reference_lu_solve(
    a: np.ndarray, factor: np.ndarray, order: np.ndarray, b: np.ndarray, *, turn: bool, strict: bool
) -> np.ndarray:
    """The solution for `a`; where that is singular and not `strict`, what the factor gives."""
    try:
        found: np.ndarray = np.linalg.solve(np.swapaxes(a, -1, -2) if turn else a, b)
    except np.linalg.LinAlgError:
        if strict:
            raise
        return _by_factor(factor, order, b, turn)
    return found


def _by_factor(factor: np.ndarray, order: np.ndarray, b: np.ndarray, turn: bool) -> np.ndarray:
    steps = [{"lower": True, "unit": True}, {"lower": False, "unit": False}]
    if not turn:
        b = np.take_along_axis(b, order[..., None], -2)
    for step in reversed(steps) if turn else steps:
        b = _reference_triangular(factor, b, turn=turn, strict=False, **step)
    return np.take_along_axis(b, np.argsort(order)[..., None], -2) if turn else b


def _lu_solve_jvp(ts: Any, r: Var, a: Var, factor: Var, order: Var, b: Var, **attrs: Any) -> Var | None:
    moved = None if ts[0] is None else -product(ts[0], r, turn=(attrs["turn"], False))
    right = sum_of(ts[3], moved)
    return None if right is None else lu_solve(a, factor, order, right, **attrs)


def _lu_solve_vjp(ct: Var, r: Var, a: Var, factor: Var, order: Var, b: Var, **attrs: Any) -> Any:
    b_bar = lu_solve(a, factor, order, ct, **{**attrs, "turn": not attrs["turn"]})
    pair = (r, b_bar) if attrs["turn"] else (b_bar, r)
    return -product(*pair, turn=(False, True)), None, None, b_bar


# a x = b by the factors of `lu`; `turn`: a is transposed; `strict`: a zero pivot is an error, as in NumPy.
lu_solve: Primitive = Primitive(
    name="lu_solve",
    arity=4,
    results=1,
    infer=_lu_solve_type,
    reference=_reference_lu_solve,
    jvp=_lu_solve_jvp,
    vjp=_lu_solve_vjp,
    batch=Mapped(lambda *xs, mapped, **attrs: _many_sides(lu_solve, xs[:-1], xs[-1], mapped, attrs)),
    emission=Library(
        "lu_solve",
        lambda a, factor, order, b, *, turn, strict: (*_sizes(a, b), turn, strict),
        reads=(1, 2, 3),
        failure=SINGULAR,
    ),
    examples=(
        ((_A[[1, 0, 2]], _FACTOR, _ORDER, _B), {"turn": False, "strict": True}),
        ((_A[[1, 0, 2]], _FACTOR, _ORDER, _B), {"turn": True, "strict": False}),
        (
            (_A[[1, 0, 2]].astype(np.float32), _FACTOR.astype(np.float32), _ORDER, _B.astype(np.float32)),
            {"turn": True, "strict": True},
        ),
        (
            (np.stack([_A[[1, 0, 2]]] * 2), np.stack([_FACTOR] * 2), np.stack([_ORDER] * 2), _RIGHT),
            {"turn": False, "strict": True},
        ),
        (
            (_A[[1, 0, 2]] * 1j, _UNIT_FACTOR, _ORDER, _B - 0.5j),
            {"turn": True, "strict": True},
        ),
    ),
)


def inverse(a: Var, factor: Var, order: Var, *, turn: bool = False, strict: bool = False) -> Var:
    """The inverse of a, or of its transpose."""
    return lu_solve(a, factor, order, identity(a, a.shape[-1]), turn=turn, strict=strict)


def permuted(x: Var, order: Var) -> Var:
    """Row i of the result is row order[i] of x, in every matrix of the stack."""
    count, rows, columns = stack_size(x.type), *x.shape[-2:]
    first = ops.iota(builder=x.builder, dtype="i64", shape=(count, rows), axis=0) * rows
    place = first + ops.reshape(order, shape=(count, rows))
    found = gather(ops.reshape(x, shape=(count * rows, columns)), place, axis=0)
    return ops.reshape(found, shape=x.shape)


def inverse_order(order: Var) -> Var:
    """The inverse of each permutation."""
    return argsort(order)
