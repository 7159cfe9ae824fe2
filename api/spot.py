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
        self._known: OrderedDict[Hashable, tuple[Callable[..., Any], Transformed]] = OrderedDict()

    def run(
        self,
        function: Callable[..., Any],
        name: str,
        kind: Hashable,
        run: Run,
        primals: Any,
        tangents: Any,
    ) -> Any:
        """The result of `run`, which is the transform `kind` of `function`; the next time it is compiled."""
        paired = type(tangents) in (tuple, list) and len(primals) == len(tangents)
        if STATE.tape is None and paired:
            self.note(function, kind, Directional(function, name, run))
        return on_the_spot(lambda: run(primals, tangents), any_handle((primals, tangents)))

    def compiled(self, function: Any, kind: Hashable) -> Any:
        """The transform as a compiled function, if it was noted before and no trace is on; else None."""
        known = None if STATE.tape is not None else self._known.get((id(function), kind))
        return known[1] if known is not None and known[0] is function else None

    def note(self, function: Callable[..., Any], kind: Hashable, compiled: Transformed) -> None:
        """Next time the transform `kind` of `function` is this."""
        self._known[id(function), kind] = function, compiled
        while len(self._known) > MOST:
            self._known.popitem(last=False)


SPOTS = Spots()
