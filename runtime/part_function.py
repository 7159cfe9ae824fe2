"""Parts of a routine as functions of its module: each is lowered once for arguments of the same types.

Start with `Parts.called`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import llvmlite.ir as ll
from numba.core import cgutils, types
from numba.core.types import BaseTuple, CPointer, Tuple, intp  # type: ignore[attr-defined]

from tapejit.runtime.operand import Constant, Operand, Row, Scalar
from tapejit.runtime.part import Part
from tapejit.runtime.returning import ThroughMemory


@dataclass(frozen=True)
class _Function:
    """A part as a function of the module. What it returns it leaves where its last argument says."""

    function: Any
    kinds: tuple[Any, ...]
    result: Any  # a type, None if it returns nothing


class Parts:
    """Those of one module. `lower` is `lowering.lower`, which needs the parts for those that parts call."""

    def __init__(self, context: Any, module: Any, lower: Callable[..., Any]):
        self._context, self._module, self._lower = context, module, lower
        self._known: dict[tuple[Part, tuple[Any, ...]], _Function] = {}
        self._unused: dict[Any, Any] = {}  # where calls in a function leave that they return nothing

    def called(self, builder: Any, part: Part, operands: Sequence[Scalar | Row]) -> Operand:
        """The result of a part; what went wrong in it goes wrong here."""
        kinds = tuple(map(kind_of, operands))
        known = self._known.get((part, kinds)) or self._made(part, kinds)
        words = [word for operand in operands for word in self._words(builder, operand)]
        if part.repeats:
            return self._repeated(builder, known.function, words)
        convention, byte = self._context.call_conv, ll.IntType(8).as_pointer()
        slot, passed = None, byte(None)
        if known.result is not None:
            slot = cgutils.alloca_once(builder, self._context.get_value_type(known.result))
            passed = builder.bitcast(slot, byte)
        packer = self._context.get_arg_packer(known.kinds)
        values = packer.from_arguments(builder, (*words, passed))
        status, _ = convention.call_function(builder, known.function, types.none, known.kinds, values)
        with cgutils.if_unlikely(builder, status.is_error):
            convention.return_status_propagate(builder, status)
        return Constant(False) if slot is None else Scalar(known.result, builder.load(slot))

    def _repeated(self, builder: Any, function: Any, words: Sequence[Any]) -> Operand:
        """Call what returns nothing and cannot fail."""
        value, error, *_, result = function.args
        if builder.function not in self._unused:
            self._unused[builder.function] = cgutils.alloca_once(builder, value.type.pointee)
        builder.call(function, [self._unused[builder.function], error.type(None), *words, result.type(None)])
        return Constant(False)

    def _words(self, builder: Any, operand: Scalar | Row) -> Sequence[Any]:
        """An operand as arguments of a function."""
        if isinstance(operand, Row):
            return operand.pointer, operand.count
        return self._context.get_arg_packer((operand.type,)).as_arguments(builder, [operand.value])  # type: ignore[no-any-return]

    def _made(self, part: Part, kinds: tuple[Any, ...]) -> _Function:
        convention, given = self._context.call_conv, (*kinds, types.voidptr)
        function = ll.Function(
            self._module,
            convention.get_function_type(types.none, given),
            self._module.get_unique_name(f"tapejit.{part.tree.name}"),
        )
        function.linkage = "internal"
        if part.repeats:
            function.attributes.add("noinline")
        convention.decorate_function(function, [*part.names, "result"], given, noalias=part.repeats)
        returned, named = ThroughMemory(self._context), zip(part.names, kinds, strict=True)
        self._lower(part.tree.body, self._context, function, tuple(named), part.namespace, returned, self)
        made = self._known[part, kinds] = _Function(function, given, returned.type)
        return made


def kind_of(operand: Scalar | Row) -> Any:
    """The type as which it goes from a function of a program to another: a row as its words, nothing else."""
    return Tuple((CPointer(operand.dtype), intp)) if isinstance(operand, Row) else operand.type


def is_row(kind: Any) -> bool:
    """Whether a type is that of a row."""
    return isinstance(kind, BaseTuple) and len(kind) == 2 and isinstance(kind[0], CPointer)
