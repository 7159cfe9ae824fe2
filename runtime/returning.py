"""What `return` does in a function of emitted source or of a routine.

Its builder stands in the function; None is what a function returns that ends without `return`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tapejit.runtime.operand import Scalar

Returned = Callable[[Any, Scalar | None], None]


class ByConvention:
    """As Numba returns a value of a type that is known."""

    def __init__(self, context: Any, kind: Any):
        self._context, self._kind = context, kind

    def __call__(self, builder: Any, scalar: Scalar | None) -> None:
        context = self._context
        value = context.get_dummy_value()
        if scalar is not None:
            wanted = context.cast(builder, scalar.value, scalar.type, self._kind)
            value = context.get_return_value(builder, self._kind, wanted)
        context.call_conv.return_value(builder, value)


class ThroughMemory:
    """To where the function's last argument points; the first `return` says the type."""

    def __init__(self, context: Any):
        self._context = context
        self.type: Any = None

    def __call__(self, builder: Any, scalar: Scalar | None) -> None:
        context = self._context
        if scalar is not None:
            self.type = self.type or scalar.type
            value = context.cast(builder, scalar.value, scalar.type, self.type)
            slot = builder.bitcast(builder.function.args[-1], value.type.as_pointer())
            builder.store(value, slot)
        context.call_conv.return_value(builder, context.get_dummy_value())
