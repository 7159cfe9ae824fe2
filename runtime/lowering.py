"""Emitted source to LLVM IR, statement by statement, in one walk over its syntax tree.

Emitted source is a small part of Python: loops over ranges, branches, scalars of one type each, rows of
elements. Its types are plain from left to right, so nothing is inferred and nothing is iterated; time grows
with the length of the source. What operators and functions mean is Numba's (`Expressions`). Start with
`lower`.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

import llvmlite.ir as ll
from numba.core import types

from tapejit.runtime.allocation import Allocations
from tapejit.runtime.expression import Expressions
from tapejit.runtime.loop_hint import stay_loop
from tapejit.runtime.names import LoweringError
from tapejit.runtime.naming import variables_of
from tapejit.runtime.operand import Constant, Operand, Row, Scalar
from tapejit.runtime.part_function import Parts
from tapejit.runtime.returning import Returned


def lower(
    body: Sequence[ast.stmt],
    context: Any,
    function: Any,
    parameters: Sequence[tuple[str, Any]],
    namespace: Any,
    returned: Returned,
    parts: Parts | None = None,
) -> Any:
    """Make the statements the body of an empty function, whose parameters are names and types of Numba.

    Returns Numba's helper for callers. `parts`: those of the module, if it has any yet.
    """
    entry, first = map(function.append_basic_block, ("entry", "body"))
    builder = ll.IRBuilder(entry)
    helper = context.call_conv.init_call_helper(builder)
    names, kinds = zip(*parameters, strict=True) if parameters else ((), ())
    values = _decoded(context, builder, function, kinds)
    decoded = builder.block
    builder.position_at_end(first)
    parts = parts or Parts(context, function.module, lower)
    variables = variables_of(body, names)
    lowering = _Statements(context, builder, namespace, returned, parts, variables)
    lowering.bind(zip(names, kinds, values, strict=True))
    lowering.run(body)
    lowering.end()
    builder.position_at_end(decoded)  # behind the variables
    builder.branch(first)
    return helper


def _decoded(context: Any, builder: Any, function: Any, kinds: Sequence[Any]) -> Any:
    """The values of the parameters; parts have one more behind these, for what they return."""
    packer, raw = context.get_arg_packer(kinds), context.call_conv.get_arguments(function)
    return packer.from_arguments(builder, raw[: len(packer.argument_types)])


class _Statements:
    """The statements of one function."""

    def __init__(
        self,
        context: Any,
        builder: Any,
        namespace: Any,
        returned: Returned,
        parts: Parts,
        variables: frozenset[str],
    ):
        self.context, self.builder, self.namespace = context, builder, namespace
        self.allocations = Allocations(context, builder)
        self.expressions = Expressions(context, builder, namespace, self.allocations, parts)
        self.names = self.expressions.names
        self._returned, self._variables = returned, variables
        self._exits: list[Any] = []  # of the loops around, innermost last

    def bind(self, arguments: Any) -> None:
        """Make variables of the function's arguments."""
        for name, kind, value in arguments:
            self._bind(name, self.expressions.operand(kind, value))

    def run(self, body: Sequence[ast.stmt]) -> None:
        """The statements, up to one that leaves."""
        for statement in body:
            if self.builder.block.is_terminated:
                return
            lowered = getattr(self, f"_{type(statement).__name__.lower()}", None)
            if lowered is None:
                raise LoweringError(f"emitted source has no statement like: {ast.unparse(statement)}")
            lowered(statement)

    def end(self) -> None:
        """After the last statement."""
        if not self.builder.block.is_terminated:
            self._returned(self.builder, None)
        self.allocations.freed_at_exits()

    # -- Plain statements --------------------------------------------------------------------------------

    def _expr(self, statement: Any) -> None:
        self.expressions.evaluated(statement.value)

    def _pass(self, statement: Any) -> None:
        pass

    def _break(self, statement: Any) -> None:
        self.builder.branch(self._exits[-1])

    def _return(self, statement: Any) -> None:
        self._returned(self.builder, self.expressions.typed(self.expressions.evaluated(statement.value)))

    def _raise(self, statement: Any) -> None:
        error, (message,) = self.namespace[statement.exc.func.id], statement.exc.args
        self.context.call_conv.return_user_exc(self.builder, error, (message.value,))

    def _assign(self, statement: Any) -> None:
        (target,), value = statement.targets, statement.value
        if isinstance(target, ast.Name) and isinstance(value, ast.Tuple):
            self._bind(target.id, self.expressions.table(value))
        elif not isinstance(target, ast.Tuple):
            self._store(target, self.expressions.evaluated(value))
        else:
            self._assign_all(target, value)

    def _assign_all(self, target: ast.Tuple, value: Any) -> None:
        found = [self.expressions.evaluated(v) for v in value.elts]
        for each, operand in zip(target.elts, found, strict=True):
            self._store(each, operand)

    def _augassign(self, statement: Any) -> None:
        value = ast.BinOp(statement.target, statement.op, statement.value)
        self._store(statement.target, self.expressions.evaluated(value))

    def _store(self, target: Any, operand: Operand) -> None:
        if isinstance(target, ast.Name):
            self._bind(target.id, operand)
        else:
            self.expressions.store_element(target, operand)

    def _bind(self, name: str, operand: Operand) -> None:
        found = self.names.kind_of(name)
        if isinstance(operand, Constant) and isinstance(found, Scalar):
            operand = Scalar(found.type, self.expressions.constant(operand.value, found.type))
        value = operand if isinstance(operand, Row) else self.expressions.typed(operand)
        if name in self._variables:
            self.names.store(name, value)
        else:
            self.names.name(name, value)

    # -- Control flow ------------------------------------------------------------------------------------

    def _if(self, statement: Any) -> None:
        condition = self.expressions.truth(statement.test)
        then, after = (self.builder.append_basic_block(name) for name in ("then", "after"))
        otherwise = self.builder.append_basic_block("else") if statement.orelse else after
        self.builder.cbranch(condition, then, otherwise)
        for block, body in ((then, statement.body), (otherwise, statement.orelse)):
            if body:
                self.builder.position_at_end(block)
                with self.names.scope():
                    self.run(body)
                self._go(after)
        self.builder.position_at_end(after)

    def _while(self, statement: Any) -> None:
        test, body, after = (self.builder.append_basic_block(name) for name in ("test", "body", "after"))
        self.builder.branch(test)
        self.builder.position_at_end(test)
        self.builder.cbranch(self.expressions.truth(statement.test), body, after)
        self._looped(body, statement.body, test, after)

    def _for(self, statement: Any) -> None:
        begin, stop, step, on_it_goes = self._range(statement.iter)
        blocks_before = len(self.builder.function.blocks)
        test, body, on, after = map(self.builder.append_basic_block, ("test", "body", "on", "after"))
        before = self.builder.block
        self.builder.branch(test)
        self.builder.position_at_end(test)
        counter = self.builder.phi(begin.type, name=statement.target.id)
        self.builder.cbranch(self.builder.icmp_signed(on_it_goes, counter, stop), body, after)
        self.builder.position_at_end(on)
        following = self.builder.add(counter, step, flags=["nsw"])
        back = self.builder.branch(test)
        counter.add_incoming(begin, before)
        counter.add_incoming(following, on)
        self.builder.position_at_end(body)
        with self.names.scope():
            self._bind(statement.target.id, Scalar(types.intp, counter))
            self._looped(body, statement.body, on, after)
        if _is_innermost(statement):
            stay_loop(back, begin, stop, self.builder.function.blocks[blocks_before:])

    def _range(self, call: Any) -> tuple[Any, Any, Any, str]:
        """Where a range begins, what it ends before, its step and how counter and end compare inside.

        A step that is no constant is positive.
        """
        found = [self.expressions.evaluated(a) for a in call.args]
        begin, stop, *more = found if len(found) > 1 else (Constant(0), *found)
        step = more[0] if more else Constant(1)
        back = isinstance(step, Constant) and step.value < 0
        bounds = [self.expressions.index(each) for each in (begin, stop, step)]
        return bounds[0], bounds[1], bounds[2], ">" if back else "<"

    def _looped(self, block: Any, body: Sequence[ast.stmt], again: Any, after: Any) -> None:
        """The body of a loop, and on behind it."""
        self.builder.position_at_end(block)
        self._exits.append(after)
        with self.names.scope():
            self.run(body)
        self._exits.pop()
        self._go(again)
        self.builder.position_at_end(after)

    def _go(self, block: ll.Block) -> None:
        if not self.builder.block.is_terminated:
            self.builder.branch(block)


def _is_innermost(loop: ast.For) -> bool:
    return not any(isinstance(node, ast.For | ast.While) for each in loop.body for node in ast.walk(each))
