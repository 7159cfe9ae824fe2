"""Derivatives in two halves: the value, with what the derivative will need, and later the derivative.

`vjp` and `linearize` are these; a `SecondHalf` is what they return beside the value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar

from tapejit.ir.function import Function
from tapejit.line import LineCall
from tapejit.transformed import on_the_spot
from tapejit.tree import any_handle
from tapejit.variables import differentiable


class SecondHalf:
    """The derivative of a call at one point; the first half ran when it was made."""

    name: ClassVar[str]

    def __init__(self, call: LineCall, structures: list[Any], where: str, ours: bool):
        self._call, self._structures, self._where, self._ours = call, structures, where, ours
        self._count = len(call.heads)
        found = call.apply((self.name, "first", self._count), lambda f: self._split(f)[0])
        results = len(call.line.function.results)
        self.results, self._residuals = found[:results], found[results:]

    def _applied(self, given: Any) -> Any:
        """The derivative for directions or cotangents, in this call's own record or the one around it."""
        return on_the_spot(lambda: self._inside(given), self._ours or any_handle(given))

    def _inside(self, given: Any) -> Any:
        raise AssertionError("each kind of half has its own")

    def _run(self, leaves: Sequence[Any]) -> Iterator[Any]:
        """The results of the second half for these leaves."""
        key = (self.name, "second", self._count)
        return iter(self._call.line.record(key, lambda f: self._split(f)[1], [*self._residuals, *leaves]))

    def _split(self, f: Function) -> tuple[Function, Function]:
        """The two halves of what was called."""
        raise AssertionError("each kind of half has its own")


def in_halves(
    kind: type[SecondHalf], function: Callable[..., Any], primals: Any, where: str, has_aux: bool
) -> Any:
    """The value of a call, its second half, and its auxiliary results if there are any."""
    ours = any_handle(primals)

    def run() -> Any:
        call, structures = differentiable(function, kind.name, primals, {}, range(len(primals)), has_aux)
        half = kind(call, structures, where, ours)
        found = iter(half.results)
        value = call.value(found)
        return (value, half, call.filled_aux(found)) if has_aux else (value, half)

    return on_the_spot(run, ours)
