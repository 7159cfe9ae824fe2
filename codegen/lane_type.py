"""The types of lanes: one number, or as many as a vector register holds.

A formula is written once. Inside the loops of a program its lanes are single numbers, which LLVM widens; in
the functions that long programs call (`shared_function`) they are vectors from the start.
"""

from __future__ import annotations

import llvmlite.ir as ll

_INTEGER_OF = {ll.DoubleType(): ll.IntType(64), ll.FloatType(): ll.IntType(32)}
_FLOAT_OF = {integer: real for real, integer in _INTEGER_OF.items()}


def element_of(kind: ll.Type) -> ll.Type:
    """The type of one number."""
    return kind.element if isinstance(kind, ll.VectorType) else kind


def shaped(element: ll.Type, model: ll.Type) -> ll.Type:
    """As many of `element` as `model` has."""
    return ll.VectorType(element, model.count) if isinstance(model, ll.VectorType) else element


def is_float(kind: ll.Type) -> bool:
    return element_of(kind) in _INTEGER_OF


def pattern_type(kind: ll.Type) -> ll.Type:
    """Integers as wide as these floats."""
    return shaped(_INTEGER_OF[element_of(kind)], kind)


def float_type(kind: ll.Type) -> ll.Type:
    """Floats as wide as these integers."""
    return shaped(_FLOAT_OF[element_of(kind)], kind)


def intrinsic(module: ll.Module, name: str, kind: ll.Type, arity: int) -> ll.Function:
    """The LLVM intrinsic `llvm.name` of so many operands of one type."""
    count = f"v{kind.count}" if isinstance(kind, ll.VectorType) else ""
    full = f"llvm.{name}.{count}{element_of(kind).intrinsic_name}"
    existing = module.globals.get(full)
    return existing or ll.Function(module, ll.FunctionType(kind, [kind] * arity), full)
