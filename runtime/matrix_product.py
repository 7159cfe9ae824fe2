"""`matmul` of the emitted source: a matrix product by the function that programs share."""

from __future__ import annotations

from collections.abc import Callable
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
        n, flag = types.intp, types.boolean
        kind = types.void(n, n, n, x, n, n, n, y, n, n, n, out, n, flag, panels)
        return kind, _generator(shared, lambda data: _multiply(products, data))

    return intrinsic(product)


def matmul_pack(products: Products, shared: SharedCode) -> Any:
    """`matmul_pack(columns, inner, y, start, down, across, panels)`: the right matrix for `matmul_packed`."""
    from numba import types
    from numba.extending import intrinsic

    def pack(
        context: Any, columns: Any, inner: Any, y: Any, start: Any, down: Any, across: Any, panels: Any
    ) -> Any:
        n = types.intp
        return types.void(n, n, y, n, n, n, panels), _generator(shared, lambda data: _pack(products, data))

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
        n = types.intp
        kind = types.void(n, n, n, x, n, n, n, panels, out, n, types.boolean)
        return kind, _generator(shared, lambda data: _multiply_packed(products, data))

    return intrinsic(product)


class _Rows:
    """The arguments of a call, by their position: some are rows of elements."""

    def __init__(self, context: Any, builder: Any, signature: Any, arguments: Any):
        self._context, self.builder, self._kinds = context, builder, signature.args
        self.arguments = arguments

    def dtype(self, where: int) -> str:
        from numba import types

        return {types.float64: "f64", types.float32: "f32"}[self._kinds[where].dtype]

    def begin(self, where: int) -> Any:
        """The address of the first element."""
        array = self._context.make_array(self._kinds[where])
        return array(self._context, self.builder, self.arguments[where]).data

    def element(self, where: int) -> Any:
        """That of the element whose number is the next argument."""
        return self.builder.gep(self.begin(where), [self.arguments[where + 1]])

    def is_set(self, flag: Any) -> Any:
        """A flag as one bit."""
        return self.builder.icmp_unsigned("!=", flag, flag.type(0))

    def launch(self) -> Any:
        """The function that runs blocks on the pool."""
        import llvmlite.ir as ll
        from numba.core import cgutils

        kind = ll.FunctionType(WORD, [WORD] * 3)
        return cgutils.get_or_insert_function(self.builder.module, kind, SYMBOL)


def _generator(shared: SharedCode, write: Callable[[_Rows], None]) -> Callable[..., Any]:
    """What Numba calls for the code of a call: `write`, and what shared functions need."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        write(_Rows(context, builder, signature, arguments))
        shared.provide_for(builder.module)
        return context.get_dummy_value()

    return generate


def _multiply(products: Products, data: _Rows) -> None:
    builder = data.builder
    rows, columns, inner, _, _, x_down, x_across, _, _, y_down, y_across, _, _, more, _ = data.arguments
    left = [data.element(3), x_down, x_across]
    right = [data.element(7), y_down, y_across]
    builder.call(
        products.product(builder.module, data.dtype(3)),
        [
            rows,
            columns,
            inner,
            *left,
            *right,
            data.element(11),
            data.is_set(more),
            data.begin(14),
            data.launch(),
        ],
    )


def _pack(products: Products, data: _Rows) -> None:
    columns, inner, _, _, down, across, _ = data.arguments
    function = products.product(data.builder.module, data.dtype(2), "pack")
    data.builder.call(function, [columns, inner, data.element(2), down, across, data.begin(6), data.launch()])


def _multiply_packed(products: Products, data: _Rows) -> None:
    rows, columns, inner, _, _, down, across, _, _, _, more = data.arguments
    left = [rows, columns, inner, data.element(3), down, across]
    function = products.product(data.builder.module, data.dtype(3), "packed")
    data.builder.call(function, [*left, data.begin(7), data.element(8), data.is_set(more)])
