"""Functions whose derivative is stated by a rule: what `custom_vjp` and `custom_jvp` have in common.

At a call through which a derivative flows, the function and its rule are traced to lines of IR, which
`ir.transforms.custom` puts together; any other call just runs the function.
"""

from __future__ import annotations

import functools
import inspect
import types
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import optree

from tapejit.argnums import described
from tapejit.engine import TRIE
from tapejit.function_object import FunctionObject
from tapejit.ir.transforms.custom import without_derivative
from tapejit.line import LineCall, trace_line
from tapejit.tracer.errors import AutogradError
from tapejit.tracer.handle import Handle
from tapejit.tracer.rule import RuleTape, depth_of, differentiated
from tapejit.tracer.state import STATE
from tapejit.transformed import check_function

MAX_DEPTH = 3  # how often a rule that calls its own function is followed


class Given:
    """The arguments of one call: the arrays that the rule is about, and everything else."""

    def __init__(self, args: Sequence[Any], fixed: Sequence[int]):
        self.args, self.fixed = list(args), [args[i] for i in fixed]
        self.places = [i for i in range(len(args)) if i not in fixed]
        self.trees = [args[i] for i in self.places]
        trees: Any = self.trees
        self.leaves, self.structure = optree.tree_flatten(trees)
        self.chosen = [k for k, x in enumerate(self.leaves) if isinstance(x, Handle) and x.type.is_inexact]

    @property
    def variables(self) -> list[Handle]:
        """The arrays that a derivative can flow through."""
        return [self.leaves[k] for k in self.chosen]

    def with_variables(self, handles: Sequence[Handle]) -> list[Any]:
        """All arguments, with `handles` for the variables."""
        leaves = list(self.leaves)
        for k, handle in zip(self.chosen, handles, strict=True):
            leaves[k] = handle
        args = list(self.args)
        for i, tree in zip(self.places, optree.tree_unflatten(self.structure, leaves), strict=True):
            args[i] = tree
        return args


def _cells(
    function: Callable[..., Any],
) -> tuple[Callable[[], Any], Callable[[tuple[Callable[..., Any], ...]], None]]:
    """A function that captures `function` and its rule, for guards to see; and how to set the rule."""
    rule: tuple[Callable[..., Any], ...] = ()

    def consists_of() -> Any:
        return function, rule

    def define(new: tuple[Callable[..., Any], ...]) -> None:
        nonlocal rule
        rule = new

    return consists_of, define


class CustomFunction(FunctionObject):
    """A function with a rule; subclasses say in `_ruled` how the rule is traced."""

    def __init__(self, function: Callable[..., Any], nondiff_argnums: Sequence[int], kind: str):
        self._function = check_function(function)
        functools.update_wrapper(self, function, updated=())
        self.__traced__, self._define = _cells(function)
        self._nondiff = _checked(nondiff_argnums)
        self._where = f"{kind} of {described(function)}"

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else types.MethodType(self, instance)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if STATE.tape is None:
            return self._function(*args, **kwargs)
        given = self._given(args, kwargs)
        if not any(map(differentiated, given.variables)):
            return self._function(*args, **kwargs)
        if depth_of(self, STATE.tape) > MAX_DEPTH:
            return self._without_derivative(given)
        return self._ruled(given)

    def __reduce__(self) -> Any:
        how = super().__reduce__()
        return how if isinstance(how, str) else (*how, self.__traced__()[1])

    def __setstate__(self, rule: tuple[Callable[..., Any], ...]) -> None:
        self._define(rule)

    def _rule(self, how: str) -> tuple[Callable[..., Any], ...]:
        """The functions that state the derivative."""
        found: tuple[Callable[..., Any], ...] = self.__traced__()[1]
        if not found:
            raise AttributeError(f"{self._where} has no rule yet: call {how}")
        return found

    def _ruled(self, given: Given) -> Any:
        """The value, recorded with its rule."""
        raise AssertionError("each kind of custom function has its own")

    def _given(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Given:
        bound = self._bound(args, kwargs)
        for i in self._nondiff:
            if i >= len(bound):
                raise ValueError(f"{self._where}: nondiff_argnums has {i}, the call {len(bound)} arguments")
            if any(isinstance(x, Handle) and differentiated(x) for x in optree.tree_leaves(bound[i])):
                raise AutogradError(
                    f"{self._where}: argument {i} is in nondiff_argnums, but a derivative flows through it; "
                    "leave it out of nondiff_argnums or pass stop_gradient(x)"
                )
        return Given(bound, self._nondiff)

    def _bound(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
        """All arguments by position, defaults included: rules take them so."""
        try:
            bound = inspect.signature(self._function).bind(*args, **kwargs)
        except ValueError:  # a builtin without a signature
            return args
        bound.apply_defaults()
        if bound.kwargs:
            raise TypeError(f"{self._where}: keyword-only arguments have no place in a rule")
        return bound.args

    # -- Tracing --------------------------------------------------------------------------------------------

    def tape(self, what: str) -> RuleTape:
        """A tape for a part of the rule inside the one that records now."""
        outer = STATE.tape
        assert outer is not None
        return RuleTape(TRIE, outer, f"{what} of the {self._where}", self)

    def traced(self, tape: RuleTape, what: str, given: Given, call: Callable[..., Any]) -> LineCall:
        """`call(*variables)` as a line; the variables have the values of the call."""
        variables = [tape.variable(x, None) for x in given.variables]
        return self.traced_at(tape, what, variables, given.variables, lambda: call(variables))

    def traced_at(
        self,
        tape: RuleTape,
        what: str,
        variables: Sequence[Handle],
        values: Sequence[Handle],
        call: Callable[[], Any],
    ) -> LineCall:
        """`call` as a line, which must not read other arrays that are differentiated."""
        line = trace_line(tape, f"{what} of the {self._where}", list(variables), list(values), call, False)
        if any(isinstance(x, Handle) and differentiated(x) for x in line.captured):
            raise AutogradError(
                f"{self._where}: {what} uses an array from outside of it that is being differentiated, for "
                "which the rule has no derivative; pass it as an argument"
            )
        return line

    def _without_derivative(self, given: Given) -> Any:
        """The value at a depth to which rules that call their own function are not followed."""
        tape = self.tape("the function")
        line = self.traced(tape, "the function", given, lambda xs: self._function(*given.with_variables(xs)))
        count = len(given.chosen)
        found = line.apply(("opaque", count), lambda f: without_derivative(f, count, self._where))
        return line.value(iter(found))


def next_of(values: Iterator[Any], wanted: Sequence[bool], otherwise: Sequence[Any]) -> list[Any]:
    """The next of `values` where one is wanted, else what stands in `otherwise`."""
    return [next(values) if w else o for w, o in zip(wanted, otherwise, strict=True)]


def _checked(argnums: Sequence[int]) -> tuple[int, ...]:
    numbers = (argnums,) if isinstance(argnums, int) else tuple(argnums)
    if not all(isinstance(i, int) and not isinstance(i, bool) and i >= 0 for i in numbers):
        raise TypeError(f"nondiff_argnums must hold positions from 0 on, got {argnums!r}")
    return tuple(sorted(set(numbers)))
