"""`linearize`: the value, and the derivative at one point as a function of the direction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tapejit.argnums import described
from tapejit.capture import transform
from tapejit.directional import check_primals, directions
from tapejit.ir.function import Function
from tapejit.ir.transforms.split import linearised
from tapejit.line import LineCall
from tapejit.transformed import check_function, on_the_spot
from tapejit.tree import any_handle
from tapejit.variables import differentiable


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
    ours = any_handle(primals)

    def run() -> Any:
        call, structures = differentiable(function, "linearize", primals, {}, range(len(primals)), has_aux)
        pushforward = Pushforward(call, structures, where, ours)
        found = iter(pushforward.results)
        value = call.value(found)
        return (value, pushforward, call.filled_aux(found)) if has_aux else (value, pushforward)

    return on_the_spot(run, ours)


class Pushforward:
    """The second result of `linearize`: from tangents of the primals to that of the value."""

    def __init__(self, call: LineCall, structures: list[Any], where: str, ours: bool):
        self._call, self._structures, self._where, self._ours = call, structures, where, ours
        self._count = len(call.heads)
        found = call.apply(("linearised", self._count), lambda f: self._split(f)[0])
        results = len(call.line.function.results)
        self.results, self._residuals = found[:results], found[results:]

    def __call__(self, *tangents: Any) -> Any:
        return on_the_spot(lambda: self._inside(tangents), self._ours or any_handle(tangents))

    def _inside(self, tangents: tuple[Any, ...]) -> Any:
        dots = directions(tangents, self._structures, self._call, self._where)
        key = ("pushforward", self._count)
        found = self._call.line.record(key, lambda f: self._split(f)[1], [*self._residuals, *dots])
        return self._call.value(iter(found))

    def _split(self, f: Function) -> tuple[Function, Function]:
        return linearised(f, range(len(self._call.variables)), self._count)
