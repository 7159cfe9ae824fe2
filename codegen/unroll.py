"""Unroll last dimensions of a few elements before a function is scheduled, as those of points in space.

A loop of three iterations inside a long one keeps the long one from being vectorised. So a fold of such a
dimension becomes a combination of its elements, and a fold of other dimensions one fold per element, put
together at the end. What is computed element by element is split as well, as far up as it goes.
Start with `unrolled`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from typing import Any

from tapejit.codegen.cost import STORE_ABOVE
from tapejit.ir import ops
from tapejit.ir.emission import Scalar
from tapejit.ir.function import Function, Instr, Value
from tapejit.ir.passes.dce import dce
from tapejit.ir.primitive import Primitive
from tapejit.ir.work import UNROLLED, source_cost

LEAST_SIZE = 1024  # elements of what is folded
COMBINE: dict[str, Primitive] = {
    "reduce_sum": ops.add,
    "reduce_prod": ops.mul,
    "reduce_max": ops.maximum,
    "reduce_min": ops.minimum,
    "reduce_any": ops.logical_or,
    "reduce_all": ops.logical_and,
}


def unrolled(function: Function, general: bool = False) -> Function:
    """The same function; parameters and results are the same values. In `general`, no value is too small."""
    least = 0 if general else LEAST_SIZE
    if not any(_unrolls(instr, least) for instr in function.body):
        return function
    writer = _Unroller(function, least)
    for instr in function.body:
        writer.add(instr)
    return dce(Function(function.name, function.params, writer.body, function.results))


def _unrolls(instr: Instr, least: int) -> bool:
    """It folds `least` elements or more with a small last dimension, but not that together with others."""
    if instr.primitive.name not in COMBINE:
        return False
    type_, axes = instr.operands[0].type, tuple(instr.attrs["axes"])
    last = type_.rank - 1
    small = type_.rank > 1 and 1 < type_.shape[-1] <= UNROLLED and type_.size >= least
    return small and (axes == (last,) or (last not in axes and bool(axes)))


class _Unroller:
    """The new body, and the elements that values have been split into."""

    def __init__(self, function: Function, least: int):
        self._least = least
        self.body: list[Instr] = []
        self._definitions = function.definitions()
        self._uses = Counter(v for instr in function.body for v in instr.operands) + Counter(function.results)
        self._split: dict[tuple[Value, int], Value] = {}
        self._appended: dict[Hashable, Value] = {}

    def add(self, instr: Instr) -> None:
        """The instruction, or what takes its place; its results stay the same values."""
        if not _unrolls(instr, self._least):
            self.body.append(instr)
        elif tuple(instr.attrs["axes"]) == (instr.operands[0].type.rank - 1,):
            self._combine(instr)
        else:
            self._fold_each(instr)

    def _combine(self, instr: Instr) -> None:
        (x,), combine = instr.operands, COMBINE[instr.primitive.name]
        first, *middle, last = (self._element(x, k, instr) for k in range(x.type.shape[-1]))
        for element in middle:
            first = self._append(combine, (first, element), {}, instr)
        self.body.append(Instr(combine, (first, last), {}, instr.results, (), instr.location))

    def _fold_each(self, instr: Instr) -> None:
        (x,), (whole,) = instr.operands, instr.results
        pieces = []
        for k in range(x.type.shape[-1]):
            element = self._element(x, k, instr)
            folded = self._append(instr.primitive, (element,), instr.attrs, instr)
            self._split[whole, k] = folded
            shape = (*folded.type.shape, 1)
            pieces.append(self._append(ops.reshape, (folded,), {"shape": shape}, instr))
        attrs = {"axis": whole.type.rank - 1}
        self.body.append(Instr(ops.concat, tuple(pieces), attrs, (whole,), (), instr.location))

    def _element(self, x: Value, k: int, at: Instr) -> Value:
        """Element `k` of the last dimension. Without recursion: chains may be long."""
        pending = [x]
        while pending:
            value = pending[-1]
            missing = [v for v in self._split_operands(value) if (v, k) not in self._split]
            if (value, k) in self._split or not missing:
                pending.pop()
                if (value, k) not in self._split:
                    self._split[value, k] = self._made(value, k, self._definitions.get(value, at))
            else:
                pending += missing
        return self._split[x, k]

    def _split_operands(self, value: Value) -> tuple[Value, ...]:
        """The operands whose elements make an element of `value`; none where it is taken from the whole."""
        instr = self._definitions.get(value)
        if instr is None:
            return ()
        if isinstance(instr.primitive.emission, Scalar):
            costly = source_cost(instr.primitive.emission.source) >= STORE_ABOVE and self._uses[value] > 1
            return () if costly else instr.operands
        return instr.operands if _spreads(instr) and not _repeats_last(instr) else ()

    def _made(self, value: Value, k: int, instr: Instr) -> Value:
        operands = tuple(self._split[v, k] for v in self._split_operands(value))
        shape = value.type.shape[:-1]
        if self._definitions.get(value) is instr and _spreads(instr):
            dims = instr.attrs["dims"]
            dims, operands = (dims, instr.operands) if _repeats_last(instr) else (dims[:-1], operands)
            return self._append(ops.broadcast, operands, {"shape": shape, "dims": dims}, instr)
        if operands:
            return self._append(instr.primitive, operands, instr.attrs, instr)
        return self._taken(value, k, instr)

    def _taken(self, value: Value, k: int, instr: Instr) -> Value:
        *others, _ = value.type.shape
        zeros = (0,) * len(others)
        attrs = {"start": (*zeros, k), "stop": (*others, k + 1), "step": (1,) * (len(others) + 1)}
        part = self._append(ops.slice_, (value,), attrs, instr)
        return self._append(ops.reshape, (part,), {"shape": tuple(others)}, instr)

    def _append(
        self, primitive: Primitive, operands: tuple[Value, ...], attrs: dict[str, Any], at: Instr
    ) -> Value:
        key = primitive, operands, repr(sorted(attrs.items()))
        if key in self._appended:
            return self._appended[key]
        (type_,) = primitive.result_types(tuple(v.type for v in operands), attrs)
        result = self._appended[key] = Value(type_, None)
        self.body.append(Instr(primitive, operands, attrs, (result,), (), at.location))
        return result


def _spreads(instr: Instr) -> bool:
    """It is a broadcast in the order of dimensions, whose last one is whole or repeated."""
    if instr.primitive is not ops.broadcast:
        return False
    (x,), dims, shape = instr.operands, instr.attrs["dims"], instr.attrs["shape"]
    in_order = tuple(sorted(dims)) == tuple(dims)
    return in_order and (_repeats_last(instr) or x.type.shape[-1] == shape[-1])


def _repeats_last(instr: Instr) -> bool:
    return len(instr.attrs["shape"]) - 1 not in instr.attrs["dims"]
