"""Append instructions to a function, in the notation of the mathematics.

A `Var` is a value together with the builder that owns it, so a derivative rule can be written
`ct * cos(x)` and needs no ambient "current builder".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from tapejit.ir import ops
from tapejit.ir.function import Function, Instr, IRError, Value
from tapejit.ir.primitive import Primitive
from tapejit.ir.types import TensorType


class Var:
    """A value being built on. Arithmetic on a Var appends to its builder; numbers become `full`.

    An adjoint may carry the `mask` of the `select` it came through: where the mask is False the
    adjoint is zero by structure, and must stay zero even against an infinite or NaN partial.
    """

    __slots__ = ("builder", "mask", "value")

    def __init__(self, builder: Builder, value: Value, mask: Var | None = None):
        self.builder, self.value, self.mask = builder, value, mask

    @property
    def type(self) -> TensorType:
        return self.value.type

    @property
    def shape(self) -> tuple[int, ...]:
        return self.value.type.shape

    @property
    def dtype(self) -> str:
        return self.value.type.dtype

    @property
    def is_float(self) -> bool:
        return self.value.type.is_float

    @property
    def is_complex(self) -> bool:
        return self.value.type.is_complex

    @property
    def is_inexact(self) -> bool:
        return self.value.type.is_inexact

    def __add__(self, other: Var | complex) -> Var:
        return ops.add(self, self.like(other))

    def __radd__(self, other: complex) -> Var:
        return ops.add(self.like(other), self)

    def __sub__(self, other: Var | complex) -> Var:
        return ops.sub(self, self.like(other))

    def __rsub__(self, other: complex) -> Var:
        return ops.sub(self.like(other), self)

    def __mul__(self, other: Var | complex) -> Var:
        return ops.mul(self, self.like(other))

    def __rmul__(self, other: complex) -> Var:
        return ops.mul(self.like(other), self)

    def __truediv__(self, other: Var | complex) -> Var:
        return ops.div(self, self.like(other))

    def __rtruediv__(self, other: complex) -> Var:
        return ops.div(self.like(other), self)

    def __neg__(self) -> Var:
        return ops.neg(self)

    def masked_by(self, mask: Var | None) -> Var:
        """The same value, known to be zero wherever `mask` is False."""
        return self if mask is None else Var(self.builder, self.value, mask)

    def guard(self, adjoint: Var) -> Var:
        """`adjoint` where this mask is True, zero elsewhere whatever `adjoint` holds there."""
        return ops.select(self, adjoint, adjoint.like(0.0)).masked_by(self)

    def like(self, other: Var | complex) -> Var:
        """`other` itself, or the number `other` as a constant of this value's type."""
        return other if isinstance(other, Var) else self.builder.full(self.type, other)


class Builder:
    """A function under construction."""

    def __init__(self, name: str, params: Sequence[TensorType | tuple[str, TensorType]] = ()):
        values = (Value(p) if isinstance(p, TensorType) else Value(p[1], p[0]) for p in params)
        self.function = Function(name, tuple(values))
        self.params = tuple(Var(self, v) for v in self.function.params)
        self.location: str | None = None  # given to every instruction appended from here on

    def append(
        self,
        primitive: Primitive,
        operands: Sequence[Var],
        attrs: dict[str, Any],
        regions: tuple[Function, ...] = (),
    ) -> tuple[Var, ...]:
        """Type-check and append one instruction; its results."""
        values = self._own(primitive, operands)
        types = primitive.result_types(tuple([v.type for v in values]), attrs, regions)
        results = tuple([Value(t) for t in types])
        self.function.body.append(Instr(primitive, values, attrs, results, regions, self.location))
        return tuple([Var(self, v) for v in results])

    def copy(self, instr: Instr, operands: Sequence[Var]) -> tuple[Var, ...]:
        """Append an instruction of another function; operands of the same types give the same types."""
        if any(x.value.type != v.type for x, v in zip(operands, instr.operands, strict=True)):
            return self.append(instr.primitive, operands, instr.attrs, instr.regions)
        values = self._own(instr.primitive, operands)
        results = tuple([Value(v.type) for v in instr.results])
        self.function.body.append(
            Instr(instr.primitive, values, instr.attrs, results, instr.regions, self.location)
        )
        return tuple([Var(self, v) for v in results])

    def _own(self, primitive: Primitive, operands: Sequence[Var]) -> tuple[Value, ...]:
        """The values of operands, which have to be this function's."""
        for operand in operands:
            if operand.builder is not self:
                raise IRError(f"{primitive.name}: an operand belongs to another function")
        return tuple([operand.value for operand in operands])

    def param(self, type: TensorType, name: str | None = None) -> Var:
        """A further parameter, after those there are."""
        value = Value(type, name)
        self.function.params += (value,)
        var = Var(self, value)
        self.params += (var,)
        return var

    def full(self, type: TensorType, value: complex) -> Var:
        """A constant: every element is `value`."""
        return ops.full(builder=self, dtype=type.dtype, shape=type.shape, value=value)

    def inline(self, function: Function, args: Sequence[Var]) -> tuple[Var, ...]:
        """Append the body of `function` with `args` for its parameters; its results here."""
        env = replay(self, function.body, zip(function.params, args, strict=True))
        return tuple(env[v] for v in function.results)

    def finish(self, results: Iterable[Var]) -> Function:
        self.function.results = tuple(v.value for v in results)
        return self.function


def replay(
    builder: Builder, body: Iterable[Instr], bindings: Iterable[tuple[Value, Var]]
) -> dict[Value, Var]:
    """Re-append `body` to `builder` under `bindings`; maps every old value to its new one.

    A result that is bound stays what it is bound to, for what comes after too.
    """
    env = dict(bindings)
    outer = builder.location
    for instr in body:
        builder.location = instr.location or outer
        operands = [env[v] for v in instr.operands]
        results = builder.copy(instr, operands)
        for old, new in zip(instr.results, results, strict=True):
            new.value.name = old.name
            env.setdefault(old, new)
    builder.location = outer
    return env
