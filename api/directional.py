"""`jvp`, `vjp`, `hvp`, `vhp`: derivatives along one direction, computed on the spot."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import optree

from tapejit.argnums import described
from tapejit.capture import transform
from tapejit.halves import Form, SecondHalf, in_halves
from tapejit.holomorphic import check_value
from tapejit.ir.function import Function
from tapejit.ir.transforms.adjoint import adjoint
from tapejit.ir.transforms.jacobian import reverse_jacobian
from tapejit.ir.transforms.split import split
from tapejit.ir.transforms.tangent import tangent
from tapejit.ir.types import TensorType
from tapejit.matching import matched
from tapejit.spot import SPOTS
from tapejit.tracer.errors import ShapeError
from tapejit.tracer.handle import Handle
from tapejit.transformed import check_function
from tapejit.variables import differentiable


@transform
def jvp(function: Callable[..., Any], primals: Any, tangents: Any, has_aux: bool = False) -> Any:
    """The value of `function(*primals)` and its derivative along `tangents`: `(value, tangent)`.

    `primals` is a tuple or list of arguments, each a tree of float arrays or numbers; `tangents` has the same
    structure, shapes and dtypes. The tangent has those of the value. With `has_aux` the function returns
    `(value, aux)` and the result is `(value, tangent, aux)`. Raises TypeError for other structures and
    dtypes, ShapeError for other shapes.

    >>> import numpy as np, tapejit as tj
    >>> value, slope = tj.jvp(lambda x: np.sum(x ** 2), (np.array([1.0, 2.0]),), (np.array([0.0, 1.0]),))
    >>> float(value), float(slope)
    (5.0, 4.0)
    """
    compiled = SPOTS.compiled(function, ("jvp", has_aux))
    both = isinstance(primals, tuple) and isinstance(tangents, tuple)
    if compiled is not None and both and len(primals) == len(tangents):
        return compiled(*primals, *tangents)
    where = f"jvp of {described(check_function(function))}"
    _check_tuple(primals, where, "primals")
    _check_tuple(tangents, where, "tangents")

    def run(primals: Any, tangents: Any) -> Any:
        call, structures = differentiable(function, "jvp", primals, {}, range(len(primals)), has_aux)
        dots = directions(tangents, structures, [x.type for x in call.variables], where)
        heads = len(call.heads)
        found = iter(call.apply(("jvp", heads), lambda f: _pushed(f, len(call.variables), heads), dots))
        value, slope = call.value(found), call.value(found)
        return (value, slope, call.filled_aux(found)) if has_aux else (value, slope)

    return SPOTS.run(function, "jvp", ("jvp", has_aux), run, primals, tangents)


@transform
def vjp(function: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """The value of `function(*primals)` and its pullback: `(value, vjp_fn)`.

    `vjp_fn(cotangent)`, where the cotangent has the structure, shapes and dtypes of the value, is the tuple
    of the gradients of the sum of `value * cotangent` by each of the primals. It can be called any number of
    times, inside other transforms too. With `has_aux` the function returns `(value, aux)` and the result is
    `(value, vjp_fn, aux)`.

    >>> import numpy as np, tapejit as tj
    >>> value, vjp_fn = tj.vjp(lambda x, y: x * y, np.array([1.0, 2.0]), np.array([3.0, 4.0]))
    >>> vjp_fn(np.array([1.0, 10.0]))
    (array([ 3., 40.]), array([ 1., 20.]))
    """
    where = f"vjp of {described(check_function(function))}"
    check_primals(primals, where)
    return in_halves(Pullback, function, primals, where, has_aux)


class Pullback(SecondHalf):
    """The second result of `vjp`: from a cotangent of the value to those of the primals."""

    name = "vjp"

    def __call__(self, cotangent: Any) -> Any:
        return self._applied(cotangent)

    def inside(self, residuals: Sequence[Any], given: Any) -> Any:
        form = self._form
        bars = matched(given, form.structure, form.heads, self._where, "the cotangent", "the value")
        return unflattened(form.structures, self._run(residuals, bars))

    def _given_types(self) -> Sequence[TensorType]:
        return self._form.heads

    @staticmethod
    def split(f: Function, form: Form) -> tuple[Function, Function]:
        return split(f, range(len(form.variables)), len(form.heads))


@transform
def hvp(function: Callable[..., Any], primals: Any, tangents: Any) -> Any:
    """The Hessian of a scalar function times a vector, without the Hessian: forward over reverse.

    `primals`: the tuple of the arguments, `tangents` a tuple of the same structure; the product has it too.
    An argument that is alone may be given without the tuple.

    >>> import numpy as np, tapejit as tj
    >>> tj.hvp(lambda x: np.sum(x ** 3), np.array([1.0, 2.0]), np.array([1.0, 1.0]))
    array([ 6., 12.])
    """
    return _product("hvp", pushed_gradient, function, primals, tangents)


@transform
def vhp(function: Callable[..., Any], primals: Any, cotangents: Any) -> Any:
    """A vector times the Hessian of a scalar function: reverse over reverse.

    The same as `hvp`, since a Hessian is symmetric, for functions that have no forward mode. Arguments and
    result are those of `hvp`.

    >>> import numpy as np, tapejit as tj
    >>> tj.vhp(lambda x: np.sum(x ** 3), np.array([1.0, 2.0]), np.array([1.0, 1.0]))
    array([ 6., 12.])
    """
    return _product("vhp", pulled_gradient, function, primals, cotangents)


def _product(
    kind: str,
    method: Callable[[Function, int], Function],
    function: Callable[..., Any],
    primals: Any,
    tangents: Any,
) -> Any:
    """The Hessian and a vector, multiplied by `method`."""
    compiled = SPOTS.compiled(function, kind)
    if not isinstance(primals, tuple):
        if compiled is not None:
            return compiled(primals, tangents)[0]
        (product,) = _product(kind, method, function, (primals,), (tangents,))
        return product
    if compiled is not None and isinstance(tangents, tuple) and len(primals) == len(tangents):
        return compiled(*primals, *tangents)
    where = f"{kind} of {described(check_function(function))}"
    check_primals(primals, where)

    def run(primals: Any, tangents: Any) -> Any:
        call, structures = differentiable(function, kind, primals, {}, range(len(primals)))
        if call.structure.num_leaves != 1 or call.heads[0].type.shape != ():
            shapes = ", ".join(str(v.type.shape) for v in call.heads)
            raise ShapeError(
                f"{where}: a Hessian needs a scalar result, got {shapes}; return its sum or mean"
            )
        check_value(where, call.heads[0].type, (), holomorphic=False)
        dots = directions(tangents, structures, [x.type for x in call.variables], where)
        found = iter(call.apply(kind, lambda f: method(f, len(call.variables)), dots))
        return unflattened(structures, found)

    return SPOTS.run(function, kind, kind, run, primals, tangents)


def unflattened(structures: Sequence[Any], leaves: Iterator[Any]) -> tuple[Any, ...]:
    """The trees of these structures, with the next of `leaves` for theirs."""
    return tuple(optree.tree_unflatten(s, [next(leaves) for _ in range(s.num_leaves)]) for s in structures)


def _pushed(f: Function, count: int, heads: int) -> Function:
    """(heads, their dots, other results)."""
    both = tangent(f, range(count))
    values, dots = both.results[: len(f.results)], both.results[len(f.results) :]
    both.results = (*values[:heads], *dots[:heads], *values[heads:])
    return both


def pushed_gradient(f: Function, count: int) -> Function:
    """The dots of the gradients by the first `count` parameters."""
    slope = reverse_jacobian(f, range(count), 1)
    both = tangent(slope, range(count))
    both.results = both.results[count:]
    return both


def pulled_gradient(f: Function, count: int) -> Function:
    """The adjoints of the first `count` parameters, for those of the gradients by them."""
    slope = reverse_jacobian(f, range(count), 1)
    slope.results = slope.results[:count]
    both = adjoint(slope, range(count))
    both.results = both.results[count:]
    return both


def directions(
    tangents: Any, structures: Sequence[Any], variables: Sequence[TensorType], where: str
) -> list[Handle]:
    """The leaves of the tangents, checked against the primals, whose leaves have the types `variables`."""
    if not isinstance(tangents, tuple | list) or len(tangents) != len(structures):
        count = len(tangents) if isinstance(tangents, tuple | list) else type(tangents).__name__
        raise TypeError(f"{where}: {len(structures)} primals need a tuple of as many tangents, got {count}")
    types = iter(variables)
    found = []
    for i, (one, structure) in enumerate(zip(tangents, structures, strict=True)):
        own = [next(types) for _ in range(structure.num_leaves)]
        found += matched(one, structure, own, where, f"tangent {i}", "its primal")
    return found


def _check_tuple(x: Any, where: str, name: str) -> None:
    if not isinstance(x, tuple | list):
        raise TypeError(
            f"{where}: {name} must be a tuple of arguments, got {type(x).__name__}; write ({name},)"
        )
    if name == "primals":
        check_primals(x, where)


def check_primals(primals: Sequence[Any], where: str) -> None:
    if not primals:
        raise TypeError(f"{where}: there are no primals to differentiate by")
