"""The arguments of a path's program: which are leaves of the call, which are worked out, which are constants.

Whatever Python may have got a constant from is guarded, so on one path it stays what it is: a number is a
literal of the program, equal arrays are one parameter. What was seen to change from one trace of the same
operations to the next (a rate in a closure, set before each call) is a parameter of its own, so that all
these traces have one program. Start at `Arguments`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from tapejit.capture import Unguardable
from tapejit.ir import ops
from tapejit.ir.builder import Builder, Var
from tapejit.ir.types import TensorType
from tapejit.tracer.handle import Handle
from tapejit.tracer.number import Expression, Given, Number
from tapejit.tracer.tape import Tape

Place = str | int  # a constant as text while it never changed; else which of the changing ones it is


class Constants:
    """Which constants of a trace changed since `before`, the places of the last trace of these operations.

    What was equal before and is equal now is one, as for `runtime.template.Variables`.
    """

    def __init__(self, before: Sequence[Place] = ()):
        self.places: list[Place] = []
        self._before = before
        self._changing: dict[tuple[Place, str], int] = {}

    def place(self, text: str) -> Place:
        """The place of the next constant, which is `text`."""
        n = len(self.places)
        before = self._before[n] if n < len(self._before) else text
        same = before == text
        place = text if same else self._changing.setdefault((before, text), len(self._changing))
        self.places.append(place)
        return place


class Arguments:
    """The parameters of `builder`, made as they are asked for: `values`, with those from `entered` leaves."""

    def __init__(self, builder: Builder, tape: Tape, leaves: Sequence[Any], before: Sequence[Place] = ()):
        self.values: list[Any] = []
        self.entered: dict[int, int] = {}  # parameter -> leaf of the call
        self.by_value: set[int] = set()
        self.worked_out: dict[int, Expression] = {}
        self.constants = Constants(before)
        self._builder = builder
        self._given: Mapping[int, tuple[Handle, Expression]] = tape.given
        self._leaf = {id(x): k for k, x in enumerate(leaves) if isinstance(x, Handle)}
        self._memory = [x.materialise() for x in leaves if isinstance(x, Handle) and x._elements is not None]
        self._made: dict[Hashable, Var] = {}  # what was asked for before, by what it is

    def number(self, value: Any, type_: TensorType) -> Var:
        """A Python number that met an array."""
        if isinstance(value, Given):
            return self._worked_out(value.expression, type_, value, None)
        place = self.constants.place(f"{type(value).__name__} {value!r}")
        if isinstance(place, str):
            return self._once((place, type_), lambda: self._builder.full(type_, value))
        return self._once((place, type_), lambda: self._by_value(type_, value))

    def seen(self, number: Number) -> Var:
        """A number of the call that Python saw."""
        return self.number(Given.of(number), TensorType("f64"))

    def array(self, handle: Handle, type_: TensorType, value: Any, name: str | None) -> Var:
        """An array that came from outside the trace."""
        leaf = self._leaf.get(id(handle))
        if leaf is not None:
            self.entered[len(self.values)] = leaf
            return self.param(type_, value, name)
        if id(handle) in self._given:
            return self._worked_out(self._given[id(handle)][1], type_, value, name)
        if not isinstance(value, np.ndarray):
            raise Unguardable("it takes part in another trace")
        if any(np.may_share_memory(value, data) for data in self._memory):
            raise Unguardable("it uses another view of an argument's memory")
        return self._constant(type_, value, name)

    def param(self, type_: TensorType, value: Any, name: str | None = None) -> Var:
        """A further parameter."""
        self.values.append(value)
        return self._builder.param(type_, name)

    def _by_value(self, type_: TensorType, value: Any) -> Var:
        self.by_value.add(len(self.values))
        return self.param(type_, value)

    def _worked_out(self, expression: Expression, type_: TensorType, value: Any, name: str | None) -> Var:
        """What comes of numbers that the call is given; of one expression only once."""
        position = expression.position
        by_value = not isinstance(value, np.ndarray)

        def make() -> Var:
            if position is None:
                self.worked_out[len(self.values)] = expression
            else:
                self.entered[len(self.values)] = position
            return self._by_value(type_, value) if by_value else self.param(type_, value, name)

        return self._once((id(expression) if position is None else position, type_, by_value), make)

    def _constant(self, type_: TensorType, value: np.ndarray, name: str | None) -> Var:
        """An array that is the same whenever this path is taken."""
        place = self.constants.place(_text(type_, value))
        if isinstance(place, int):
            return self._once((place, type_), lambda: self.param(type_, value, name))
        return self._once(place, lambda: self._literal(type_, value, name))

    def _literal(self, type_: TensorType, value: np.ndarray, name: str | None) -> Var:
        """A number everywhere, a matrix that is another one transposed, or a parameter."""
        if _is_uniform(value):
            return self._builder.full(type_, value.item(0) if value.size else 0)
        turned = (
            self._made.get(_text(type_.with_shape(type_.shape[::-1]), value.T)) if value.ndim > 1 else None
        )
        if turned is not None:
            return ops.transpose(turned, perm=tuple(range(value.ndim))[::-1])
        return self.param(type_, value, name)

    def _once(self, key: Hashable, make: Any) -> Var:
        found = self._made.get(key)
        if found is None:
            found = self._made[key] = make()
        return found


class LineArguments(Arguments):
    """The same for a line, which is a part of another trace: nothing is known, all are parameters.

    `values` are numbers, and for an array the pair of its handle and what it was.
    """

    def number(self, value: Any, type_: TensorType) -> Var:
        return self._by_value(type_, value)

    def array(self, handle: Handle, type_: TensorType, value: Any, name: str | None) -> Var:
        leaf = self._leaf.get(id(handle))
        if leaf is not None:
            self.entered[len(self.values)] = leaf
        return self.param(type_, (handle, value), name)


def _text(type_: TensorType, value: np.ndarray) -> str:
    """The same for arrays of equal types and bits only."""
    return f"{type_} {hashlib.blake2b(np.ascontiguousarray(value).data, digest_size=16).hexdigest()}"


def _is_uniform(value: np.ndarray) -> bool:
    """Whether all elements have the same bits."""
    flat = np.ascontiguousarray(value).reshape(-1)
    bits = flat.view(np.uint8).reshape(flat.size, -1) if flat.size else flat
    return flat.size <= 1 or bool((bits == bits[0]).all())
