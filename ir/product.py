"""`dot_general`, the product of arrays: sums over contracted dimensions, batch dimensions in step.

Its adjoints and its batched form are products again, with the dimensions in another order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tapejit.ir import shape
from tapejit.ir.emission import Product
from tapejit.ir.example import BLOCK, CUBE, SINGLE, ZM, ZN, ZT, A, B, M, N, T
from tapejit.ir.layout import transpose
from tapejit.ir.primitive import Mapped, Primitive

if TYPE_CHECKING:
    from tapejit.ir.builder import Var
    from tapejit.ir.types import TensorType

# contract=((dimensions of x), (dimensions of y)), batch likewise; the result: batch, free x, free y.
dot_general: Primitive = Primitive(
    name="dot_general", arity=2, results=1, infer=shape.dot_general, reference=shape.reference_dot_general,
    jvp=lambda ts, r, x, y, *, contract, batch: _sum_of(
        None if ts[0] is None else dot_general(ts[0], y, contract=contract, batch=batch),
        None if ts[1] is None else dot_general(x, ts[1], contract=contract, batch=batch)),
    vjp=lambda ct, r, x, y, *, contract, batch: (
        _transpose_product(ct, y, x.type, contract, batch, swap=False),
        _transpose_product(ct, x, y.type, contract[::-1], batch[::-1], swap=True)),
    batch=Mapped(lambda x, y, **attrs: _batched_product(x, y, **attrs)),
    emission=Product(),
    examples=(((M, N), {"contract": ((1,), (0,)), "batch": ((), ())}),
              ((N, M), {"contract": ((0,), (1,)), "batch": ((), ())}),
              ((A, B), {"contract": ((0,), (0,)), "batch": ((), ())}),
              ((M, A), {"contract": ((1,), (0,)), "batch": ((), ())}),
              ((T, BLOCK), {"contract": ((1,), (2,)), "batch": ((0,), (1,))}),
              ((A, N[0]), {"contract": ((), ()), "batch": ((), ())}),
              ((T, CUBE), {"contract": ((1, 0), (1, 2)), "batch": ((), ())}),
              ((SINGLE, SINGLE), {"contract": ((0,), (0,)), "batch": ((), ())}),
              ((ZM, ZN), {"contract": ((1,), (0,)), "batch": ((), ())}),
              ((ZT[0], ZN), {"contract": ((0,), (0,)), "batch": ((1,), (1,))})))


def _sum_of(x: Var | None, y: Var | None) -> Var | None:
    return y if x is None else x if y is None else x + y


def _batched_product(x: Var, y: Var, *, mapped: tuple[bool, bool], contract: Any, batch: Any) -> Var:
    """Two stacks are multiplied pairwise; of one stack the new axis is free, so it is one product."""
    contract = _behind_new_axis(contract, mapped)
    batch = _behind_new_axis(batch, mapped)
    if all(mapped):
        return dot_general(x, y, contract=contract, batch=tuple((0, *dims) for dims in batch))
    product = dot_general(x, y, contract=contract, batch=batch)
    at = len(batch[0])
    at += 0 if mapped[0] else len(shape.free_dims(len(x.shape), contract[0], batch[0]))
    return transpose(product, perm=(at, *(k for k in range(len(product.shape)) if k != at)))


def _behind_new_axis(dims: Any, mapped: tuple[bool, bool]) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(d + m for d in axes) for axes, m in zip(dims, mapped, strict=True))


def _transpose_product(
    ct: Var, other: Var, x: TensorType, contract: Any, batch: Any, *, swap: bool
) -> Var:
    """The adjoint of the operand of type `x` of a product with `other` (`swap`: x was the second).

    Contract ct with `other` over other's free dimensions; put the dimensions back in x's order.
    """
    x_contract, other_contract = contract
    x_batch, other_batch = batch
    x_free = shape.free_dims(x.rank, x_contract, x_batch)
    other_free = shape.free_dims(len(other.shape), other_contract, other_batch)
    count = len(x_batch)
    start = count if swap else count + len(x_free)
    ct_other = tuple(range(start, start + len(other_free)))
    ct_batch = tuple(range(count))
    product = dot_general(ct, other, contract=(ct_other, other_free), batch=(ct_batch, other_batch))
    by_other = sorted(range(len(other_contract)), key=lambda k: other_contract[k])
    order = (*x_batch, *x_free, *(x_contract[k] for k in by_other))
    return transpose(product, perm=shape.inverse(order))
