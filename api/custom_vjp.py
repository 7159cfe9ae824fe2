"""`custom_vjp`: a function whose reverse derivative the user states."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import optree

from tapejit.capture import transform
from tapejit.custom_rule import CustomFunction, Given, next_of
from tapejit.ir.transforms.custom import with_pullback
from tapejit.line import LineCall
from tapejit.matching import typed
from tapejit.tracer.array import Array
from tapejit.tracer.handle import Handle
from tapejit.tracer.nested import called
from tapejit.tracer.state import STATE
from tapejit.transformed import check_function


@transform
def custom_vjp(function: Callable[..., Any] | None = None, nondiff_argnums: Sequence[int] = ()) -> Any:
    """The function with a derivative of your own, which `defvjp(fwd, bwd)` states.

    `fwd` takes the arguments of the function and returns `(value, residuals)`, the residuals a tree of arrays
    and Python objects. `bwd(residuals, cotangent)` returns a tuple with an entry per argument: the gradient,
    of the argument's structure, shapes and dtypes, or None for zero. The arguments at `nondiff_argnums` are
    passed on as they are, to `bwd` in front of the residuals. The cotangent of an integer value is zeros.

    The rule is traced, so it is differentiated in its turn by second derivatives, and batched by `vmap`.
    Forward mode transposes `bwd`, which has to be linear in the cotangent for that. Raises TypeError and
    ShapeError for gradients that do not fit their arguments, NestedDemandError where `bwd` asks for a number,
    AutogradError where a rule uses an array that is differentiated and no argument.

    >>> import numpy as np, tapejit as tj
    >>> @tj.custom_vjp
    ... def log1pexp(x):
    ...     return np.log(1.0 + np.exp(x))
    >>> def fwd(x):
    ...     return log1pexp(x), x
    >>> def bwd(x, ct):
    ...     return (ct * (1.0 - 1.0 / (1.0 + np.exp(x))),)
    >>> log1pexp.defvjp(fwd, bwd)
    >>> float(tj.grad(log1pexp)(100.0))
    1.0
    """
    if function is None:
        return functools.partial(custom_vjp, nondiff_argnums=nondiff_argnums)
    return CustomVjp(function, nondiff_argnums)


class CustomVjp(CustomFunction):
    """See `custom_vjp`."""

    def __init__(self, function: Callable[..., Any], nondiff_argnums: Sequence[int]):
        super().__init__(function, nondiff_argnums, "custom_vjp")

    def defvjp(self, fwd: Callable[..., Any], bwd: Callable[..., Any]) -> None:
        """State the rule; see `custom_vjp`."""
        self._define((check_function(fwd), check_function(bwd)))

    def _ruled(self, given: Given) -> Any:
        fwd, bwd = self._rule("defvjp(fwd, bwd)")
        residuals = Residuals()
        forward = self._forward(fwd, given, residuals)
        value = forward.structure.children()[0]
        count = value.num_leaves
        found = forward.apply("forward", lambda f: f)
        ys, stored = found[:count], found[count:]
        backward = self._backward(bwd, given, residuals, value, ys, stored)
        types, inputs = [y.type for y in ys], [x.type for x in given.variables]
        own = backward.line.call(
            ("custom_vjp", count, len(inputs), tuple(types)),
            lambda pull: with_pullback(pull, types, inputs, len(stored), self._where),
        )
        assert STATE.tape is not None
        arguments = [*ys, *given.variables, *stored, *backward.captured]
        return optree.tree_unflatten(value, called(STATE.tape, own, arguments))

    def _forward(self, fwd: Callable[..., Any], given: Given, residuals: Residuals) -> LineCall:
        """`fwd` as a line, to the leaves of the value and then the residuals."""

        def call(variables: Sequence[Handle]) -> Any:
            found = fwd(*given.with_variables(variables))
            if not isinstance(found, tuple) or len(found) != 2:
                raise TypeError(
                    f"{self._where}: fwd must return a pair (value, residuals), got {type(found).__name__}"
                )
            return found[0], residuals.take(found[1])

        return self.traced(self.tape("fwd"), "fwd", given, call)

    def _backward(
        self,
        bwd: Callable[..., Any],
        given: Given,
        residuals: Residuals,
        value: Any,
        ys: Sequence[Handle],
        stored: Sequence[Handle],
    ) -> LineCall:
        """`bwd` as a line, from the residuals and the cotangents."""
        tape = self.tape("bwd")
        kept = [tape.variable(x, None) for x in stored]
        bars = [tape.symbol(Array, y.type, "ct") for y in ys if y.type.is_inexact]
        zeros = [np.zeros(y.type.shape, y.type.numpy_dtype) for y in ys]
        leaves = next_of(iter(bars), [y.type.is_inexact for y in ys], zeros)

        def call() -> Any:
            cotangent = optree.tree_unflatten(value, leaves)
            found = bwd(*given.fixed, residuals.give(kept), cotangent)
            return self._gradients(given, found)

        return self.traced_at(tape, "bwd", [*kept, *bars], stored, call)

    def _gradients(self, given: Given, found: Any) -> list[Any]:
        """What `bwd` returned, as one gradient per variable."""
        if isinstance(found, list):
            found = tuple(found)
        if not isinstance(found, tuple) or len(found) != len(given.trees):
            what = f"{len(found)} entries" if isinstance(found, tuple) else type(found).__name__
            raise TypeError(
                f"{self._where}: bwd must return a tuple with one gradient for each of its "
                f"{len(given.trees)} differentiable arguments, got {what}"
            )
        bars = [bar for i, bar in enumerate(found) for bar in self._leaves(i, given.trees[i], bar)]
        chosen = [(given.leaves[k], bars[k]) for k in given.chosen]
        return [self._fitting(x, bar) for x, bar in chosen]

    def _leaves(self, i: int, tree: Any, bar: Any) -> list[Any]:
        """The gradients of the leaves of argument i; None stands for zeros everywhere."""
        structure = optree.tree_structure(tree)
        if bar is None:
            return [None] * structure.num_leaves
        try:
            return list(structure.flatten_up_to(bar))
        except ValueError as error:
            raise TypeError(
                f"{self._where}: the gradient that bwd returned for argument {i} has not the structure of "
                f"the argument: {error}"
            ) from None

    def _fitting(self, x: Handle, bar: Any) -> Any:
        if bar is None:
            return np.zeros(x.type.shape, x.type.numpy_dtype)
        return typed(bar, x.type, self._where, "what bwd returned", "the argument")


class Residuals:
    """What `fwd` keeps for `bwd`: a tree whose arrays are traced, and whose other leaves are passed on."""

    def take(self, tree: Any) -> list[Any]:
        """The arrays of `tree`."""
        self._leaves, self._structure = optree.tree_flatten(tree, none_is_leaf=True)
        return [x for x in self._leaves if self._is_array(x)]

    def give(self, arrays: Sequence[Any]) -> Any:
        """The tree, with these for its arrays."""
        wanted = [self._is_array(x) for x in self._leaves]
        return optree.tree_unflatten(self._structure, next_of(iter(arrays), wanted, self._leaves))

    @staticmethod
    def _is_array(x: Any) -> bool:
        return isinstance(x, Handle | np.ndarray | np.generic)
