"""Python floats that a decorated function is called with: known, but not fixed by the trace.

Python may compute with a `Number` and compare it. Met by an array it is a run-time parameter of the program,
as a plain float is; and because it remembers by which `Expression` it came from the arguments, a later call
works it out anew without Python. What Python decides by it (`if rate > 0.5`), or takes as a float
(`math.exp(rate)`, `1j * rate`), is a guard.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tapejit.tracer.handle import Handle
from tapejit.tracer.state import STATE

_PLAIN = (int, float, bool)


@dataclass(frozen=True, slots=True)
class Expression:
    """A float worked out from the leaves of a call; without `operation`, the leaf at a position."""

    operation: Callable[..., Any] | None
    operands: tuple[Any, ...]

    def __call__(self, leaves: Sequence[Any]) -> Any:
        """Its value; raises what the operations raise."""
        if self.operation is None:
            return leaves[self.operands[0]]
        return self.operation(*(x(leaves) if isinstance(x, Expression) else x for x in self.operands))

    @property
    def position(self) -> int | None:
        """Which leaf it is, if it is one as it stands."""
        return self.operands[0] if self.operation is None else None


class Given(float):
    """The value of a `Number` among the run-time arguments of a trace."""

    __slots__ = ("expression",)
    expression: Expression

    @classmethod
    def of(cls, number: Number) -> Given:
        """The value of `number`, with where it is from."""
        given = cls(number.value)
        given.expression = number.expression
        return given

    def __repr__(self) -> str:
        return f"{float(self)!r} by {self.expression!r}"


def _operator(operation: Callable[..., Any]) -> Callable[..., Any]:
    def method(self: Number, *others: Any) -> Any:
        if any(type(x) is complex for x in others):
            return operation(float(self), *others)
        if not all(isinstance(x, Number) or type(x) in _PLAIN for x in others):
            return NotImplemented
        return _applied(operation, (self, *others))

    return method


def _reflected(operation: Callable[..., Any]) -> Callable[..., Any]:
    def method(self: Number, other: Any) -> Any:
        if type(other) is complex:
            return operation(other, float(self))
        return _applied(operation, (other, self)) if type(other) in _PLAIN else NotImplemented

    return method


def _comparison(operation: Callable[..., Any]) -> Callable[..., Any]:
    def method(self: Number, other: Any) -> Any:
        if type(other) is complex:
            return operation(float(self), other)
        if not isinstance(other, Number) and type(other) not in _PLAIN:
            return NotImplemented
        return bool(_applied(operation, (self, other)))

    return method


def _applied(operation: Callable[..., Any], operands: tuple[Any, ...]) -> Any:
    values = [x.value if isinstance(x, Number) else x for x in operands]
    expressions = tuple(x.expression if isinstance(x, Number) else x for x in operands)
    found = operation(*values)
    if type(found) is complex:  # a root of a negative number
        return operation(*(float(x) if isinstance(x, Number) else x for x in operands))
    face = next(x.face for x in operands if isinstance(x, Number))
    return Number(found, Expression(operation, expressions), face)


class Number:
    """A float, or the truth value of a comparison; see the module."""

    __slots__ = ("expression", "face", "value")
    __array_priority__ = 100.0

    def __init__(self, value: Any, expression: Expression, face: type[Handle]):
        self.value, self.expression = value, expression
        self.face = face  # of arrays made of it

    def seen(self) -> Any:
        """The value, for Python to see: what is traced next may depend on it."""
        if STATE.tape is not None:
            STATE.tape.outermost().note_number(self)
        return self.value

    @property  # type: ignore[misc]  # read-only
    def __class__(self) -> type:
        """`isinstance(x, float)` is true, as it would be of the float."""
        return float

    __add__, __radd__ = _operator(operator.add), _reflected(operator.add)
    __sub__, __rsub__ = _operator(operator.sub), _reflected(operator.sub)
    __mul__, __rmul__ = _operator(operator.mul), _reflected(operator.mul)
    __truediv__, __rtruediv__ = _operator(operator.truediv), _reflected(operator.truediv)
    __floordiv__, __rfloordiv__ = _operator(operator.floordiv), _reflected(operator.floordiv)
    __mod__, __rmod__ = _operator(operator.mod), _reflected(operator.mod)
    __pow__, __rpow__ = _operator(operator.pow), _reflected(operator.pow)
    __neg__, __pos__, __abs__ = _operator(operator.neg), _operator(operator.pos), _operator(operator.abs)
    __lt__, __le__ = _comparison(operator.lt), _comparison(operator.le)
    __gt__, __ge__ = _comparison(operator.gt), _comparison(operator.ge)
    __eq__, __ne__ = _comparison(operator.eq), _comparison(operator.ne)

    def __divmod__(self, other: Any) -> tuple[Any, Any]:
        return self // other, self % other

    def __rdivmod__(self, other: Any) -> tuple[Any, Any]:
        return other // self, other % self

    def __bool__(self) -> bool:
        truth = Number(bool(self.value), Expression(bool, (self.expression,)), self.face)
        return bool(truth.seen())

    def __hash__(self) -> int:
        return hash(self.seen())

    def __float__(self) -> float:
        return float(self.seen())

    def __int__(self) -> int:
        return int(self.seen())

    def __trunc__(self) -> int:
        return int(self)

    def __round__(self, digits: int | None = None) -> Any:
        return round(self.seen(), digits)

    def __repr__(self) -> str:
        return repr(self.seen())

    def __format__(self, spec: str) -> str:
        return format(self.seen(), spec)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.seen(), dtype)

    def __array_ufunc__(self, function: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method != "__call__" or kwargs:
            plain = [x.seen() if isinstance(x, Number) else x for x in inputs]
            return getattr(function, method)(*plain, **kwargs)
        return function(*(x.strong() if isinstance(x, Number) else x for x in inputs))

    def strong(self) -> Any:
        """What NumPy makes of a float: an array without dimensions, of float64."""
        handle = self.face.wrap(np.asarray(self.value))
        if STATE.tape is not None:
            STATE.tape.outermost().given[id(handle)] = handle, self.expression
        return handle

    def __getattr__(self, name: str) -> Any:
        """Anything else that a float has."""
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.seen(), name)
