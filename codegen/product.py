"""Rewrite products before they are scheduled, so that BLAS reads and writes each matrix where it lies.

An operand that no strides make a matrix is transposed first; a product that is only needed transposed
is computed that way, with its operands exchanged. Start with `prepare_products`.
"""

from __future__ import annotations

from collections import Counter

from tapejit.codegen.matrix import Groups, groups, matrices
from tapejit.codegen.moves import taken_dims
from tapejit.codegen.root import is_loop_product
from tapejit.ir import ops
from tapejit.ir.emission import IndexMap, Product
from tapejit.ir.function import Function, Instr, Value
from tapejit.ir.primitive import Primitive


def prepare_products(function: Function, general: bool) -> Function:
    """The same function, its products rewritten."""
    body: list[Instr] = []
    for instr in _turned_products(function):
        if isinstance(instr.primitive.emission, Product) and not is_loop_product(instr, general):
            body += _canonical(instr)
        else:
            body.append(instr)
    return Function(function.name, function.params, body, function.results)


def _canonical(instr: Instr) -> list[Instr]:
    """The product, after the moves that make a matrix of an operand that is none in its own layout."""
    steps: list[Instr] = []
    operands, contract, batch = [], [], []
    for value, group in zip(instr.operands, groups(instr), strict=True):
        if not matrices(value, group, {}):
            value, group = _as_matrix(value, group, steps, instr.location)
        operands.append(value)
        contract.append(group.inner)
        batch.append(group.batch)
    attrs = {"contract": tuple(contract), "batch": tuple(batch)}
    return [*steps, Instr(instr.primitive, tuple(operands), attrs, instr.results, (), instr.location)]


def _as_matrix(value: Value, group: Groups, steps: list[Instr], location: str | None) -> tuple[Value, Groups]:
    """The value with its dimensions in the order of the groups."""
    order = (*group.batch, *group.free, *group.inner)
    turned = _append(steps, ops.transpose, value, {"perm": order}, location)
    cuts = (len(group.batch), len(group.batch) + len(group.free))
    dims = tuple(range(len(order)))
    return turned, Groups(dims[: cuts[0]], dims[cuts[0] : cuts[1]], dims[cuts[1] :])


def _append(
    steps: list[Instr],
    primitive: Primitive,
    value: Value,
    attrs: dict[str, tuple[int, ...]],
    location: str | None,
) -> Value:
    (type_,) = primitive.result_types((value.type,), attrs)
    result = Value(type_, value.name)
    steps.append(Instr(primitive, (value,), attrs, (result,), (), location))
    return result


def _turned_products(function: Function) -> list[Instr]:
    """The instructions, with `transpose(x @ y)` as the product of y and x where nothing else needs x @ y."""
    uses = Counter(v for instr in function.body for v in instr.operands) + Counter(function.results)
    products = {
        i.results[0]: i
        for i in function.body
        if isinstance(i.primitive.emission, Product) and uses[i.results[0]] == 1
    }
    turned = {instr.operands[0]: instr for instr in function.body if _turns(instr, products)}
    body: list[Instr] = []
    for instr in function.body:
        if instr.results[0] not in turned:
            source = next(iter(instr.operands), None)
            exchanged = source is not None and turned.get(source) is instr
            body.append(_exchanged(products[instr.operands[0]], instr) if exchanged else instr)
    return body


def _turns(instr: Instr, products: dict[Value, Instr]) -> bool:
    """It exchanges the rows and the columns of a product."""
    if not isinstance(instr.primitive.emission, IndexMap) or instr.operands[0] not in products:
        return False
    left, right = groups(products[instr.operands[0]])
    first, second = len(left.batch), len(left.batch) + len(right.free)  # where columns and rows go
    dims = range(second + len(left.free))
    same_size = instr.results[0].type.size == instr.operands[0].type.size
    return same_size and taken_dims(instr) == [*dims[:first], *dims[second:], *dims[first:second]]


def _exchanged(product: Instr, turn: Instr) -> Instr:
    attrs = {name: tuple(reversed(product.attrs[name])) for name in ("contract", "batch")}
    return Instr(product.primitive, product.operands[::-1], attrs, turn.results, (), product.location)
