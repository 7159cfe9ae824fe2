"""`matmul` of the emitted source: a matrix product by the function that programs share."""

from __future__ import annotations

from typing import Any, Protocol

from tapejit.runtime.pool import SYMBOL, WORD
from tapejit.runtime.shared_code import SharedCode


class Products(Protocol):
    """Where the function comes from."""

    def product(self, module: Any, dtype: str, part: str = "", /) -> Any:
        """It or a part of it, as a module of `llvmlite.ir` declares it."""


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


def matmul_pack(products: Products, shared: SharedCode) -> Any:
    """`matmul_pack(columns, inner, y, start, down, across, panels)`: the right matrix for `matmul_packed`."""
    from numba import types
    from numba.extending import intrinsic

    def pack(
        context: Any, columns: Any, inner: Any, y: Any, start: Any, down: Any, across: Any, panels: Any
    ) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            columns, inner, _, _, down, across, _ = arguments
            data = _Rows(context, builder, signature, arguments)
            function = products.product(builder.module, data.dtype(2), "pack")
            builder.call(function, [columns, inner, data.element(2), down, across, data.begin(6)])
            shared.provide_for(builder.module)
            return context.get_dummy_value()

        n = types.intp
        return types.void(n, n, y, n, n, n, panels), generate

    return intrinsic(pack)


def matmul_packed(products: Products, shared: SharedCode) -> Any:
    """`matmul_packed(rows, columns, inner, x, start, down, across, panels, out, start, accumulate)`."""
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
        panels: Any,
        out: Any,
        out_start: Any,
        accumulate: Any,
    ) -> Any:
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            rows, columns, inner, _, _, down, across, _, _, _, more = arguments
            data = _Rows(context, builder, signature, arguments)
            left = [rows, columns, inner, data.element(3), down, across]
            function = products.product(builder.module, data.dtype(3), "packed")
            adds = builder.icmp_unsigned("!=", more, more.type(0))
            builder.call(function, [*left, data.begin(7), data.element(8), adds])
            shared.provide_for(builder.module)
            return context.get_dummy_value()

        n = types.intp
        return types.void(n, n, n, x, n, n, n, panels, out, n, types.boolean), generate

    return intrinsic(product)


class _Rows:
    """The arguments that are rows of elements, by their position."""

    def __init__(self, context: Any, builder: Any, signature: Any, arguments: Any):
        self._context, self._builder, self._kinds = context, builder, signature.args
        self._arguments = arguments

    def dtype(self, where: int) -> str:
        from numba import types

        return {types.float64: "f64", types.float32: "f32"}[self._kinds[where].dtype]

    def begin(self, where: int) -> Any:
        """The address of the first element."""
        array = self._context.make_array(self._kinds[where])
        return array(self._context, self._builder, self._arguments[where]).data

    def element(self, where: int) -> Any:
        """That of the element whose number is the next argument."""
        return self._builder.gep(self.begin(where), [self._arguments[where + 1]])


def _call(products: Products, context: Any, builder: Any, signature: Any, arguments: Any) -> None:
    import llvmlite.ir as ll
    from numba.core import cgutils

    data = _Rows(context, builder, signature, arguments)
    rows, columns, inner, _, _, x_down, x_across, _, _, y_down, y_across, *_ = arguments
    accumulate = builder.icmp_unsigned("!=", arguments[13], arguments[13].type(0))
    launch = cgutils.get_or_insert_function(builder.module, ll.FunctionType(WORD, [WORD] * 3), SYMBOL)
    left = [data.element(3), x_down, x_across]
    right = [data.element(7), y_down, y_across]
    builder.call(
        products.product(builder.module, data.dtype(3)),
        [rows, columns, inner, *left, *right, data.element(11), accumulate, data.begin(14), launch],
    )
