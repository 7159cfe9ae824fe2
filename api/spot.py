"""Transforms applied on the spot, such as `hvp(f, x, v)`, of functions that come back.

The first application of a function is traced and done. When the same function comes again, it is made a
compiled function of primals and tangents, whose calls then skip the Python.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

from tapejit.tracer.state import STATE
from tapejit.transformed import Transformed, on_the_spot
from tapejit.tree import any_handle

MOST = 256  # functions that are remembered

Run = Callable[[Any, Any], Any]  # (primals, tangents) -> result, within a trace


class Directional(Transformed):
    """`run` as a compiled function: the first half of its arguments are primals, the rest tangents."""

    def __init__(self, function: Callable[..., Any], kind: str, run: Run):
        super().__init__(function, kind)
        self._run = run

    def _inside(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        half = len(args) // 2
        return self._run(args[:half], args[half:])


class Spots:
    """The functions seen so far; those met longest ago are forgotten."""

    def __init__(self) -> None:
        self._known: OrderedDict[Hashable, tuple[Callable[..., Any], Directional | None]] = OrderedDict()

    def run(
        self, function: Callable[..., Any], kind: tuple[Any, ...], run: Run, primals: Any, tangents: Any
    ) -> Any:
        """The result of `run`, which is the transform `kind` of `function`."""
        paired = type(tangents) in (tuple, list) and len(primals) == len(tangents)
        if STATE.tape is None and paired:
            again = self._again((id(function), *kind), function, kind[0], run)
            if again is not None:
                return again(*primals, *tangents)
        return on_the_spot(lambda: run(primals, tangents), any_handle((primals, tangents)))

    def _again(self, key: Hashable, function: Callable[..., Any], kind: str, run: Run) -> Directional | None:
        """The compiled function, if it is not the first time."""
        known = self._known.get(key)
        if known is None or known[0] is not function:
            self._note(key, function, None)
            return None
        if known[1] is None:
            known = self._note(key, function, Directional(function, kind, run))
        return known[1]

    def _note(
        self, key: Hashable, function: Callable[..., Any], made: Directional | None
    ) -> tuple[Callable[..., Any], Directional | None]:
        entry = self._known[key] = (function, made)
        while len(self._known) > MOST:
            self._known.popitem(last=False)
        return entry


SPOTS = Spots()
