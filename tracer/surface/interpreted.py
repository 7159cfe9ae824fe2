"""Operations that NumPy lacks: outside a record they run as what they lower to, in the interpreter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tapejit.ir.builder import Builder
from tapejit.ir.interpreter import interpret
from tapejit.ir.types import type_of
from tapejit.tracer.surface.function import Function, traced


def own(lower: Callable[..., Any]) -> Function:
    """Decorate a lowering that stands for no function of NumPy's."""

    def run(*values: Any, **statics: Any) -> Any:
        builder = Builder(lower.__name__, [type_of(x) for x in values])
        found = lower(*builder.params, **statics)
        results = interpret(builder.finish(found if isinstance(found, tuple) else (found,)), *values)
        return results if isinstance(found, tuple) else results[0]

    return traced(name=lower.__name__, numpy=run)(lower)
