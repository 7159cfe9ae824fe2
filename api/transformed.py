"""Functions that are transforms of other functions, and transforms that are applied on the spot.

Both run inside an outer trace: the one at hand or, at top level, one of their own.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from tapejit import tree
from tapejit.argnums import checked_argnums, described, positions
from tapejit.engine import TRIE
from tapejit.function import Jitted
from tapejit.line import LineCall
from tapejit.tracer.state import STATE
from tapejit.tracer.tape import Tape
from tapejit.variables import differentiable


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
