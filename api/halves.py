"""Derivatives in two halves: the value, with what the derivative will need, and later the derivative.

`vjp` and `linearize` are these; a `SecondHalf` is what they return beside the value. For a function that
comes back both halves are compiled functions, and no Python of it runs: start at `in_halves`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import optree

from tapejit.ir.function import Function
from tapejit.ir.types import TensorType
from tapejit.line import Line, LineCall
from tapejit.spot import SPOTS
from tapejit.tracer.array import Array
from tapejit.tracer.handle import Handle
from tapejit.tracer.state import STATE
from tapejit.transformed import Transformed, on_the_spot
from tapejit.tree import any_handle
from tapejit.variables import differentiable


@dataclass(frozen=True, eq=False)
class Form:
    """What a second half has to know of the call that made it, beside the residuals."""

    line: Line
    structure: Any  # of the value
    heads: Sequence[TensorType]  # its leaves
    structures: Sequence[Any]  # of the primals
    variables: Sequence[TensorType]  # their leaves

    @staticmethod
    def of(call: LineCall, structures: Sequence[Any]) -> Form:
        """The form of this call, whose primals have these structures."""
        heads, variables = [v.type for v in call.heads], [x.type for x in call.variables]
        return Form(call.line, call.structure, heads, structures, variables)

    def key(self) -> Hashable:
        """Equal for calls of the same form."""
        return self.line, self.structure, tuple(self.structures)


class SecondHalf:
    """The derivative of a call at one point; the first half ran when it was made."""

    name: ClassVar[str]

    def __init__(self, form: Form, residuals: Sequence[Any], ours: bool, where: str):
        self._form, self._residuals, self._ours, self._where = form, residuals, ours, where
        self._compiled: Transformed | None = None  # of residuals, and directions or cotangents

    def _applied(self, given: Any) -> Any:
        """The derivative for directions or cotangents, in this call's own record or the one around it."""
        ours = self._ours or any_handle(given)
        if self._compiled is not None and STATE.tape is None and not ours:
            return self._compiled(self._residuals, _arrays(given, self._given_types()))
        residuals = [x if isinstance(x, Handle) else Array.wrap(x) for x in self._residuals]
        return on_the_spot(lambda: self.inside(residuals, given), ours)

    def inside(self, residuals: Sequence[Any], given: Any) -> Any:
        """The same in the record at hand, from residuals that are arrays of it."""
        raise AssertionError("each kind of half has its own")

    def _given_types(self) -> Sequence[TensorType]:
        """The types of the leaves of what it is applied to."""
        raise AssertionError("each kind of half has its own")

    def _run(self, residuals: Sequence[Any], leaves: Sequence[Any]) -> Any:
        """The results of the second half for these leaves."""
        form = self._form
        key = (self.name, "second", len(form.heads))
        return iter(form.line.record(key, lambda f: self.split(f, form)[1], [*residuals, *leaves]))

    @staticmethod
    def split(f: Function, form: Form) -> tuple[Function, Function]:
        """The two halves of what was called."""
        raise AssertionError("each kind of half has its own")


def in_halves(
    kind: type[SecondHalf], function: Callable[..., Any], primals: Any, where: str, has_aux: bool
) -> Any:
    """The value of a call, its second half, and its auxiliary results if there are any.

    The first call of a function is traced and done; when the function comes again, it is compiled.
    """
    ours, key = any_handle(primals), (kind.name, has_aux)
    compiled = None if ours else SPOTS.compiled(function, key)
    if compiled is not None:
        return compiled.halved(primals)
    if STATE.tape is None and not ours:
        SPOTS.note(function, key, Halved(kind, function, where, has_aux))

    def run() -> Any:
        form, value, residuals, aux = first_half(kind, function, primals, has_aux)
        half = kind(form, residuals, ours, where)
        return (value, half, aux) if has_aux else (value, half)

    return on_the_spot(run, ours)


def first_half(
    kind: type[SecondHalf], function: Callable[..., Any], primals: Any, has_aux: bool
) -> tuple[Form, Any, list[Any], Any]:
    """Of a call in the record at hand: its form, its value, the residuals, the auxiliary results."""
    call, structures = differentiable(function, kind.name, primals, {}, range(len(primals)), has_aux)
    form = Form.of(call, structures)
    found = call.apply((kind.name, "first", len(form.heads)), lambda f: kind.split(f, form)[0])
    results = iter(found)
    value = call.value(results)
    aux = call.filled_aux(results) if has_aux else None
    return form, value, found[len(call.line.function.results) :], aux


class Halved(Transformed):
    """The first half as a compiled function of the primals; a number in its result says of which form."""

    def __init__(self, kind: type[SecondHalf], function: Callable[..., Any], where: str, has_aux: bool):
        super().__init__(function, kind.name)
        self._half, self._called, self._has_aux = kind, where, has_aux
        self._numbers: dict[Hashable, int] = {}
        self._seconds: dict[int, tuple[Form, Applied]] = {}
        self._count = itertools.count()

    def _inside(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        form, value, residuals, aux = first_half(self._half, self._user, args, self._has_aux)
        return self._number(form), value, residuals, aux

    def halved(self, primals: Sequence[Any]) -> Any:
        """The value at the primals, its second half, and auxiliary results."""
        number, value, residuals, aux = self(*_arrays(primals))
        form, compiled = self._seconds[number]
        half = self._half(form, [np.asarray(x) for x in residuals], False, self._called)
        half._compiled = compiled
        return (value, half, aux) if self._has_aux else (value, half)

    def _number(self, form: Form) -> int:
        """Calls of one form have one."""
        key = form.key()
        number = self._numbers.get(key)
        if number is None:
            number = next(self._count)
            half = self._half(form, (), False, self._called)
            self._seconds[number] = form, Applied(half, self._user)
            number = self._numbers.setdefault(key, number)
        return number


class Applied(Transformed):
    """The second half as a compiled function of residuals, and directions or cotangents."""

    def __init__(self, half: SecondHalf, function: Callable[..., Any]):
        super().__init__(function, half.name)
        self._second = half

    def _inside(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return self._second.inside(*args)


def _arrays(tree: Any, types: Sequence[TensorType] = ()) -> Any:
    """`tree` with its numbers, which a path would take as constants, as arrays: Python's of these types."""
    if type(tree) is tuple and all(type(x) is np.ndarray for x in tree):
        return tree
    leaves, structure = optree.tree_flatten(tree)
    kinds = types if len(types) == len(leaves) else [None] * len(leaves)
    return optree.tree_unflatten(structure, [_array(x, t) for x, t in zip(leaves, kinds, strict=True)])


def _array(x: Any, type_: TensorType | None) -> Any:
    if isinstance(x, np.generic):
        return np.asarray(x)
    if type_ is None:
        return np.asarray(x) if type(x) is float else x
    fits = type(x) in (int, float) or (type(x) is complex and type_.is_complex)
    return np.array(x, type_.numpy_dtype) if fits else x
