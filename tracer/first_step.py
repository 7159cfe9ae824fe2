"""A step that no trace took before: the operation is lowered, which checks shapes and infers the type."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tapejit.ir.builder import Builder, Var
from tapejit.tracer.errors import DtypeError, ShapeError, TapejitError
from tapejit.tracer.handle import Handle
from tapejit.tracer.location import user_location
from tapejit.tracer.operation import Operation, Weak
from tapejit.tracer.trie import Node


def first_step(
    parent: Node,
    op: Operation,
    operands: Sequence[Any],
    indices: tuple[int | None, ...],
    statics: tuple[tuple[str, Any], ...],
    tracked: bool,
) -> Node:
    """The node behind `parent` for `op` of `operands`: arrays, the types of numbers, and None.

    `tracked`: a derivative flows through an operand, and through the operation.

    Raises what the operation raises, with the operand types and the user's line.
    """
    builder = Builder(op.name)
    builder.location = user_location()
    variables = [builder.param(x.type) if isinstance(x, Handle) else None for x in operands]
    args = [Weak(builder, x) if isinstance(x, type) else v for x, v in zip(operands, variables, strict=True)]
    try:
        lowered = op.lower(*args, **dict(statics))
    except (ShapeError, DtypeError, TypeError, ValueError) as error:
        raise _explained(error, op, operands, builder.location) from None
    results: tuple[Var, ...] = lowered if isinstance(lowered, tuple) else (lowered,)
    types = tuple(v.type for v in results)
    tracked = tracked and any(t.is_inexact for t in types)
    return Node(parent, types, tracked, indices, builder.finish(results))


def _explained(error: Exception, op: Operation, operands: Sequence[Any], location: str | None) -> Exception:
    """The same kind of error, with the operation, the operand types and the user's line."""
    listed = ", ".join(
        str(x.type) if isinstance(x, Handle) else x.__name__ if isinstance(x, type) else "None"
        for x in operands
    )
    kind = type(error)
    if not isinstance(error, TapejitError):
        kind = ShapeError if isinstance(error, ValueError) else DtypeError
    return kind(f"{op.name}({listed}) at {location}: {error}")
