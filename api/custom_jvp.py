"""`custom_jvp`: a function whose forward derivative the user states."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import optree

from tapejit.capture import transform
from tapejit.custom_rule import CustomFunction, Given
from tapejit.ir.transforms.custom import with_pushforward
from tapejit.line import as_array
from tapejit.matching import typed
from tapejit.tracer.array import Array
from tapejit.tracer.handle import Handle
from tapejit.transformed import check_function


@transform
def custom_jvp(function: Callable[..., Any] | None = None, nondiff_argnums: Sequence[int] = ()) -> Any:
    """The function with a derivative of your own, which `defjvp(rule)` or `defjvps(...)` states.

    `rule(primals, tangents)` takes two tuples of the same structure and returns `(value, tangent)`, the
    tangent with the structure, shapes and dtypes of the value. The arguments at `nondiff_argnums` are passed
    on as they are, in front of the primals. The tangent of what is no array of floats is zeros.

    The rule is traced, so it is differentiated in its turn by second derivatives, and batched by `vmap`.
    Reverse mode transposes it; it has to be linear in the tangents for that. Raises TypeError and ShapeError
    for tangents that do not fit the value, NestedDemandError where the rule asks for a number, AutogradError
    where it uses an array that is differentiated and no argument.

    >>> import numpy as np, tapejit as tj
    >>> @tj.custom_jvp
    ... def f(x, y):
    ...     return np.sin(x) * y
    >>> @f.defjvp
    ... def rule(primals, tangents):
    ...     (x, y), (dx, dy) = primals, tangents
    ...     return f(x, y), np.cos(x) * dx * y + np.sin(x) * dy
    >>> float(tj.grad(f)(0.0, 3.0))
    3.0
    """
    if function is None:
        return functools.partial(custom_jvp, nondiff_argnums=nondiff_argnums)
    return CustomJvp(function, nondiff_argnums)


class CustomJvp(CustomFunction):
    """See `custom_jvp`."""

    def __init__(self, function: Callable[..., Any], nondiff_argnums: Sequence[int]):
        super().__init__(function, nondiff_argnums, "custom_jvp")

    def defjvp(self, rule: Callable[..., Any]) -> Callable[..., Any]:
        """State the rule; see `custom_jvp`. Gives the rule back, so that it can be a decorator."""
        self._define((check_function(rule),))
        return rule

    def defjvps(self, *rules: Callable[..., Any] | None) -> None:
        """State the rule by one function per argument: `rule(tangent, value, *primals)`; None is zero."""

        def rule(*given: Any) -> Any:
            *fixed, primals, tangents = given
            if len(rules) != len(primals):
                raise TypeError(f"{self._where}: defjvps has {len(rules)} rules for {len(primals)} arguments")
            value = self(*_merged(primals, fixed, self._nondiff))
            terms = [one(t, value, *primals) for one, t in zip(rules, tangents, strict=True) if one]
            return value, functools.reduce(lambda a, b: optree.tree_map(np.add, a, b), terms)

        self._define((rule,))

    def _ruled(self, given: Given) -> Any:
        (rule,) = self._rule("defjvp(rule)")
        tape = self.tape("the rule")
        points = [tape.variable(x, None) for x in given.variables]
        dots = [tape.symbol(Array, x.type, "dot") for x in given.variables]
        line = self.traced_at(
            tape,
            "the rule",
            [*points, *dots],
            given.variables,
            lambda: self._pushed(rule, given, points, dots),
        )
        value = line.structure.children()[0]
        count, inputs = value.num_leaves, len(points)
        found = line.apply(
            ("custom_jvp", count, inputs), lambda f: with_pushforward(f, count, inputs, self._where)
        )
        return optree.tree_unflatten(value, found)

    def _pushed(
        self, rule: Callable[..., Any], given: Given, points: Sequence[Handle], dots: Sequence[Handle]
    ) -> Any:
        """The value and, per float leaf of it, its tangent."""
        args = given.with_variables(points)
        primals = tuple(args[i] for i in given.places)
        found = rule(*given.fixed, primals, self._tangents(given, dots))
        if not isinstance(found, tuple) or len(found) != 2:
            raise TypeError(
                f"{self._where}: the rule must return a pair (value, tangent), got {type(found).__name__}"
            )
        return found[0], self._checked(*found)

    def _tangents(self, given: Given, dots: Sequence[Handle]) -> Any:
        leaves = [_no_tangent(x) for x in given.leaves]
        for k, dot in zip(given.chosen, dots, strict=True):
            leaves[k] = dot
        return tuple(optree.tree_unflatten(given.structure, leaves))

    def _checked(self, value: Any, tangent: Any) -> list[Handle]:
        """The tangents of the float leaves of the value."""
        leaves, structure = optree.tree_flatten(value)
        try:
            found = structure.flatten_up_to(tangent)
        except ValueError as error:
            raise TypeError(
                f"{self._where}: the tangent has not the structure of the value: {error}"
            ) from None
        types = [as_array(x, self._where).type for x in leaves]
        return [
            typed(dot, t, self._where, "the tangent of the rule", "the value")
            for dot, t in zip(found, types, strict=True)
            if t.is_inexact
        ]


def _merged(primals: Sequence[Any], fixed: Sequence[Any], places: Sequence[int]) -> list[Any]:
    """All arguments in order, those at `places` being `fixed`."""
    rest, kept = iter(primals), iter(fixed)
    return [next(kept) if i in places else next(rest) for i in range(len(primals) + len(fixed))]


def _no_tangent(x: Any) -> Any:
    return np.zeros(x.type.shape if isinstance(x, Handle) else np.shape(x))
