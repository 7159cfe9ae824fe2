"""`matmul` of the emitted source: a matrix product by the function that programs share."""

from __future__ import annotations

from typing import Any, Protocol

from tapejit.runtime.pool import SYMBOL, WORD
from tapejit.runtime.shared_code import SharedCode


class Products(Protocol):
    """Where the function comes from."""

    def product(self, module: Any, dtype: str, /) -> Any:
        """It, as a module of `llvmlite.ir` declares it."""


def matmul(products: Products, shared: SharedCode) -> Any:
    """`matmul(rows, columns, inner, *x, *y, out, start, accumulate, panels)`: x is row, start, strides."""
    from numba import types
    from numba.extending import intrinsic

    def product(
        context: Any,
        rows: Any,
        columns: Any,
        inner: Any,
        x: Any,
        x_start: Any,
        x_down: Any,
        x_across: Any,
        y: Any,
        y_start: Any,
        y_down: Any,
        y_across: Any,
        out: Any,
        out_start: Any,
        accumulate: Any,
        panels: Any,
    ) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            _call(products, context, builder, signature, arguments)
            shared.provide_for(builder.module)
            return context.get_dummy_value()

        n, flag = types.intp, types.boolean
        return types.void(n, n, n, x, n, n, n, y, n, n, n, out, n, flag, panels), generate

    return intrinsic(product)


def _call(products: Products, context: Any, builder: Any, signature: Any, arguments: Any) -> None:
    import llvmlite.ir as ll
    from numba import types
    from numba.core import cgutils

    def data(where: int) -> Any:
        return context.make_array(signature.args[where])(context, builder, arguments[where]).data

    def element(where: int) -> Any:
        return builder.gep(data(where), [arguments[where + 1]])

    rows, columns, inner, _, _, x_down, x_across, _, _, y_down, y_across, *_ = arguments
    accumulate = builder.icmp_unsigned("!=", arguments[13], arguments[13].type(0))
    dtype = {types.float64: "f64", types.float32: "f32"}[signature.args[3].dtype]
    launch = cgutils.get_or_insert_function(builder.module, ll.FunctionType(WORD, [WORD] * 3), SYMBOL)
    left = [element(3), x_down, x_across]
    right = [element(7), y_down, y_across]
    builder.call(
        products.product(builder.module, dtype),
        [rows, columns, inner, *left, *right, element(11), accumulate, data(14), launch],
    )
