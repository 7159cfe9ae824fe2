"""A routine compiled once, which programs call by a symbol instead of containing its code.

Linked into every program that calls it, a routine would be optimised again with each, which takes longer
than the program. Its machine code is kept on disk like that of programs. Start with `address_of`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tapejit.runtime.lapack import announce
from tapejit.runtime.machine_code import MachineCode, machine_code
from tapejit.runtime.part import Part
from tapejit.runtime.pipeline import jitted, named
from tapejit.runtime.store import Store


def address_of(
    symbol: str, build: Callable[[], Part], arguments: tuple[Any, ...], store: Store | None
) -> int:
    """The machine code of the routine: what another process kept, or what is made of the part `build()`.

    It carries `symbol` in its name.
    """
    key = None if store is None else store.key_of(symbol)
    found = None if key is None or store is None else _restored(store.get(key))
    if found is not None:
        return found
    compiled = _compiled(symbol, build(), arguments)
    if key is not None and store is not None:
        store.put(key, machine_code(compiled, symbol), f"# {symbol}\n")
    address: int = compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name)
    return address


def _compiled(symbol: str, part: Part, arguments: tuple[Any, ...]) -> Any:
    """What Numba's back end makes of it."""
    from numba import types

    function = named(part.tree, dict(part.namespace), symbol)
    dispatcher = jitted(aliases=True, no_cpython_wrapper=True)(function)
    return dispatcher._compiler.compile(arguments, types.boolean)  # has no entry to call from Python


def _restored(code: MachineCode | None) -> int | None:
    """The address of machine code that was kept."""
    if code is None:
        return None
    for name in code.names.needed:
        announce(name)
    loaded = code.load()
    return None if loaded is None else loaded[1]


def call_of(symbol: str, address: int, arguments: tuple[Any, ...]) -> Any:
    """How Numba types and lowers a call of the routine at `address`, with arguments of these types.

    The symbol has to be there when a program that names it is loaded. A routine returns a flag.
    """
    import llvmlite.binding
    from numba import types
    from numba.core import cgutils

    llvmlite.binding.add_symbol(symbol, address)
    result = types.boolean(*arguments)

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
