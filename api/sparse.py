"""Sparse Jacobians and Hessians, and diagonals of Hessians: few sweeps for many columns.

Columns that have no row in common are found together, in one sweep along the sum of their unit vectors
(Curtis, Powell, Reid: On the estimation of sparse Jacobian matrices, 1974). Which rows a column has is seen
in the IR; so the matrix is exact, and the pattern is found anew whenever the function takes another path.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import optree

from tapejit.argnums import checked_argnums, described, positions
from tapejit.capture import transform
from tapejit.colouring import apart, greedy, matrix_of, seeds
from tapejit.function_object import FunctionObject
from tapejit.ir.function import Function
from tapejit.ir.sparsity import of_pairs
from tapejit.ir.transforms.jacobian import reverse_jacobian
from tapejit.ir.transforms.sweep import connections, forward_sweeps, hessian_diagonal, reverse_sweeps
from tapejit.line import LineCall
from tapejit.tracer.array import Array
from tapejit.tracer.errors import ShapeError, UnsupportedError
from tapejit.tracer.handle import Handle
from tapejit.tracer.state import STATE
from tapejit.transformed import Differential, check_function, on_the_spot
from tapejit.variables import differentiable


class Compression(NamedTuple):
    """How a sparse matrix is found: by rows or by columns, which of them together, and what goes where."""

    pattern: Any  # compressed rows, of ones
    colours: np.ndarray
    by_rows: bool

    @property
    def sweeps(self) -> int:
        """The number of sweeps."""
        return int(self.colours.max(initial=-1)) + 1


class SparseJacobian(FunctionObject):
    """`order` 1: the Jacobian of a function from one array to one array; 2: the Hessian of a scalar one."""

    def __init__(self, function: Callable[..., Any], kind: str, argnums: Any, has_aux: bool, order: int):
        self._user, self._kind, self._order = check_function(function), kind, order
        functools.update_wrapper(self, function, updated=())
        self._argnums, self._has_aux = checked_argnums(argnums), has_aux
        self._where = f"{kind} of {described(function)}"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The matrix, `value.size` by `argument.size`, in SciPy's compressed rows."""
        if STATE.tape is not None:
            raise UnsupportedError(
                f"{self._where}: sparse=True gives a SciPy matrix, which no other transform can take; call "
                "it outside of them, or leave sparse out"
            )
        used: list[Compression] = []
        compressed, aux = on_the_spot(lambda: self._inside(args, kwargs, used), False)
        matrix = _assembled(used[0], compressed)
        return (matrix, aux) if self._has_aux else matrix

    def _inside(self, args: tuple[Any, ...], kwargs: dict[str, Any], used: list[Compression]) -> Any:
        """The compressed matrix, and the auxiliary results; how it was compressed goes to `used`."""
        chosen = positions(self._argnums, len(args), described(self._user))
        call, _ = differentiable(self._user, self._kind, args, kwargs, chosen, self._has_aux)
        self._check(call)
        way = self._compression(call)
        used.append(way)
        given = call.heads[0].type if way.by_rows and self._order == 1 else call.variables[0].type
        count = way.sweeps
        directions = Array.wrap(seeds(way.colours, given.numpy_dtype).reshape(count, *given.shape))
        sweeps = reverse_sweeps if way.by_rows else forward_sweeps
        key = ("compressed", self._order, way.by_rows, count)
        (found,) = call.apply(key, lambda f: sweeps(self._differentiated(f), (0,), 1, count), [directions])
        return found, call.filled_aux(iter(_others(call))) if self._has_aux else None

    def _differentiated(self, f: Function) -> Function:
        """The function whose Jacobian is wanted."""
        return f if self._order == 1 else reverse_jacobian(f, (0,), 1)

    def _check(self, call: LineCall) -> None:
        if len(call.variables) != 1 or len(call.heads) != 1:
            raise TypeError(
                f"{self._where}: sparse=True takes one array to one array, not {len(call.variables)} arrays "
                f"to {len(call.heads)}; put them together with np.concatenate"
            )
        if self._order == 2 and call.heads[0].type.shape != ():
            raise ShapeError(
                f"{self._where}: a Hessian needs a scalar result, got {call.heads[0].type.shape}"
            )

    def _compression(self, call: LineCall) -> Compression:
        key = ("compression", self._order)
        found: Compression | None = call.line.notes.get(key)
        if found is None:
            f = self._differentiated(call.line.function)
            patterns, by_index = connections(f, (0,), 1, _numbers(call))
            found = _compression(matrix_of(patterns[0], call.variables[0].type.size))
            if not by_index:
                call.line.notes[key] = found
        return found


