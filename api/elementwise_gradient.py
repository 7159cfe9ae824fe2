"""`elementwise_grad`: the derivative of a function that maps each element on its own."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tapejit.capture import transform
from tapejit.function import Differentiated
from tapejit.transformed import check_function


@transform
def elementwise_grad(
    function: Callable[..., Any] | None = None, argnums: int | Sequence[int] = 0, has_aux: bool = False
) -> Any:
    """The function that returns the derivative at every element, for a function that maps each on its own.

    For other functions of arrays it is the gradient of the sum of the value (the sum of the Jacobian's rows).
    Arguments, results and errors are those of `grad`, but for the value, which may have any shape.

    >>> import numpy as np, tapejit as tj
    >>> slope = tj.elementwise_grad(np.sin)
    >>> slope(np.array([0.0, np.pi]))
    array([ 1., -1.])
    >>> tj.elementwise_grad(tj.elementwise_grad(lambda x: x ** 3))(np.array([1.0, 2.0]))
    array([ 6., 12.])
    """
    if function is None:
        return functools.partial(elementwise_grad, argnums=argnums, has_aux=has_aux)
    check_function(function)

    @functools.wraps(function, updated=())
    def total(*args: Any, **kwargs: Any) -> Any:
        found = function(*args, **kwargs)
        return (np.sum(found[0]), found[1]) if has_aux else np.sum(found)

    return Differentiated(total, argnums, has_aux, value=False)
