"""Truncated Taylor series in one parameter: arithmetic on them carries derivatives through an algorithm.

`parts[k]` is the k-th derivative over k!. Running a series or a continued fraction on jets instead of numbers
gives the derivatives of what it computes (M. Figurnov, S. Mohamed, A. Mnih, "Implicit reparameterization
gradients", NeurIPS 2018, appendix E, where it is done for the first derivative). A part that is the Python
number 0 costs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tapejit.codegen.lane import Lane

Number = Any  # a Lane or a Python number


@dataclass(frozen=True, eq=False)
class Jet:
    """f(a + e) up to a power of e; all jets of one computation have the same length."""

    parts: tuple[Number, ...]

    @property
    def value(self) -> Number:
        return self.parts[0]

    @property
    def order(self) -> int:
        return len(self.parts) - 1

    def __add__(self, other: Jet | Number) -> Jet:
        return Jet(tuple(_sum(x, y) for x, y in zip(self.parts, self._as_jet(other).parts, strict=True)))

    def __sub__(self, other: Jet | Number) -> Jet:
        return self + (other * -1.0 if isinstance(other, Jet) else 0.0 - other)

    def __rsub__(self, other: Number) -> Any:
        return self * -1.0 + other

    def __mul__(self, other: Jet | Number) -> Jet:
        if not isinstance(other, Jet):
            return Jet(tuple(_product(x, other) for x in self.parts))
        return Jet(tuple(_dot(self.parts[: k + 1], other.parts[k::-1]) for k in range(len(self.parts))))

    __radd__ = __add__
    __rmul__ = __mul__

    def reciprocal(self) -> Jet:
        inverse = 1.0 / self.value
        parts: list[Number] = [inverse]
        for k in range(1, len(self.parts)):
            parts.append(_product(_product(_dot(self.parts[1 : k + 1], parts[::-1]), inverse), -1.0))
        return Jet(tuple(parts))

    def __truediv__(self, other: Jet) -> Jet:
        return self * other.reciprocal()

    def polynomial(self, coefficients: tuple[float, ...]) -> Jet:
        """The constant term stands first."""
        found = Jet((coefficients[-1], *(0.0,) * self.order))
        for coefficient in reversed(coefficients[:-1]):
            found = found * self + coefficient
        return found

    def through(self, value: Number, slope: Jet) -> Jet:
        """g(f), given g at the value of f and the jet of g'(f)."""
        steps = [_product(x, float(k)) for k, x in enumerate(self.parts)][1:]
        return Jet(
            (
                value,
                *(
                    _product(_dot(steps[:k], slope.parts[k - 1 :: -1]), 1.0 / k)
                    for k in range(1, self.order + 1)
                ),
            )
        )

    def scaled_exp(self) -> Jet:
        """exp(f - its value)."""
        parts: list[Number] = [1.0]
        steps = [_product(x, float(k)) for k, x in enumerate(self.parts)][1:]
        for k in range(1, len(self.parts)):
            parts.append(_product(_dot(steps[:k], parts[::-1]), 1.0 / k))
        return Jet(tuple(parts))

    def lanes(self, like: Lane) -> tuple[Lane, ...]:
        """The parts, numbers among them as constants."""
        return tuple(like.coerce(x) for x in self.parts)

    def _as_jet(self, other: Jet | Number) -> Jet:
        return other if isinstance(other, Jet) else Jet((other, *(0.0,) * self.order))


def _is(x: Number, number: float) -> bool:
    return isinstance(x, float) and x == number


def _sum(x: Number, y: Number) -> Number:
    return y if _is(x, 0.0) else x if _is(y, 0.0) else x + y


def _product(x: Number, y: Number) -> Number:
    if _is(x, 0.0) or _is(y, 0.0):
        return 0.0
    return y if _is(x, 1.0) else x if _is(y, 1.0) else x * y


def _dot(xs: Any, ys: Any) -> Number:
    total: Number = 0.0
    for x, y in zip(xs, ys, strict=True):
        total = _sum(total, _product(x, y))
    return total
