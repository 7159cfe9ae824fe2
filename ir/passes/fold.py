"""Constant folding: an instruction on uniform constants (`full`) becomes the constant it gives.

The value is the reference's own, so folding changes no bit. What to evaluate follows from the
emission of the row: a map is evaluated on one element, an index map keeps the element, a reduction
is evaluated where that is cheap or exact.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tapejit.ir import ops
from tapejit.ir.emission import Fold, FoldIndex, IndexMap, Padded, Pieces, Reinterpret, Scalar
from tapejit.ir.function import Function, Instr, Value
from tapejit.ir.passes.rewrite import Rewrite, rewrite
from tapejit.ir.printer import print_attr
from tapejit.ir.types import TensorType

_CHEAP = 2**20  # elements up to which a reduction of a constant is simply carried out
_MANTISSA = {"f64": 2**53, "f32": 2**24}
_IDEMPOTENT = (ops.reduce_max, ops.reduce_min, ops.reduce_any, ops.reduce_all)

Constant = tuple[TensorType, Any]  # a type and the Python number that fills it


def fold(function: Function) -> Function:
    """`function` with instructions on uniform constants evaluated."""
    return rewrite(function, _folded, fold)


def constant(out: Rewrite, value: Value) -> Constant | None:
    """Type and number of a value made by `full`, the number as the dtype holds it."""
    maker = out.made_by(value, ops.full)
    return None if maker is None else (value.type, _held(value.type.dtype, maker.attrs["value"]))


def _held(dtype: str, number: Any) -> Any:
    """`number` as `dtype` holds it, as a Python number."""
    return np.full((), number, TensorType(dtype).numpy_dtype).item()


def _folded(out: Rewrite, instr: Instr) -> Sequence[Value] | None:
    if instr.primitive is ops.full:
        return _normal(out, instr)
    rule = _RULES.get(type(instr.primitive.emission))
    known = None if rule is None else _constants(out, instr)
    if rule is None or not known:
        return None
    number = rule(instr, known)
    return None if number is None else [out.builder.full(instr.results[0].type, number).value]


def _constants(out: Rewrite, instr: Instr) -> list[Constant] | None:
    """The operands, if all of them are constants."""
    known = []
    for operand in instr.operands:
        found = constant(out, operand)
        if found is None:
            return None
        known.append(found)
    return known


def _normal(out: Rewrite, instr: Instr) -> Sequence[Value] | None:
    """A constant whose number is an int where the dtype is a float, and the like, set right."""
    stated = instr.attrs["value"]
    held = _held(instr.attrs["dtype"], stated)
    same = type(stated) is type(held)
    return None if same else [out.builder.full(instr.results[0].type, held).value]


def _of_one_element(instr: Instr, operands: list[Constant]) -> Any:
    arrays = [np.full((), number, t.numpy_dtype) for t, number in operands]
    return _run(instr, arrays)


def _same_element(instr: Instr, operands: list[Constant]) -> Any:
    """The common number of the operands; None when they differ."""
    return operands[0][1] if len({print_attr(number) for _, number in operands}) == 1 else None


def _padded(instr: Instr, operands: list[Constant]) -> Any:
    type_ = operands[0][0]
    around = _held(type_.dtype, instr.attrs["value"])
    return _same_element(instr, [*operands, (type_, around)])


def _reduced(instr: Instr, operands: list[Constant]) -> Any:
    ((type_, number),) = operands
    if not instr.results[0].type.size:
        return None
    if type_.size <= _CHEAP:
        return _run(instr, [np.full(type_.shape, number, type_.numpy_dtype)])
    count = math.prod(type_.shape[a] for a in instr.attrs["axes"])
    if instr.primitive in _IDEMPOTENT and count:
        return number
    if instr.primitive is ops.reduce_sum and type_.is_float and _sums_exactly(number, count, type_.dtype):
        return number * count + 0.0
    return None


def _sums_exactly(number: float, count: int, dtype: str) -> bool:
    """Every partial sum is an integer that the dtype holds, so the order does not matter."""
    whole = math.isfinite(number) and number == int(number)
    return whole and abs(number) * count <= _MANTISSA[dtype]


def _run(instr: Instr, arrays: list[Any]) -> Any:
    """The number that the reference gives everywhere."""
    dtype = instr.results[0].type.numpy_dtype
    with np.errstate(all="ignore"):
        found = np.asarray(instr.primitive.reference(*arrays, **instr.attrs), dtype)
    return found.flat[0].item()


_RULES: dict[type, Callable[[Instr, list[Constant]], Any]] = {
    Scalar: _of_one_element,
    IndexMap: _same_element,
    Reinterpret: _same_element,
    Pieces: _same_element,
    Padded: _padded,
    Fold: _reduced,
    FoldIndex: _reduced,
}
