"""Functions that are transforms of other functions, and transforms that are applied on the spot.

Both run inside an outer trace: the one at hand or, at top level, one of their own.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import optree

from tapejit import tree
from tapejit.engine import TRIE
from tapejit.function import Jitted, checked_argnums, described, positions
from tapejit.line import LineCall, trace_line
from tapejit.tracer.array import Array
from tapejit.tracer.errors import DtypeError
from tapejit.tracer.handle import Handle
from tapejit.tracer.inner import InnerTape
from tapejit.tracer.state import STATE
from tapejit.tracer.tape import Tape
from tapejit.tracer.trie import Trie


class Transformed(Jitted):
    """A function made of another one; compiled at top level, part of the outer trace inside one.

    Subclasses say in `_inside` what a call does, with arrays of the outer trace.
    """

    def __init__(self, function: Callable[..., Any], kind: str):
        user = check_function(function)

        def inside(*args: Any, **kwargs: Any) -> Any:
            return self._inside(args, kwargs)

        inside.__traced__ = user  # type: ignore[attr-defined]  # what guards have to watch
        super().__init__(functools.update_wrapper(inside, user, updated=()))
        self._user, self._kind = user, kind

    def _inside(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        raise AssertionError("each kind of transformed function has its own")


class Differential(Transformed):
    """What the derivatives with `argnums` have in common."""

    def __init__(self, function: Callable[..., Any], kind: str, argnums: Any, has_aux: bool):
        super().__init__(function, kind)
        self._argnums, self._has_aux = checked_argnums(argnums), has_aux

    def _differentiable(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[LineCall, list[Any]]:
        """The call as a line with the chosen arguments as variables, and their structures."""
        chosen = positions(self._argnums, len(args), described(self._user))
        return differentiable(self._user, self._kind, args, kwargs, chosen, self._has_aux, self._trie)


def differentiable(
    function: Callable[..., Any],
    kind: str,
    args: Sequence[Any],
    kwargs: dict[str, Any],
    chosen: Sequence[int],
    has_aux: bool = False,
    trie: Trie = TRIE,
) -> tuple[LineCall, list[Any]]:
    """A call as a line with the arguments `chosen` as variables, and the structures of these."""
    where = described(function)
    tape = inner_tape(trie, f"{kind} of {where}")
    variables: list[Handle] = []
    given: list[Handle] = []
    call_args, structures = list(args), []
    for i in chosen:
        leaves, structure = optree.tree_flatten(args[i])
        values = [_outer_array(tree.floating(leaf, i, where)) for leaf in leaves]
        names = leaf_names(function, i, len(leaves), structure)
        own = [tape.variable(x, name) for x, name in zip(values, names, strict=True)]
        variables += own
        given += values
        structures.append(structure)
        call_args[i] = optree.tree_unflatten(structure, own)
    if not variables:
        raise TypeError(f"{kind} of {where}: there is no array to differentiate by")
    call = trace_line(tape, where, variables, given, lambda: function(*call_args, **kwargs), has_aux)
    for head in call.heads:
        if not head.type.is_float:
            raise DtypeError(f"{kind} of {where}: it returned {head.type}; a derivative needs a float result")
    return call, structures


def inner_tape(trie: Trie, name: str) -> InnerTape:
    """A tape inside the one that records now."""
    outer = STATE.tape
    assert outer is not None
    return InnerTape(trie, outer, name)


def on_the_spot(run: Callable[[], Any], ours: bool) -> Any:
    """`run` inside a trace; at top level one of its own, with NumPy results unless they are to be `ours`."""
    if STATE.tape is not None:
        return run()
    STATE.tape = tape = Tape(TRIE)
    try:
        found = run()
    finally:
        STATE.tape, tape.active = None, None
    return tree.delivered(found, ours)


def check_function(function: Any) -> Callable[..., Any]:
    """`function`, if it is one."""
    if not callable(function):
        raise TypeError(f"expected a function, got {type(function).__name__}")
    found: Callable[..., Any] = function
    return found


def leaf_names(function: Callable[..., Any], position: int, count: int, structure: Any) -> list[str | None]:
    """What the leaves of an argument are called in the IR: `w`, or `w_0`, `w_1` for those of a tree."""
    name = argument_name(function, position)
    if name is None:
        return [None] * count
    return [name if structure.is_leaf() else f"{name}_{k}" for k in range(count)]


def argument_name(function: Callable[..., Any], position: int) -> str | None:
    """The function's own name for a positional argument; None if it has none."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    return code.co_varnames[position] if code and position < code.co_argcount else None


def _outer_array(x: Handle | np.ndarray) -> Handle:
    return x if isinstance(x, Handle) else Array.wrap(x.copy())