class HessianDiagonal(Differential):
    """See `hessian_diag`."""

    def _inside(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        call, structures = self._differentiable(args, kwargs)
        types = [x.type for x in call.variables]
        if len(call.heads) != 1 or call.heads[0].type.shape != ():
            shapes = ", ".join(str(v.type.shape) for v in call.heads)
            raise ShapeError(
                f"hessian_diag of {described(self._user)}: it needs a scalar result, got {shapes}"
            )
        colours = _diagonal_colours(call)
        count, wrt = int(colours.max(initial=-1)) + 1, range(len(types))
        parts = np.split(
            seeds(colours, types[0].numpy_dtype), np.cumsum([t.size for t in types])[:-1], axis=1
        )
        directions = [
            Array.wrap(part.astype(t.numpy_dtype).reshape(count, *t.shape))
            for part, t in zip(parts, types, strict=True)
        ]
        key = ("hessian_diag", count)
        found = iter(call.apply(key, lambda f: hessian_diagonal(f, wrt, count), directions))
        trees = [optree.tree_unflatten(s, [next(found) for _ in range(s.num_leaves)]) for s in structures]
        value = trees[0] if isinstance(self._argnums, int) else tuple(trees)
        return (value, call.filled_aux(found)) if self._has_aux else value


def sparse_derivative(
    function: Callable[..., Any] | None, kind: str, argnums: Any, has_aux: bool, order: int
) -> Any:
    """The sparse Jacobian or Hessian of `function`; without it a decorator."""
    if function is None:
        return lambda f: SparseJacobian(f, kind, argnums, has_aux, order)
    return SparseJacobian(function, kind, argnums, has_aux, order)


def _diagonal_colours(call: LineCall) -> np.ndarray:
    """Per element a colour, such that no two of one colour are connected by the Hessian."""
    found: np.ndarray | None = call.line.notes.get("diagonal")
    if found is None:
        wrt = range(len(call.variables))
        slope = reverse_jacobian(call.line.function, wrt, 1)
        patterns, _ = connections(slope, wrt, len(wrt), None)
        total = sum(x.type.size for x in call.variables)
        parts = [matrix_of(p, total).tocoo() for p in patterns]
        first = np.cumsum([0, *(p.shape[0] for p in parts)])
        rows = np.concatenate([p.row + start for p, start in zip(parts, first, strict=False)])
        columns = np.concatenate([p.col for p in parts])
        off = rows != columns
        pairs = of_pairs(
            np.concatenate([rows[off], columns[off]]), np.concatenate([columns[off], rows[off]]), total
        )
        found = call.line.notes["diagonal"] = greedy(matrix_of(pairs, total))
    return found


def _compression(pattern: Any) -> Compression:
    """By rows or by columns, whichever needs fewer sweeps."""
    columns, rows = apart(pattern), apart(pattern.T.tocsr())
    by_rows = rows.max(initial=-1) < columns.max(initial=-1)
    return Compression(pattern, rows if by_rows else columns, bool(by_rows))


def _assembled(way: Compression, compressed: np.ndarray) -> Any:
    """The matrix from its compressed rows or columns."""
    from scipy.sparse import csr_matrix  # not at import time

    pattern = way.pattern.tocoo()
    if not way.sweeps:
        return csr_matrix(pattern.shape, dtype=compressed.dtype)
    flat = np.asarray(compressed).reshape(way.sweeps, -1)
    chosen, along = (pattern.row, pattern.col) if way.by_rows else (pattern.col, pattern.row)
    return csr_matrix((flat[way.colours[chosen], along], (pattern.row, pattern.col)), pattern.shape)


def _others(call: LineCall) -> list[Any]:
    """The results after the heads."""
    count = len(call.heads)
    return call.apply("others", lambda f: Function(f.name, f.params, f.body, f.results[count:]))


def _numbers(call: LineCall) -> list[np.ndarray]:
    """The values of the line's parameters."""
    given = [*call.variables, *call.captured]
    return [np.asarray(x.materialise() if isinstance(x, Handle) else x) for x in given]


@transform
def hessian_diag(function: Callable[..., Any] | None = None, argnums: Any = 0, has_aux: bool = False) -> Any:
    """The function that returns the diagonal of the Hessian, in the structure of the argument.

    Elements that no second derivative connects are found together: one sweep for a sum of terms of one
    element each, three for a chain of neighbours, as many as elements where everything is connected.
    Arguments and errors are those of `hessian`.

    >>> import numpy as np, tapejit as tj
    >>> tj.hessian_diag(lambda x: np.sum(x ** 3) + x[0] * x[1])(np.array([1.0, 2.0]))
    array([ 6., 12.])
    """
    if function is None:
        return functools.partial(hessian_diag, argnums=argnums, has_aux=has_aux)
    return HessianDiagonal(function, "hessian_diag", argnums, has_aux)
