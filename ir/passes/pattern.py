"""What a rule of `simplify` is: a primitive, a pattern in words, why it is exact, and the rewriting.

A rule looks at one instruction through a `Match` and returns what to use instead, or None. "Exact"
means the same bits for every input, NaN, infinities and signed zeros included; only which NaN is left open.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tapejit.ir import ops
from tapejit.ir.builder import Var
from tapejit.ir.function import Instr
from tapejit.ir.passes.fold import constant
from tapejit.ir.passes.rewrite import Rewrite
from tapejit.ir.primitive import Primitive
from tapejit.ir.types import TensorType


class Match:
    """One instruction, its operands as Vars `x`, `y`, `z`, and what made them."""

    def __init__(self, out: Rewrite, instr: Instr):
        self.out, self.instr, self.attrs = out, instr, instr.attrs
        self.operands = tuple(out.var(v) for v in instr.operands)

    @property
    def x(self) -> Var:
        return self.operands[0]

    @property
    def y(self) -> Var:
        return self.operands[1]

    @property
    def z(self) -> Var:
        return self.operands[2]

    @property
    def type(self) -> TensorType:
        """The type of the result."""
        return self.instr.results[0].type

    def number(self, x: Var) -> Any:
        """The number that fills x, when x is a uniform constant."""
        found = constant(self.out, x.value)
        return None if found is None else found[1]

    def filled(self, x: Var, number: float) -> bool:
        """x is this number everywhere; for floats 0.0 and -0.0 differ. Never where x is complex.

        No rule for a real number carries over: (1 + 0j) z and z + 0j differ from z in signed zeros, and the
        former in infinities too.
        """
        found = None if x.is_complex else self.number(x)
        if found is None or found != number:
            return False
        return not x.is_float or math.copysign(1.0, found) == math.copysign(1.0, number)

    def of(self, primitive: Primitive, x: Var) -> Match | None:
        """The instruction that makes x, when it is one of `primitive`."""
        maker = self.out.made_by(x.value, primitive)
        return None if maker is None else Match(self.out, maker)

    def under(self, primitive: Primitive, x: Var) -> Var | None:
        """The operand y where x is primitive(y, ...)."""
        inner = self.of(primitive, x)
        return None if inner is None else inner.x


@dataclass(frozen=True)
class Rule:
    """`pattern` is `primitive` code and what replaces it; `why` says what makes that exact."""

    primitives: tuple[Primitive, ...]
    pattern: str
    why: str
    apply: Callable[[Match], Var | Sequence[Var] | None]


def same(x: Var, y: Var) -> bool:
    return x.value is y.value


def reshaped(x: Var, to: tuple[int, ...]) -> Var:
    """x itself where it has that shape already."""
    return x if x.shape == to else ops.reshape(x, shape=to)
