"""Implicit differentiation: derivatives of what a solver finds, without differentiating the solver.

If `residual(x, *theta)` is zero at x, then x is a function of theta whose derivative solves a linear system
(the implicit function theorem): J dx = -dr, with J the Jacobian of the residual by x and dr its derivative
along the change of theta. The solver may be any Python; it runs outside of the trace, on NumPy arrays.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import optree

from tapejit.argnums import described
from tapejit.capture import transform
from tapejit.custom_jvp import CustomJvp
from tapejit.directional import jvp
from tapejit.function import grad
from tapejit.function_object import FunctionObject
from tapejit.ir.transforms.jacobian import forward_jacobian
from tapejit.outside import called_outside
from tapejit.tracer.array import Array
from tapejit.tracer.errors import ConvergenceError, ShapeError
from tapejit.tracer.handle import Handle
from tapejit.tracer.state import STATE
from tapejit.transformed import check_function
from tapejit.variables import differentiable

TOLERANCE = 1e-3  # of the residual, relative to the largest entry of the solution or to 1


@transform
def root(
    residual: Callable[..., Any], solver: Callable[..., Any], tolerance: float = TOLERANCE
) -> Callable[..., Any]:
    """The function `theta -> x` with `residual(x, *theta) = 0`, where x is what `solver(*theta)` finds.

    x is an array or a tree of float arrays, the residual has as many elements; `theta` are any number of
    arguments, whose arrays can be differentiated by, in forward and reverse mode to the third order. One
    dense system of the size of x is solved per derivative. The largest entry of the residual must not
    exceed `tolerance`, relative to that of x or to 1: ConvergenceError. Raises ShapeError where the
    residual has another number of elements than x. Under `vmap` the solver runs once per example.

    >>> import numpy as np, tapejit as tj
    >>> def newton(a):
    ...     x = a
    ...     for _ in range(50):
    ...         x = 0.5 * (x + a / x)
    ...     return x
    >>> sqrt = tj.implicit.root(lambda x, a: x * x - a, newton)
    >>> float(tj.grad(sqrt)(4.0))
    0.25
    """
    return _Solution(check_function(residual), check_function(solver), tolerance)


@transform
def minimizer(
    objective: Callable[..., Any], solver: Callable[..., Any], tolerance: float = TOLERANCE
) -> Callable[..., Any]:
    """The function `theta -> x` at which `objective(x, *theta)` is stationary; see `root`.

    >>> import numpy as np, tapejit as tj
    >>> mean = tj.implicit.minimizer(lambda x, data: np.sum((data - x) ** 2), lambda data: np.mean(data))
    >>> tj.grad(mean)(np.array([1.0, 2.0, 6.0, 7.0]))
    array([0.25, 0.25, 0.25, 0.25])
    """
    return root(grad(check_function(objective)), solver, tolerance)


@transform
def fixed_point(
    function: Callable[..., Any],
    start: Any,
    *theta: Any,
    tolerance: float = 1e-10,
    iterations: int = 10_000,
) -> Any:
    """The x with `x = function(x, *theta)`, by iteration from `start`; differentiable by `theta`.

    Iterates until no element changes by more than `tolerance`, relative to the largest element or to 1;
    raises ConvergenceError after `iterations`. `start` only says where to begin: no derivative flows to it.

    >>> import numpy as np, tapejit as tj
    >>> babylon = lambda x, a: 0.5 * (x + a / x)
    >>> float(tj.grad(lambda a: tj.fixed_point(babylon, 1.0, a))(4.0))
    0.25
    """
    check_function(function)

    def solver(first: Any, *values: Any) -> Any:
        return _iterated(function, first, values, tolerance, iterations)

    def residual(x: Any, *values: Any) -> Any:
        return optree.tree_map(lambda y, z: y - z, function(x, *values), x)

    functools.update_wrapper(residual, function, updated=())
    return _Solution(residual, solver, TOLERANCE, start)(*theta)


class _Solution(FunctionObject):
    """See `root`."""

    def __init__(
        self, residual: Callable[..., Any], solver: Callable[..., Any], tolerance: float, *begin: Any
    ):
        self._residual, self._solver, self._tolerance, self._begin = residual, solver, tolerance, begin
        self._where = f"the solution of {described(residual)}"

    def __repr__(self) -> str:
        return f"<tapejit: {self._where}>"

    def __call__(self, *given: Any) -> Any:
        theta: Any = given
        traced = STATE.tape is not None and any(isinstance(x, Handle) for x in optree.tree_leaves(theta))
        found = called_outside(self._checked if traced else self._found, (self._begin, theta), self._where)
        if not traced:
            return self._out(found)
        leaves, structure = optree.tree_flatten(found)
        flat = np.concatenate([np.reshape(x, -1) for x in leaves])
        implied = _implied(_flat_residual(self._residual, leaves, structure))
        return _unflattened(implied(flat, *theta), leaves, structure)

    def _found(self, begin: Any, values: Any) -> Any:
        """What the solver finds, for arrays of NumPy's."""
        return optree.tree_map(_float_array, self._solver(*begin, *values))

    def _checked(self, begin: Any, values: Any) -> Any:
        """The same, where it has to be a root: the residual fits, and is zero."""
        found = self._found(begin, values)
        leaves: list[Any] = optree.tree_leaves(found)
        rest = [np.asarray(x) for x in optree.tree_leaves(self._residual(found, *values))]
        sizes = sum(x.size for x in rest), sum(x.size for x in leaves)
        if sizes[0] != sizes[1]:
            raise ShapeError(f"{self._where}: the residual has {sizes[0]} elements, the solution {sizes[1]}")
        scale = max([1.0, *(float(np.max(np.abs(x), initial=0.0)) for x in leaves)])
        worst = max([float(np.max(np.abs(x), initial=0.0)) for x in rest], default=0.0)
        if not worst <= min(self._tolerance * scale, sys.float_info.max):
            raise ConvergenceError(
                f"{self._where}: the solver stopped where the residual is {worst:.3g}, which is no root; "
                f"let it go on, or set `tolerance` (now {self._tolerance:g}, relative to {scale:.3g})"
            )
        return found

    def _out(self, found: Any) -> Any:
        return optree.tree_map(lambda x: x if x.ndim else x[()], found)


