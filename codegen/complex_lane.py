"""A complex number of one loop iteration while its code is being built: two lanes, its parts.

Numba holds a complex number as a structure of two floats. It is taken apart on the way into a formula and put
together on the way out; LLVM sees through both, so that loops over complex numbers vectorise like others.
"""

from __future__ import annotations

from dataclasses import dataclass

import llvmlite.ir as ll

from tapejit.codegen.lane import Lane


@dataclass(frozen=True, eq=False)
class ComplexLane:
    """x + iy. Products and quotients are rounded as NumPy's: no rescue of infinities by special cases."""

    x: Lane
    y: Lane

    @property
    def builder(self) -> ll.IRBuilder:
        return self.x.builder

    @property
    def type(self) -> ll.Type:
        return ll.LiteralStructType([self.x.type, self.y.type])

    @property
    def value(self) -> ll.Value:
        """Both parts in one structure."""
        empty = ll.Constant(self.type, ll.Undefined)
        half = self.builder.insert_value(empty, self.x.value, 0)
        return self.builder.insert_value(half, self.y.value, 1)

    def like(self, number: float) -> ComplexLane:
        return ComplexLane(self.x.like(number), self.x.like(0.0))

    def __add__(self, other: ComplexLane) -> ComplexLane:
        return ComplexLane(self.x + other.x, self.y + other.y)

    def __sub__(self, other: ComplexLane) -> ComplexLane:
        return ComplexLane(self.x - other.x, self.y - other.y)

    def __mul__(self, other: ComplexLane) -> ComplexLane:
        return ComplexLane(self.x * other.x - self.y * other.y, self.x * other.y + self.y * other.x)

    def __truediv__(self, other: ComplexLane) -> ComplexLane:
        """Smith's method (Algorithm 116, CACM 5, 1962), as in NumPy: without overflow in the divisor."""
        flat = abs(other.x) >= abs(other.y)
        long, short = flat.where(other.x, other.y), flat.where(other.y, other.x)
        zero = other.x.equals(0.0) & other.y.equals(0.0)
        ratio = zero.where(0.0, short / long)
        scale = 1.0 / zero.where(abs(long), long + short * ratio)
        x = flat.where(self.x + self.y * ratio, self.x * ratio + self.y)
        y = flat.where(self.y - self.x * ratio, self.y * ratio - self.x)
        return ComplexLane(x * scale, y * scale)

    def __rtruediv__(self, other: float) -> ComplexLane:
        return self.like(other) / self


def lane(builder: ll.IRBuilder, value: ll.Value) -> Lane | ComplexLane:
    """A value of the program as a number to calculate with."""
    if not isinstance(value.type, ll.LiteralStructType):
        return Lane(builder, value)
    x, y = (Lane(builder, builder.extract_value(value, k)) for k in (0, 1))
    return ComplexLane(x, y)


def choose(condition: Lane, z: ComplexLane, w: ComplexLane) -> ComplexLane:
    """z where the condition holds, else w."""
    return ComplexLane(condition.where(z.x, w.x), condition.where(z.y, w.y))
