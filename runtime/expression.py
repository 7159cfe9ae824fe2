"""Expressions of emitted source to LLVM IR.

What operators and functions mean is asked of Numba, once for operands of the same types. Rows are pointers
and counts here; only a function that takes an array sees Numba's structure of one. An index neither counts
from the end nor overflows. Start with `Expressions.evaluated`.
"""

from __future__ import annotations

import ast
import builtins
import operator
from collections.abc import Callable, Mapping
from functools import partial
from types import ModuleType
from typing import Any

import llvmlite.ir as ll
import numpy as np
from numba.core import cgutils, types
from numba.core.funcdesc import ExternalFunctionDescriptor
from numba.core.types import CPointer, Tuple, literal, unliteral  # type: ignore[attr-defined]

from tapejit.runtime.allocation import Allocations
from tapejit.runtime.names import LoweringError, Names
from tapejit.runtime.operand import Constant, Known, Operand, Pack, Row, Scalar
from tapejit.runtime.part import Part
from tapejit.runtime.part_function import Parts, is_row

OPERATORS: dict[type, Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.BitXor: operator.xor,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
    ast.USub: operator.neg,
    ast.Invert: operator.invert,
    ast.Not: operator.not_,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_INDEX_STEPS = {ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul"}


class Expressions:
    """The expressions of one function."""

    def __init__(
        self,
        context: Any,
        builder: Any,
        namespace: Mapping[str, Any],
        allocations: Allocations,
        parts: Parts,
    ):
        self._context, self._builder, self._namespace = context, builder, namespace
        self._allocations, self._parts = allocations, parts
        self._effects = 0  # how many calls there were of what may do more than compute
        self.names = Names(builder)
        self._meanings: dict[Any, Any] = {}

    def evaluated(self, node: Any) -> Operand:
        """The value of an expression."""
        lowered = getattr(self, f"_{type(node).__name__.lower()}", None)
        if lowered is None:
            raise LoweringError(f"emitted source has no expression like: {ast.unparse(node)}")
        found: Operand = lowered(node)
        return found

    # -- Operands ----------------------------------------------------------------------------------------

    def operand(self, kind: Any, value: Any) -> Operand:
        """A value of a type of Numba; an array, or the words of a row, become a row."""
        if is_row(kind):
            pointer, count = (self._builder.extract_value(value, k) for k in range(2))
            return Row(kind[0].dtype, pointer, count)
        if not isinstance(kind, types.Array):
            return Scalar(kind, value)
        fields = self._context.data_model_manager[kind]
        return Row(kind.dtype, *(fields.get(self._builder, value, name) for name in ("data", "nitems")))

    def typed(self, operand: Operand) -> Scalar:
        """A scalar; a constant takes the type that Python's numbers have with Numba."""
        if isinstance(operand, Constant):
            kind = unliteral(_literal(operand.value))
            return Scalar(kind, self.constant(operand.value, kind))
        if not isinstance(operand, Scalar):
            raise LoweringError(f"{type(operand).__name__.lower()} where a scalar is needed")
        return operand

    def constant(self, value: Any, kind: Any) -> Any:
        """A number as one of a type."""
        if isinstance(kind, types.Complex):
            given = self._context.get_constant(types.float64, float(value))
            return self._context.cast(self._builder, given, types.float64, kind)
        convert = bool if kind == types.boolean else float if isinstance(kind, types.Float) else int
        return self._context.get_constant(kind, convert(value))

    def index(self, operand: Operand) -> Any:
        """A whole number of 64 bits."""
        scalar = self.typed(operand)
        return self._context.cast(self._builder, scalar.value, scalar.type, types.intp)

    def truth(self, node: Any) -> Any:
        """A condition."""
        scalar = self.typed(self.evaluated(node))
        return self._context.cast(self._builder, scalar.value, scalar.type, types.boolean)

    def table(self, node: ast.Tuple) -> Row:
        """Numbers of one kind that the source states, as a row."""
        found = map(self.evaluated, node.elts)
        numbers = [each.value for each in found if isinstance(each, Constant)]
        kind = types.float64 if any(isinstance(n, float) for n in numbers) else types.intp
        words = ll.Constant.literal_array([self.constant(n, kind) for n in numbers])
        module = self._builder.module
        memory = cgutils.global_constant(module, module.get_unique_name("table"), words)
        zero = self._context.get_constant(types.intp, 0)
        count = self._context.get_constant(types.intp, len(numbers))
        return Row(kind, self._builder.gep(memory, [zero, zero]), count)

    # -- Names and elements ------------------------------------------------------------------------------

    def _name(self, node: Any) -> Operand:
        return self.names.value(node.id) or self._of_namespace(node.id)

    def _of_namespace(self, name: str) -> Operand:
        known = self._namespace[name] if name in self._namespace else getattr(builtins, name)
        return Constant(known) if isinstance(known, int | float) else Known(known)

    def _constant(self, node: Any) -> Operand:
        return Constant(node.value)

    def _tuple(self, node: Any) -> Operand:
        return Pack(tuple(map(self.evaluated, node.elts)))

    def _subscript(self, node: Any) -> Operand:
        row = self._row(node)
        if isinstance(node.slice, ast.Slice):
            begin, end = self._index(node.slice.lower), self._end(row, node.slice)
            pointer = self._builder.gep(row.pointer, [begin], inbounds=True)
            return Row(row.dtype, pointer, self._builder.sub(end, begin))
        return Scalar(row.dtype, self._context.unpack_value(self._builder, row.dtype, self._place(row, node)))

    def _end(self, row: Row, part: Any) -> Any:
        return row.count if part.upper is None else self._index(part.upper)

    def store_element(self, node: Any, operand: Operand) -> None:
        """Put a scalar into a row."""
        row = self._row(node)
        if isinstance(operand, Constant):
            value = self.constant(operand.value, row.dtype)
        else:
            scalar = self.typed(operand)
            value = self._context.cast(self._builder, scalar.value, scalar.type, row.dtype)
        self._context.pack_value(self._builder, row.dtype, value, self._place(row, node))

    def _row(self, node: Any) -> Row:
        row = self.evaluated(node.value)
        if not isinstance(row, Row):
            raise LoweringError(f"no elements in: {ast.unparse(node)}")
        return row

    def _place(self, row: Row, node: Any) -> Any:
        return self._builder.gep(row.pointer, [self._index(node.slice)], inbounds=True)

    def _index(self, node: Any) -> Any:
        """An index: its sums and products do not overflow, which LLVM may know."""
        if isinstance(node, ast.BinOp) and type(node.op) in _INDEX_STEPS:
            left, right = self._index(node.left), self._index(node.right)
            return getattr(self._builder, _INDEX_STEPS[type(node.op)])(left, right, flags=["nsw"])
        return self.index(self.evaluated(node))

    # -- Operators ---------------------------------------------------------------------------------------

    def _binop(self, node: Any) -> Operand:
        return self._applied(node.op, self.evaluated(node.left), self.evaluated(node.right))

    def _unaryop(self, node: Any) -> Operand:
        return self._applied(node.op, self.evaluated(node.operand))

    def _compare(self, node: Any) -> Operand:
        (compared,), (right,) = node.ops, node.comparators
        return self._applied(compared, self.evaluated(node.left), self.evaluated(right))

    def _boolop(self, node: Any) -> Operand:
        joined = self._builder.and_ if isinstance(node.op, ast.And) else self._builder.or_
        found, *more = self._all(self.truth, *node.values)
        for each in more:
            found = joined(found, each)
        return Scalar(types.boolean, found)

    def _ifexp(self, node: Any) -> Operand:
        condition = self.truth(node.test)
        first, second = self._alike(*self._all(self.evaluated, node.body, node.orelse))
        if first.type != second.type:
            raise LoweringError(f"two types in: {ast.unparse(node)}")
        return Scalar(first.type, self._builder.select(condition, first.value, second.value))

    def _all(self, evaluate: Callable[[Any], Any], *nodes: Any) -> list[Any]:
        """All, also those that Python would skip: they have no effects, and an index may not hold."""
        before = self._effects
        found = [evaluate(node) for node in nodes]
        if self._effects > before:
            raise LoweringError(f"called without condition, but not by Python: {ast.unparse(nodes[-1])}")
        return found

    def _alike(self, first: Operand, second: Operand) -> tuple[Scalar, Scalar]:
        """Two scalars; a whole number takes the type of the other one."""
        match first, second:
            case Constant(int(whole)), Scalar(kind, _) if not isinstance(whole, bool):
                return Scalar(kind, self.constant(whole, kind)), second
            case Scalar(), Constant(int()):
                return self._alike(second, first)[::-1]
        return self.typed(first), self.typed(second)

    def _applied(self, node: Any, *operands: Operand) -> Operand:
        function = OPERATORS[type(node)]
        if all(isinstance(o, Constant) for o in operands) and function is not operator.not_:
            return Constant(function(*(o.value for o in operands if isinstance(o, Constant))))
        return self._called(function, tuple(map(self.typed, operands)))

    # -- Calls -------------------------------------------------------------------------------------------

    def _call(self, node: Any) -> Operand:
        operands = tuple(map(self.evaluated, node.args))
        function = self._function(node.func)
        if function is None:
            return self._method(node.func, operands)
        if isinstance(node.func, ast.Name) and node.func.id == "flat":
            return operands[0]
        if function is np.empty:
            count, dtype = operands
            return self._allocations.row(_type(dtype), self.index(count))
        if isinstance(function, types.Number | types.Boolean) and len(operands) == 1:
            return self._converted(operands[0], function)
        if function in (min, max):
            return self._extreme(function, *map(self.typed, operands))
        return self._called(function, operands)

    def _function(self, node: Any) -> Any:
        """What is called: of the namespace, or of a module there; None for a method of a number."""
        if isinstance(node, ast.Name):
            known = self._of_namespace(node.id)
            return known.value if isinstance(known, Known) else known
        module = isinstance(node.value, ast.Name) and self._namespace.get(node.value.id)
        return getattr(module, node.attr) if isinstance(module, ModuleType) else None

    def _extreme(self, function: Any, found: Scalar, *others: Scalar) -> Operand:
        """The smallest or largest of whole numbers."""
        for other in others:
            better = self._called(operator.lt if function is min else operator.gt, (other, found))
            found = Scalar(
                found.type, self._builder.select(self.typed(better).value, other.value, found.value)
            )
        return found

    def _converted(self, operand: Operand, kind: Any) -> Operand:
        if isinstance(operand, Constant):
            return Scalar(kind, self.constant(operand.value, kind))
        scalar = self.typed(operand)
        return Scalar(kind, self._context.cast(self._builder, scalar.value, scalar.type, kind))

    def _attribute(self, node: Any) -> Operand:
        """The real or the imaginary part of a number, the address of a row."""
        operand = self.evaluated(node.value)
        if isinstance(operand, Row) and node.attr == "ctypes":
            return Scalar(CPointer(operand.dtype), operand.pointer)
        owner = self.typed(operand)
        kind = self._context.typing_context.resolve_getattr(owner.type, node.attr)
        found = self._context.get_getattr(owner.type, node.attr)
        return Scalar(kind, found(self._context, self._builder, owner.type, owner.value, node.attr))

    def _method(self, node: Any, operands: tuple[Operand, ...]) -> Operand:
        owner = self.typed(self.evaluated(node.value))
        bound = self._context.typing_context.resolve_getattr(owner.type, node.attr)
        signature = self._context.typing_context.resolve_function_type(bound, (), {})
        return self.operand(
            signature.return_type,
            self._context.get_function(bound, signature)(self._builder, [owner.value]),
        )

    def _called(self, function: Any, operands: tuple[Operand, ...]) -> Operand:
        kinds = tuple(map(self._kind, operands))
        if isinstance(function, Part):
            self._effects += 1
            return self._parts.called(self._builder, function, [*map(self._passed, operands)])
        meaning = self._meanings.get((function, kinds))
        if meaning is None:
            meaning = self._meanings[function, kinds] = self._meaning(function, kinds)
        signature, lowered = meaning
        values = [
            self._context.cast(self._builder, self._value(o, kind), kind, wanted)
            for o, kind, wanted in zip(operands, kinds, signature.args, strict=True)
        ]
        self._context.add_linking_libs(getattr(lowered, "libs", ()))
        return self.operand(signature.return_type, lowered(self._builder, values))

    def _passed(self, operand: Operand) -> Scalar | Row:
        """What a part is given: a row as it is, of all else a scalar."""
        return operand if isinstance(operand, Row) else self.typed(operand)

    def _meaning(self, function: Any, kinds: tuple[Any, ...]) -> tuple[Any, Any]:
        """What Numba makes of a function with arguments of these types."""
        typing = self._context.typing_context
        known = typing.resolve_value_type(function)
        signature = typing.resolve_function_type(known, kinds, {})
        if signature is None:
            raise LoweringError(f"{function} does not take {', '.join(map(str, kinds))}")
        if isinstance(known, types.ExternalFunction):
            return signature, partial(
                self._external,
                ExternalFunctionDescriptor(known.symbol, signature.return_type, signature.args),
            )
        return signature, self._context.get_function(known, signature)

    def _external(self, described: Any, builder: Any, values: Any) -> Any:
        """A call of a C function by its symbol."""
        self._effects += 1
        function = self._context.declare_external_function(builder.module, described)
        return self._context.call_external_function(builder, function, described.argtypes, values)

    def _kind(self, operand: Operand) -> Any:
        """The type that a call sees; that of a constant says its value."""
        match operand:
            case Constant(value):
                return _literal(value)
            case Scalar(kind, _):
                return kind
            case Row(dtype, _, _):
                return types.Array(dtype, 1, "C")
            case Pack(items):
                return Tuple.from_types(tuple(unliteral(self._kind(i)) for i in items))
            case Known(value):
                return self._context.typing_context.resolve_value_type(value)

    def _value(self, operand: Operand, kind: Any) -> Any:
        match operand:
            case Constant(value):
                return self.constant(value, unliteral(kind))
            case Scalar(_, value):
                return value
            case Row():
                return self._array(operand, kind)
            case Pack(items):
                values = [self._value(i, k) for i, k in zip(items, kind, strict=True)]
                return self._context.make_tuple(self._builder, kind, values)
            case Known():
                return self._context.get_dummy_value()

    def _array(self, row: Row, kind: Any) -> Any:
        """A row as Numba's structure of an array, which owns nothing."""
        array = self._context.make_array(kind)(self._context, self._builder)
        width = self._context.get_abi_sizeof(self._context.get_data_type(row.dtype))
        itemsize = self._context.get_constant(types.intp, width)
        self._context.populate_array(
            array,
            data=row.pointer,
            shape=cgutils.pack_array(self._builder, [row.count]),
            strides=cgutils.pack_array(self._builder, [itemsize]),
            itemsize=itemsize,
            meminfo=None,
        )
        return array._getvalue()


def _literal(value: Any) -> Any:
    """The type of a constant."""
    return types.float64 if isinstance(value, float) else literal(value)


def _type(operand: Operand) -> Any:
    """The type that an operand names."""
    if not isinstance(operand, Known):
        raise LoweringError("no type of elements")
    return operand.value