def _implied(residual: Callable[..., Any]) -> CustomJvp:
    """The identity on a root, with the derivative by theta that the theorem gives."""

    def identity(x: Any, *theta: Any) -> Any:
        return x

    implied = CustomJvp(identity, ())

    @implied.defjvp
    def rule(primals: Any, tangents: Any) -> Any:
        start, *theta = primals
        x = implied(start, *theta)  # it depends on theta: so second derivatives are right
        by_x = _by_first(residual, x, theta)
        moved = _moving(theta, tangents[1:])
        dr = jvp(lambda *points: residual(x, *_filled(theta, points)), *moved)[1]
        return x, -np.linalg.solve(by_x, dr)

    return implied


def _by_first(residual: Callable[..., Any], x: Any, theta: Any) -> Any:
    """The Jacobian of the residual by x, within a trace."""
    call, _ = differentiable(residual, "root", (x, *theta), {}, (0,))
    return call.apply(("jacobian", forward_jacobian, 1), lambda f: forward_jacobian(f, (0,), 1))[0]


def _moving(theta: Any, dots: Any) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """The arrays of theta that a derivative is by, and their tangents."""
    tangents: Any = tuple(dots)
    pairs = zip(optree.tree_leaves(theta), optree.tree_leaves(tangents), strict=True)
    chosen = [(x, dot) for x, dot in pairs if isinstance(dot, Handle)]
    return tuple(x for x, _ in chosen), tuple(dot for _, dot in chosen)


def _filled(theta: Any, points: Any) -> Any:
    """`theta` with `points` for its differentiable arrays."""
    leaves, structure = optree.tree_flatten(theta)
    rest = iter(points)
    return optree.tree_unflatten(
        structure, [next(rest) if isinstance(x, Handle) and x.type.is_inexact else x for x in leaves]
    )


def _flat_residual(residual: Callable[..., Any], leaves: list[Any], structure: Any) -> Callable[..., Any]:
    """The residual from a vector to a vector."""

    @functools.wraps(residual, updated=())
    def flat(x: Any, *theta: Any) -> Any:
        found = residual(_unflattened(x, leaves, structure), *theta)
        return np.concatenate([np.reshape(r, -1) for r in optree.tree_leaves(found)])

    return flat


def _unflattened(flat: Any, leaves: list[Any], structure: Any) -> Any:
    """The tree whose leaves, of the shapes of `leaves`, lie in `flat` one after the other."""
    found, at = [], 0
    for x in leaves:
        found.append(np.reshape(flat[at : at + x.size], x.shape))
        at += x.size
    return optree.tree_unflatten(structure, found)


def _iterated(function: Callable[..., Any], x: Any, theta: Any, tolerance: float, iterations: int) -> Any:
    for _ in range(iterations):
        new = optree.tree_map(_float_array, function(x, *theta))
        pairs = list(zip(optree.tree_leaves(new), optree.tree_leaves(x), strict=True))
        change = max(float(np.max(np.abs(a - b), initial=0.0)) for a, b in pairs)
        scale = max(float(np.max(np.abs(a), initial=1.0)) for a, _ in pairs)
        x = new
        if change <= tolerance * scale:
            return x
    raise ConvergenceError(
        f"fixed_point of {described(function)}: after {iterations} iterations an element still changes by "
        f"{change:.3g}; the function has to contract, or start nearer"
    )


def _float_array(x: Any) -> np.ndarray:
    data = np.array(x.value() if isinstance(x, Array) else x)
    return data if data.dtype.kind in "fc" else data.astype(float)
