"""`linearize`: the value, and the derivative at one point as a function of the direction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import optree

from tapejit.argnums import described
from tapejit.capture import transform
from tapejit.directional import check_primals, directions
from tapejit.halves import Form, SecondHalf, in_halves
from tapejit.ir.function import Function
from tapejit.ir.transforms.split import linearised
from tapejit.ir.types import TensorType
from tapejit.transformed import check_function


@transform
def linearize(function: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """The value of `function(*primals)` and its pushforward: `(value, jvp_fn)`.

    `jvp_fn(*tangents)`, with one tangent per primal, of the same structure, shapes and dtypes, is the
    derivative along them: `jvp` without computing the value again, any number of times. With `has_aux` the
    function returns `(value, aux)` and the result is `(value, jvp_fn, aux)`. Errors are those of `jvp`.

    >>> import numpy as np, tapejit as tj
    >>> value, slope = tj.linearize(lambda x: np.sum(x ** 2), np.array([1.0, 2.0]))
    >>> float(value), float(slope(np.array([0.0, 1.0]))), float(slope(np.array([1.0, 0.0])))
    (5.0, 4.0, 2.0)
    """
    where = f"linearize of {described(check_function(function))}"
    check_primals(primals, where)
    return in_halves(Pushforward, function, primals, where, has_aux)


class Pushforward(SecondHalf):
    """The second result of `linearize`: from tangents of the primals to that of the value."""

    name = "linearize"

    def __call__(self, *tangents: Any) -> Any:
        return self._applied(tangents)

    def inside(self, residuals: Sequence[Any], given: Any) -> Any:
        form = self._form
        dots = directions(given, form.structures, form.variables, self._where)
        return optree.tree_unflatten(form.structure, list(self._run(residuals, dots)))

    def _given_types(self) -> Sequence[TensorType]:
        return self._form.variables

    @staticmethod
    def split(f: Function, form: Form) -> tuple[Function, Function]:
        return linearised(f, range(len(form.variables)), len(form.heads))
