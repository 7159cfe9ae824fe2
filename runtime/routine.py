"""A routine compiled once for the process, which programs call by a symbol instead of containing its code.

Linked into every program that calls it, a routine would be optimised again with each, which takes longer
than the program. Start with `call_of`.
"""

from __future__ import annotations

from typing import Any


def call_of(symbol: str, routine: Any, arguments: tuple[Any, ...]) -> Any:
    """How Numba types and lowers a call of `routine`, a dispatcher, with arguments of these types.

    The symbol has to be there when a program that names it is loaded.
    """
    import llvmlite.binding
    from numba.core import cgutils

    routine.compile(arguments)
    compiled = routine.overloads[arguments]
    address = compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name)
    llvmlite.binding.add_symbol(symbol, address)
    result = compiled.signature.return_type(*arguments)

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        convention = context.call_conv
        kind = convention.get_function_type(signature.return_type, signature.args)
        function = cgutils.get_or_insert_function(builder.module, kind, symbol)
        status, found = convention.call_function(
            builder, function, signature.return_type, signature.args, values
        )
        with cgutils.if_unlikely(builder, status.is_error):
            convention.return_status_propagate(builder, status)
        return found

    def typed(context: Any, *operands: Any) -> Any:
        return result, generate

    return typed
