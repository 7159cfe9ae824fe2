"""Powers of two leave sums: `sum(0.5 * x * y)` is half of `sum(x * y)`, multiplied once, not per element.

Derivatives are full of them: `2 * x` of a square, `x + x` of a product by itself, signs of differences. They
scale floats exactly, so what they are taken from has the same bits, unless it comes within their size of
where floats overflow or are subnormal. A *core* is a value without its factor; values that something else
than a sum needs keep theirs. Start with `unscaled_sums`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import frexp, isfinite, prod
from typing import Any

from tapejit.ir import ops
from tapejit.ir.emission import IndexMap, Reinterpret
from tapejit.ir.function import Function, Instr, Value
from tapejit.ir.passes.dce import dce
from tapejit.ir.primitive import Primitive

FEWER = 8  # results than elements: else a product of the sums costs as much as one of the elements
MOST = 2.0**16  # of a factor


@dataclass(frozen=True)
class Scaled:
    """`factor` times `core`."""

    core: Value
    factor: float


def unscaled_sums(function: Function, general: bool = False) -> Function:
    """The same function; parameters and results are the same values. In `general`, no sum is too small."""
    fewer = 1 if general else FEWER
    if not any(_is_sum(instr, fewer) for instr in function.body):
        return function
    writer = _Writer(function, fewer)
    for instr in function.body:
        writer.add(instr)
    if not writer.changed:
        return function
    return dce(Function(function.name, function.params, writer.body, function.results))


def _is_sum(instr: Instr, fewer: int) -> bool:
    if instr.primitive is not ops.reduce_sum:
        return False
    (x,), (result,) = instr.operands, instr.results
    return result.type.is_float and x.type.size >= fewer * result.type.size > 0


class _Writer:
    """The new body."""

    def __init__(self, function: Function, fewer: int):
        self._fewer = fewer
        self._definitions = function.definitions()
        self._whole = self._needed_whole(function)
        self._scaled: dict[Value, Scaled] = {}
        self.body: list[Instr] = []
        self.changed = False

    def add(self, instr: Instr) -> None:
        """The instruction, or one of cores; of a sum of those, its factor as well."""
        passes = self._passes(instr) and instr.results[0] not in self._whole
        if passes:
            self._scaled[instr.results[0]] = self._of(instr)
        elif _is_sum(instr, self._fewer) and self._get(instr.operands[0]).core is not instr.operands[0]:
            self._write_sum(instr, self._get(instr.operands[0]))
        else:
            self.body.append(instr)

    def _needed_whole(self, function: Function) -> set[Value]:
        """What something else than sums, and what passes factors on to them, reads."""
        whole = set(function.results)
        for instr in reversed(function.body):
            if not _is_sum(instr, self._fewer) and (not self._passes(instr) or instr.results[0] in whole):
                whole.update(instr.operands)
        return whole

    def _passes(self, instr: Instr) -> bool:
        """A factor of an operand is one of the result."""
        if not (len(instr.results) == 1 and instr.results[0].type.is_float):
            return False
        moves = isinstance(instr.primitive.emission, IndexMap | Reinterpret) and len(instr.operands) == 1
        doubles = instr.primitive is ops.add and instr.operands[0] is instr.operands[1]
        return moves or doubles or instr.primitive in (ops.mul, ops.neg)

    def _get(self, x: Value) -> Scaled:
        return self._scaled.get(x, Scaled(x, 1.0))

    def _of(self, instr: Instr) -> Scaled:
        """The result as a factor and a core."""
        parts = [self._get(v) for v in instr.operands]
        if instr.primitive is ops.neg:
            return Scaled(parts[0].core, -parts[0].factor)
        if instr.primitive is ops.add:
            return self._limited(instr, parts[0].core, 2.0 * parts[0].factor)
        numbers = [self._power_of_two(part) for part in parts]
        factor = prod(part.factor for part in parts)
        for k, number in enumerate(numbers):
            if len(parts) == 2 and number is not None:
                return self._limited(instr, parts[1 - k].core, parts[1 - k].factor * number)
        return self._limited(instr, self._combined(instr, parts), factor)

    def _limited(self, instr: Instr, core: Value, factor: float) -> Scaled:
        """What was found, unless the factor has become large or small."""
        if 1.0 / MOST <= abs(factor) <= MOST:
            return Scaled(core, factor)
        operands = tuple(self._value(self._get(v), instr) for v in instr.operands)
        self.body.append(Instr(instr.primitive, operands, instr.attrs, instr.results, (), instr.location))
        return Scaled(instr.results[0], 1.0)

    def _power_of_two(self, part: Scaled) -> float | None:
        """The number that all elements are, if it is one."""
        made = self._definitions.get(part.core)
        if made is None or made.primitive is not ops.full:
            return None
        number = float(made.attrs["value"])
        return number * part.factor if isfinite(number) and abs(frexp(number)[0]) == 0.5 else None

    def _combined(self, instr: Instr, parts: Sequence[Scaled]) -> Value:
        """The result of the instruction for cores."""
        cores = tuple(part.core for part in parts)
        if cores == instr.operands:
            self.body.append(instr)
            return instr.results[0]
        return self._append(instr.primitive, cores, instr.attrs, instr, Value(instr.results[0].type, None))

    def _write_sum(self, instr: Instr, x: Scaled) -> None:
        """The sum of the core, times the factor; without a negative zero, which no sum gives."""
        self.changed = True
        (result,) = instr.results
        total = result if x.factor == 1.0 else Value(result.type, None)
        self._append(instr.primitive, (x.core,), instr.attrs, instr, total)
        if total is not result:
            self._value(Scaled(total, x.factor), instr, result)

    def _value(self, x: Scaled, at: Instr, result: Value | None = None) -> Value:
        """The product of factor and core; `result`, if that is not there yet."""
        if x.factor == 1.0 and result is None:
            return x.core
        result = result or Value(x.core.type, None)
        if x.factor == -1.0:
            return self._append(ops.sub, (self._full(0.0, x.core, at), x.core), {}, at, result)
        number = self._full(abs(x.factor), x.core, at)
        if x.factor > 0:
            return self._append(ops.mul, (x.core, number), {}, at, result)
        size = self._append(ops.mul, (x.core, number), {}, at, Value(x.core.type, None))
        return self._append(ops.sub, (self._full(0.0, x.core, at), size), {}, at, result)

    def _full(self, number: float, like: Value, at: Instr) -> Value:
        attrs = {"dtype": like.type.dtype, "shape": like.type.shape, "value": number}
        return self._append(ops.full, (), attrs, at, Value(like.type, None))

    def _append(
        self,
        primitive: Primitive,
        operands: tuple[Value, ...],
        attrs: dict[str, Any],
        at: Instr,
        result: Value,
    ) -> Value:
        self.body.append(Instr(primitive, operands, attrs, (result,), (), at.location))
        return result
