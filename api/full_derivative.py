"""`jacfwd`, `jacrev`, `jacobian`, `hessian`: all first or second partial derivatives as arrays.

The value's structure is outermost; each of its leaves is replaced by the structure of the differentiated
arguments, whose leaves are the Jacobians, of shape `value.shape + argument.shape`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import optree

from tapejit.argnums import described
from tapejit.capture import transform
from tapejit.holomorphic import check_jacobian
from tapejit.ir.function import Function
from tapejit.ir.transforms.jacobian import cheaper_jacobian, forward_jacobian, reverse_jacobian
from tapejit.sparse import sparse_derivative
from tapejit.transformed import Differential

Method = Callable[[Function, Sequence[int], int], Function]


class Jacobian(Differential):
    """Partial derivatives by `method`, of the order `order`."""

    def __init__(
        self,
        function: Callable[..., Any],
        kind: str,
        argnums: Any,
        has_aux: bool,
        method: Method,
        order: int = 1,
        holomorphic: bool = False,
    ):
        super().__init__(function, kind, argnums, has_aux)
        self._method, self._order, self._holomorphic = method, order, holomorphic

    def _inside(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        call, structures = self._differentiable(args, kwargs)
        where = f"{self._kind} of {described(self._user)}"
        own = [x.type for x in call.variables]
        check_jacobian(where, self._kind, own, [v.type for v in call.heads], self._holomorphic)
        wrt, heads = tuple(range(len(call.variables))), len(call.heads)
        found = iter(call.apply(("jacobian", self._method, heads), lambda f: self._method(f, wrt, heads)))
        value = call.value(iter([self._nest(self._order, structures, found) for _ in range(heads)]))
        return (value, call.filled_aux(found)) if self._has_aux else value

    def _nest(self, depth: int, structures: list[Any], leaves: Iterator[Any]) -> Any:
        """The structure of the differentiated arguments, `depth` times inside itself."""
        if depth == 0:
            return next(leaves)
        trees = [
            optree.tree_unflatten(s, [self._nest(depth - 1, structures, leaves) for _ in range(s.num_leaves)])
            for s in structures
        ]
        return trees[0] if isinstance(self._argnums, int) else tuple(trees)


def _second(f: Function, wrt: Sequence[int], heads: int) -> Function:
    """Forward over reverse."""
    return forward_jacobian(reverse_jacobian(f, wrt, heads), wrt, heads * len(wrt))


@transform
def jacfwd(
    function: Callable[..., Any] | None = None,
    argnums: Any = 0,
    has_aux: bool = False,
    holomorphic: bool = False,
) -> Any:
    """The function that returns the Jacobian, by forward mode: one sweep per element of the arguments.

    Arguments, results and errors are those of `jacobian`.

    >>> import numpy as np, tapejit as tj
    >>> tj.jacfwd(lambda x: x[:2] * x[2])(np.array([1.0, 2.0, 3.0]))
    array([[3., 0., 1.],
           [0., 3., 2.]])
    """
    return _made(function, "jacfwd", argnums, has_aux, forward_jacobian, holomorphic=holomorphic)


@transform
def jacrev(
    function: Callable[..., Any] | None = None,
    argnums: Any = 0,
    has_aux: bool = False,
    holomorphic: bool = False,
) -> Any:
    """The function that returns the Jacobian, by reverse mode: one sweep per element of the value.

    Arguments, results and errors are those of `jacobian`.

    >>> import numpy as np, tapejit as tj
    >>> tj.jacrev(lambda x: x[:2] * x[2])(np.array([1.0, 2.0, 3.0]))
    array([[3., 0., 1.],
           [0., 3., 2.]])
    """
    return _made(function, "jacrev", argnums, has_aux, reverse_jacobian, holomorphic=holomorphic)


@transform
def jacobian(
    function: Callable[..., Any] | None = None,
    argnums: Any = 0,
    has_aux: bool = False,
    holomorphic: bool = False,
    sparse: bool = False,
) -> Any:
    """The function that returns the Jacobian, by the mode that needs fewer sweeps.

    `argnums`: the positional argument, or arguments, to differentiate by; each a tree of float arrays or
    numbers. The value is a tree of float arrays; each leaf becomes an array of shape `leaf.shape +
    argument.shape` (for a tree of arguments, or a tuple of `argnums`, a tree of such arrays). With `has_aux`
    the function returns `(value, aux)`, and the result is `(jacobian, aux)`. Arguments or values may be
    complex; if both are, the function has to be `holomorphic`. Raises TypeError for integer arguments and
    values, ValueError for `argnums` that do not fit the call.

    With `sparse` the function takes one array to one array and the result is a `scipy.sparse.csr_matrix` of
    shape `(value.size, argument.size)`. It takes as few sweeps as the pattern seen in the IR allows: one for
    an elementwise function, three for a tridiagonal matrix.

    >>> import numpy as np, tapejit as tj
    >>> tj.jacobian(np.sin)(np.zeros(2))
    array([[1., 0.],
           [0., 1.]])
    >>> tj.jacobian(lambda x: x[1:] * x[:-1], sparse=True)(np.arange(1000.0)).nnz
    1998
    """
    if sparse:
        return sparse_derivative(function, "jacobian", argnums, has_aux, 1)
    return _made(function, "jacobian", argnums, has_aux, cheaper_jacobian, holomorphic=holomorphic)


@transform
def hessian(
    function: Callable[..., Any] | None = None, argnums: Any = 0, has_aux: bool = False, sparse: bool = False
) -> Any:
    """The function that returns the second derivatives, forward over reverse; see `jacobian`.

    For a scalar function of one array the result has shape `x.shape + x.shape`. For a tree of arguments it
    is that tree of such trees. With `sparse` it is a `scipy.sparse.csr_matrix` for a function of one array.

    >>> import numpy as np, tapejit as tj
    >>> tj.hessian(lambda x: x[0] ** 2 * x[1])(np.array([1.0, 2.0]))
    array([[4., 2.],
           [2., 0.]])
    """
    if sparse:
        return sparse_derivative(function, "hessian", argnums, has_aux, 2)
    return _made(function, "hessian", argnums, has_aux, _second, 2)


def _made(
    function: Callable[..., Any] | None,
    kind: str,
    argnums: Any,
    has_aux: bool,
    method: Method,
    order: int = 1,
    holomorphic: bool = False,
) -> Any:
    if function is None:
        return functools.partial(
            _made,
            kind=kind,
            argnums=argnums,
            has_aux=has_aux,
            method=method,
            order=order,
            holomorphic=holomorphic,
        )
    return Jacobian(function, kind, argnums, has_aux, method, order, holomorphic)
