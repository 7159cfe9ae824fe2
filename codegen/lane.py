"""A number of one loop iteration while its code is being built, or several: an LLVM value with operators.

Every function of the scalar library is written on `Lane`s, so that it reads as a formula and still is
plain LLVM IR without branches, which the loop vectoriser widens to whole registers.
Python numbers mix in and take the type of the lane they meet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import llvmlite.ir as ll

from tapejit.codegen import lane_type

T = TypeVar("T")

_LONG = 6  # coefficients; beyond it the chain of dependent operations keeps the processor waiting


@dataclass(frozen=True, eq=False)
class Lane:
    """A float, an integer or a truth value. Comparisons with NaN are false, except `!=`."""

    builder: ll.IRBuilder
    value: ll.Value

    @property
    def type(self) -> ll.Type:
        return self.value.type

    @property
    def is_float(self) -> bool:
        return lane_type.is_float(self.type)

    @property
    def is_double(self) -> bool:
        return bool(lane_type.element_of(self.type) == ll.DoubleType())

    def pick(self, double: T, single: T) -> T:
        """What belongs to this lane's float type."""
        return double if self.is_double else single

    def like(self, number: float) -> Lane:
        """A constant of this lane's type."""
        return Lane(self.builder, ll.Constant(self.type, number))

    def __add__(self, other: Lane | float) -> Lane:
        return self._arithmetic("add", other)

    def __sub__(self, other: Lane | float) -> Lane:
        return self._arithmetic("sub", other)

    def __mul__(self, other: Lane | float) -> Lane:
        return self._arithmetic("mul", other)

    def __rsub__(self, other: float) -> Lane:
        return self.like(other) - self

    def __truediv__(self, other: Lane | float) -> Lane:
        return self._binary(self.builder.fdiv, other)

    def __rtruediv__(self, other: float) -> Lane:
        return self.like(other) / self

    __radd__ = __add__
    __rmul__ = __mul__

    def __neg__(self) -> Lane:
        return self._wrap(self.builder.fneg(self.value)) if self.is_float else 0 - self

    def __abs__(self) -> Lane:
        return self.intrinsic("fabs")

    def __and__(self, other: Lane | int) -> Lane:
        return self._binary(self.builder.and_, other)

    def __or__(self, other: Lane | int) -> Lane:
        return self._binary(self.builder.or_, other)

    def __xor__(self, other: Lane | int) -> Lane:
        return self._binary(self.builder.xor, other)

    def __lshift__(self, other: Lane | int) -> Lane:
        return self._binary(self.builder.shl, other)

    def __rshift__(self, other: Lane | int) -> Lane:
        """Arithmetic: the sign is kept."""
        return self._binary(self.builder.ashr, other)

    def unsigned_shift(self, count: int) -> Lane:
        """To the right, filled with zeros; unlike `>>` every processor has it for 64-bit lanes."""
        return self._binary(self.builder.lshr, count)

    def __lt__(self, other: Lane | float) -> Lane:
        return self._compare("<", other)

    def __le__(self, other: Lane | float) -> Lane:
        return self._compare("<=", other)

    def __gt__(self, other: Lane | float) -> Lane:
        return self._compare(">", other)

    def __ge__(self, other: Lane | float) -> Lane:
        return self._compare(">=", other)

    def equals(self, other: Lane | float) -> Lane:
        return self._compare("==", other)

    def differs(self, other: Lane | float) -> Lane:
        return self._compare("!=", other)

    def is_nan(self) -> Lane:
        return self._wrap(self.builder.fcmp_unordered("uno", self.value, self.value))

    def where(self, chosen: Lane | float, other: Lane | float) -> Lane:
        """`chosen` where this truth value holds, else `other`; at least one of them is a lane."""
        model = chosen if isinstance(chosen, Lane) else other
        assert isinstance(model, Lane)
        first, second = model.coerce(chosen), model.coerce(other)
        return self._wrap(self.builder.select(self.value, first.value, second.value))

    def at_most(self, bound: float) -> Lane:
        """The smaller of the two; NaN stays NaN."""
        return (self > bound).where(bound, self)

    def at_least(self, bound: float) -> Lane:
        """The larger of the two; NaN stays NaN."""
        return (self < bound).where(bound, self)

    def with_sign_of(self, other: Lane) -> Lane:
        return self.intrinsic("copysign", other)

    def polynomial(self, coefficients: Sequence[float]) -> Lane:
        """The constant term stands first. For many terms by Estrin's scheme."""
        if len(coefficients) <= _LONG:
            return self.horner(coefficients)
        return self._in_pairs([self.like(c) for c in coefficients])

    def horner(self, coefficients: Sequence[float]) -> Lane:
        """The same by Horner's rule: slower when there are many terms, but with smaller errors."""
        result = self.like(coefficients[-1])
        for coefficient in reversed(coefficients[:-1]):
            result = result.fma(self, coefficient)
        return result

    def _in_pairs(self, terms: Sequence[Lane]) -> Lane:
        """Pairs of terms are terms of a polynomial in the square."""
        if len(terms) == 1:
            return terms[0]
        pairs = [high.fma(self, low) for low, high in zip(terms[::2], terms[1::2], strict=False)]
        rest = terms[2 * len(pairs) :]
        square = self if len(pairs) + len(rest) == 1 else self * self
        return square._in_pairs([*pairs, *rest])

    def intrinsic(self, name: str, *others: Lane | float) -> Lane:
        """The LLVM intrinsic `llvm.name` of operands of one type."""
        function = lane_type.intrinsic(self.builder.module, name, self.type, 1 + len(others))
        operands = [self.value, *(self.coerce(other).value for other in others)]
        return self._wrap(self.builder.call(function, operands))

    def fma(self, factor: Lane | float, term: Lane | float) -> Lane:
        """`self * factor + term`, rounded once."""
        return self.intrinsic("fma", factor, term)

    def bits(self) -> Lane:
        """The float's pattern, as an integer of the same width."""
        return self._wrap(self.builder.bitcast(self.value, lane_type.pattern_type(self.type)))

    def as_float(self) -> Lane:
        """The float whose pattern this integer is."""
        return self._wrap(self.builder.bitcast(self.value, lane_type.float_type(self.type)))

    def to_double(self) -> Lane:
        double = lane_type.shaped(ll.DoubleType(), self.type)
        return self if self.is_double else self._wrap(self.builder.fpext(self.value, double))

    def to_type_of(self, model: Lane) -> Lane:
        """This double rounded to the float type of `model`."""
        return self if model.is_double else self._wrap(self.builder.fptrunc(self.value, model.type))

    def coerce(self, other: Lane | float) -> Lane:
        return other if isinstance(other, Lane) else self.like(other)

    def _wrap(self, value: ll.Value) -> Lane:
        return Lane(self.builder, value)

    def _binary(self, operation: Any, other: Lane | float) -> Lane:
        return self._wrap(operation(self.value, self.coerce(other).value))

    def _arithmetic(self, name: str, other: Lane | float) -> Lane:
        return self._binary(getattr(self.builder, ("f" if self.is_float else "") + name), other)

    def _compare(self, relation: str, other: Lane | float) -> Lane:
        if not self.is_float:
            return self._wrap(self.builder.icmp_signed(relation, self.value, self.coerce(other).value))
        unordered = relation == "!="
        compare = self.builder.fcmp_unordered if unordered else self.builder.fcmp_ordered
        return self._wrap(compare(relation, self.value, self.coerce(other).value))
