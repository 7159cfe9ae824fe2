"""What `scipy.linalg` has beyond `np.linalg`: systems by factors, structured systems, the exponential.

SciPy's functions do not dispatch on arrays of other libraries; `tapejit.linalg` has these by SciPy's names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from tapejit.ir import factor, matrix, ops
from tapejit.ir import solve as systems
from tapejit.ir.builder import Var
from tapejit.ir.loop import while_
from tapejit.ir.region import region_of
from tapejit.tracer.errors import ShapeError, UnsupportedError
from tapejit.tracer.operation import Operand, as_var
from tapejit.tracer.surface.complex_number import magnitude
from tapejit.tracer.surface.interpreted import own
from tapejit.tracer.surface.linalg import as_given, square, system

# Whether the matrix is transposed, and whether it is conjugated.
_FORMS = {
    **dict.fromkeys((0, "N"), (False, False)),
    **dict.fromkeys((1, "T"), (True, False)),
    **dict.fromkeys((2, "C"), (True, True)),
}


def _form(trans: int | str) -> tuple[bool, bool]:
    if trans not in _FORMS:
        raise ShapeError(f"trans has to be 0, 1, 2, 'N', 'T' or 'C', got {trans!r}")
    return _FORMS[trans]


def _vectors(b: Operand) -> bool:
    """Whether the right side is one vector."""
    return len(as_var(b).shape) == 1


# -- By factors --------------------------------------------------------------------------------------------


@own
def lu_factor(a: Operand) -> tuple[Var, Var]:
    """The factors in one matrix, and the rows of `a` in their order."""
    found, order = factor.lu.several(square(a))
    return found, order


@own
def lu(a: Operand) -> tuple[Var, Var, Var]:
    """P, L, U with a = P L U; P has no derivative."""
    x = square(a)
    found, order = factor.lu.several(x)
    unit = matrix.identity(x, x.shape[-1])
    p = systems.permuted(unit, systems.inverse_order(order))
    return p, matrix.lower(found, strict=True) + unit, matrix.upper(found)


@own
def lu_solve(factors: Operand, order: Operand, b: Operand, *, trans: int | str = 0) -> Var:
    """The solution by the results of `lu_factor`. A zero pivot gives infinities or NaN, as in SciPy."""
    vectors, (turn, conjugated) = _vectors(b), _form(trans)
    x, y = system(factors, b, columns=not vectors)
    x = matrix.conj(x) if conjugated else x
    places = ops.broadcast(as_var(order, "i64"), shape=x.shape[:-1], dims=(len(x.shape) - 2,))
    if not turn:
        y = systems.permuted(y, places)
    for lower in (not turn, turn):
        y = systems.triangular_solve(x, y, lower=lower, turn=turn, unit=lower, strict=False)
    return as_given(systems.permuted(y, systems.inverse_order(places)) if turn else y, not vectors)


@own
def cho_solve(c: Operand, b: Operand, *, lower: bool = False) -> Var:
    """The solution by a Cholesky factor, its lower or its upper triangle."""
    vectors = _vectors(b)
    x, y = system(c, b, columns=not vectors)
    return as_given(_by_half(x, y, lower=lower), not vectors)


def _by_half(half: Var, y: Var, *, lower: bool) -> Var:
    """The solution by a Cholesky factor L, for the matrix L L^H, or L^H of it."""
    for turn in (not lower, lower):
        side = matrix.conj(half) if turn else half
        y = systems.triangular_solve(side, y, lower=lower, turn=turn, unit=False, strict=False)
    return y


@own
def solve_triangular(
    a: Operand, b: Operand, *, trans: int | str = 0, lower: bool = False, unit_diagonal: bool = False
) -> Var:
    """The solution for one triangle of `a`; LinAlgError, when it runs, if there is a zero on the diagonal."""
    vectors = _vectors(b)
    x, y = system(a, b, columns=not vectors)
    turn, conjugated = _form(trans)
    how: dict[str, Any] = {"lower": lower, "turn": turn, "unit": unit_diagonal, "strict": True}
    return as_given(systems.triangular_solve(matrix.conj(x) if conjugated else x, y, **how), not vectors)


# -- By structure ------------------------------------------------------------------------------------------


@own
def solve(
    a: Operand, b: Operand, *, lower: bool = False, assume_a: str | None = None, transposed: bool = False
) -> Var:
    """The solution for a general, symmetric, positive definite, triangular or diagonal matrix."""
    vectors = _vectors(b)
    x, y = system(a, b, columns=not vectors)
    return as_given(_solved(x, y, lower, assume_a or "general", transposed), not vectors)


def _solved(x: Var, y: Var, lower: bool, structure: str, turn: bool) -> Var:
    kind = _STRUCTURES.get(structure)
    if kind is None:
        raise UnsupportedError(f"assume_a={structure!r} is not traced; use one of {', '.join(_STRUCTURES)}")
    if kind == "diagonal":
        return y / matrix.along_rows(matrix.diagonal(x), y.shape)
    if kind in ("lower", "upper"):
        how: dict[str, Any] = {"lower": kind == "lower", "turn": turn, "unit": False, "strict": True}
        return systems.triangular_solve(x, y, **how)
    if kind == "positive":
        half = factor.cholesky(x if lower else matrix.dagger(x))
        return _by_half(matrix.conj(half) if turn else half, y, lower=True)
    if kind in _MIRRORS:
        x = _mirrored(x if lower else _MIRRORS[kind](x), _MIRRORS[kind])
    return systems.lu_solve(x, *factor.lu.several(x), y, turn=turn, strict=True)


def _mirrored(x: Var, mirror: Callable[[Var], Var]) -> Var:
    """The matrix that is its own mirror image and has the lower triangle of x."""
    return ops.select(ops.ge(matrix.place(x, -2), matrix.place(x, -1)), x, mirror(x))


_MIRRORS = {"symmetric": matrix.turned, "hermitian": matrix.dagger}


_STRUCTURES = {
    **dict.fromkeys(("general", "gen", "banded", "tridiagonal"), "general"),
    **dict.fromkeys(("symmetric", "sym"), "symmetric"),
    **dict.fromkeys(("hermitian", "her"), "hermitian"),
    **dict.fromkeys(("positive definite", "pos"), "positive"),
    **{"lower triangular": "lower", "upper triangular": "upper", "diagonal": "diagonal"},
}

# -- The exponential ---------------------------------------------------------------------------------------

# Coefficients of the numerator of the [13/13] Padé approximant, and the 1-norm up to which it is accurate to
# rounding: N. Higham, "The scaling and squaring method for the matrix exponential revisited" (2005).
_PADE = (
    64764752532480000.0, 32382376266240000.0, 7771770303897600.0, 1187353796428800.0, 129060195264000.0,
    10559470521600.0, 670442572800.0, 33522128640.0, 1323241920.0, 40840800.0, 960960.0, 16380.0, 182.0, 1.0,
)  # fmt: skip
_RADIUS = 5.371920351148152


@own
def expm(A: Operand) -> Var:
    """The matrix exponential, by a Padé approximant of the scaled matrix, squared as often as it was halved.

    All matrices of a stack are halved equally often: as the largest of them needs.
    """
    x = square(A)
    if 0 in x.shape:
        return x
    halvings = _halvings(x)
    two = x.builder.full(matrix.real_type(x.type).with_shape(()), 2.0)
    scale = ops.pow_(two, -ops.cast(halvings, dtype=two.dtype))
    small = x * matrix.as_numbers_of(x, ops.broadcast(scale, shape=x.shape, dims=()))
    regions = (region_of("pending", (x, halvings), _pending), region_of("square", (x, halvings), _squared))
    return while_.several(_pade(small), halvings, carry=2, regions=regions)[0]


def _halvings(x: Var) -> Var:
    """How often to halve; never, where the norm is no number."""
    norms = ops.reduce_sum(magnitude(ops.stop_gradient(x)), axes=(len(x.shape) - 2,))
    norm = ops.reduce_max(norms, axes=tuple(range(len(norms.shape))))
    count = ops.ceil(ops.log(norm / _RADIUS) / ops.log(norm.like(2.0)))
    needed = ops.logical_and(ops.gt(norm, norm.like(_RADIUS)), ops.lt(norm, norm.like(float("inf"))))
    return ops.cast(ops.select(needed, count, norm.like(0.0)), dtype="i64")


def _pending(x: Var, left: Var) -> Iterable[Var]:
    return [ops.gt(left, left.like(0))]


def _squared(x: Var, left: Var) -> Iterable[Var]:
    return [matrix.product(x, x), left - left.like(1)]


def _pade(x: Var) -> Var:
    """q(x)^-1 p(x), with the even and the odd powers of p apart: q(x) = p(-x)."""
    powers: list[Any] = [matrix.identity(x, x.shape[-1]), matrix.product(x, x)]
    powers.append(matrix.product(powers[1], powers[1]))
    powers.append(matrix.product(powers[1], powers[2]))
    even, odd = (_polynomial(powers, _PADE[start::2]) for start in (0, 1))
    odd = matrix.product(x, odd)
    below = even - odd
    return systems.lu_solve(below, *factor.lu.several(below), even + odd, turn=False, strict=False)


def _polynomial(powers: list[Var], coefficients: tuple[float, ...]) -> Var:
    """Seven coefficients of the even powers 0 to 12, of which 0 to 6 are at hand."""
    terms = [c * p for c, p in zip(coefficients, (*powers, *powers[1:]), strict=True)]
    low, high = sum(terms[1:4], terms[0]), sum(terms[5:], terms[4])
    return low + matrix.product(powers[3], high)
