"""Ctrl-C inside native loops."""

from __future__ import annotations

from typing import Any


def check_signals() -> Any:
    """`check_signals()` runs the Python handlers of signals that arrived, and raises what they raise.

    Programs run without the GIL; it is taken for that. Python runs handlers in the main thread only.
    """
    import llvmlite.ir as ll
    from numba import types
    from numba.core import cgutils
    from numba.extending import intrinsic

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        python, kind = context.get_python_api(builder), ll.FunctionType(ll.IntType(32), [])
        state = python.gil_ensure()
        check = cgutils.get_or_insert_function(builder.module, kind, "PyErr_CheckSignals")
        raised = cgutils.is_not_null(builder, builder.call(check, []))
        python.gil_release(state)
        with cgutils.if_unlikely(builder, raised):
            context.call_conv.return_exc(builder)
        return context.get_dummy_value()

    def typed(context: Any) -> Any:
        return types.void(), generate

    return intrinsic(typed)
